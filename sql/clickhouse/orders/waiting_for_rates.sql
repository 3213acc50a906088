-- Which orders wait for the rate of their day? Grain: one row per order.
SELECT DISTINCT provider_order_id AS id
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND conversion = 'waiting'
ORDER BY id
