-- What do credits give each facet under one model, in one view of the money? Cancelled rows and their cancellations both
-- come; a sum leaves nothing of them. Grain: one row per stored row.
SELECT
    order_id,
    facet_id,
    currency,
    toInt64(sign * /*amount*/)
FROM credits
WHERE workspace_id = {workspace:String}
    AND bitAnd(views, {view:UInt8}) != 0
