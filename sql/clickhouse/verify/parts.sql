-- Do the parts of every booked order add up to one order under every model?
-- Grain: one row: how many orders do not, and the first of them.
WITH posted AS
(
    SELECT order_id, [/*parts*/] AS parts
    FROM credits
    WHERE workspace_id = {workspace:String}
        AND bitAnd(views, 1) != 0
    GROUP BY order_id
)
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: parts {}', toString(order_id), toString(parts))) AS offenders
FROM posted
WHERE arrayExists(part -> part NOT IN (0, 1000000), parts)
    OR (arrayExists(part -> part = 0, parts) AND order_id IN (SELECT order_id FROM orders FINAL WHERE workspace_id = {workspace:String} AND booked))
