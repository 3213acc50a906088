-- Grain: one row per earner of one order: what is stored now under every model, refunds taken off, to be held
-- against the explanation. Direct and unattributed have the nil touch.
SELECT
    toString(touch_id) AS touch,
    sumForEach([/*amounts*/]) AS net_minor
FROM credits
WHERE workspace_id = {workspace:String}
    AND bitAnd(views, 1) != 0
    AND order_id = {order:UUID}
    AND booked_at >= fromUnixTimestamp64Milli({from_ms:Int64})
GROUP BY touch
