-- Does a touch earn that came after the anchor, or before the window?
-- Grain: one row: how many credits do, and the first of them.
WITH
    -- Where the journey of each order ends: at its root's anchor.
    anchors AS
    (
        SELECT own.order_id AS order_id, root.anchor_at AS anchor_at
        FROM (SELECT order_id, root_order_id FROM orders FINAL WHERE workspace_id = {workspace:String} AND booked) AS own
        INNER JOIN (SELECT order_id, anchor_at FROM orders FINAL WHERE workspace_id = {workspace:String}) AS root
            ON root.order_id = own.root_order_id
    ),
    standing AS
    (
        SELECT order_id, touch_id, touch_at
        FROM credits
        WHERE workspace_id = {workspace:String}
            AND earner = 'touch'
        GROUP BY order_id, touch_id, touch_at
        HAVING sum(sign) > 0
    )
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: touch at {}, anchor {}', toString(order_id), toString(touch_at), toString(anchor_at))) AS offenders
FROM standing
INNER JOIN anchors USING (order_id)
WHERE touch_at > anchor_at
    OR touch_at < anchor_at - toIntervalMillisecond({window_ms:Int64})
