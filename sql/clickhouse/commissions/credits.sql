-- What every model credits one click with for one order, refunds taken off. Grain: one row.
SELECT sumForEach([/*amounts*/]) AS net_minor
FROM credits
WHERE workspace_id = {workspace:String}
    AND bitAnd(views, 1) != 0
    AND order_id = {order:UUID}
    AND touch_id = {touch:UUID}
