-- Which credits stand for an order that is not there or not booked?
-- Grain: one row: how many orders they name, and the first of them.
WITH standing AS
(
    SELECT order_id
    FROM credits
    WHERE workspace_id = {workspace:String}
    GROUP BY order_id
    HAVING sum(sign) != 0
)
SELECT
    count() AS failures,
    groupArray(10)(format('order {}', toString(order_id))) AS offenders
FROM standing
WHERE order_id NOT IN (SELECT order_id FROM orders FINAL WHERE workspace_id = {workspace:String} AND booked)
