-- What was told about these orders, their refunds and disputes? Grain: one row per fact; a fact kept twice may come
-- twice, folding does not mind.
SELECT connection_id, payload
FROM facts
WHERE workspace_id = {workspace:String}
    AND ((kind = 'order' AND object_id IN {orders:Array(String)})
        OR (kind IN ('refund', 'dispute') AND order_ref IN {orders:Array(String)}))
