-- Which of these orders are no renewals? Grain: one row per order that is its own root.
SELECT toString(order_id) AS id
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND order_id IN {orders:Array(UUID)}
    AND order_id = root_order_id
