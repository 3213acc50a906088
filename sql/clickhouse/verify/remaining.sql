-- Has an earner of an order been taken more than it was given?
-- Grain: one row: how many have, and the first of them.
WITH left_over AS
(
    SELECT order_id, earner, touch_id, [/*amounts*/] AS amounts
    FROM credits
    WHERE workspace_id = {workspace:String}
        AND bitAnd(views, 1) != 0
    GROUP BY order_id, earner, touch_id
)
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: {} {} is left {}', toString(order_id), toString(earner), toString(touch_id), toString(amounts))) AS offenders
FROM left_over
WHERE arrayExists(amount -> amount < 0, amounts)
    AND order_id IN (SELECT order_id FROM orders FINAL WHERE workspace_id = {workspace:String} AND net >= 0)
