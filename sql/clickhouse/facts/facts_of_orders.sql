-- What was told about these orders, their refunds, disputes and payments? Grain: one row per fact; a fact kept twice may come
-- twice, folding does not mind.
SELECT connection_id, payload
FROM facts
WHERE workspace_id = {workspace:String}
    AND ((kind = 'order' AND object_id IN {orders:Array(String)})
        OR (kind IN ('refund', 'dispute', 'payment') AND order_ref IN {orders:Array(String)}))
