-- Every version of the facts about these objects, and about what belongs to these orders.
-- Grain: one row per version of a fact.
SELECT
    connection_id,
    payload,
    toUnixTimestamp64Milli(received_at) AS received_ms
FROM facts
WHERE workspace_id = {workspace:String}
    AND ((kind = 'order' AND object_id IN {orders:Array(String)})
        OR (kind IN ('refund', 'dispute') AND order_ref IN {orders:Array(String)})
        OR (kind = 'subscription' AND object_id IN {subscriptions:Array(String)})
        OR (kind = 'checkout' AND object_id IN {checkouts:Array(String)})
        OR (kind = 'customer' AND object_id IN {customers:Array(String)}))
