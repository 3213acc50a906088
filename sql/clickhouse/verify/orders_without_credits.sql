-- Which booked orders has nobody been credited for?
-- Grain: one row: how many there are, and the first of them.
SELECT
    count() AS failures,
    groupArray(10)(format('order {} ({})', toString(order_id), provider_order_id)) AS offenders
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND order_id NOT IN
    (
        SELECT order_id
        FROM credits
        WHERE workspace_id = {workspace:String}
        GROUP BY order_id
        HAVING sum(sign) > 0
    )
