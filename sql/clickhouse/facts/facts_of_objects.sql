-- What was told about the subscriptions, checkouts and customers of some orders? Grain: one row per fact.
SELECT connection_id, payload
FROM facts
WHERE workspace_id = {workspace:String}
    AND ((kind = 'subscription' AND object_id IN {subscriptions:Array(String)})
        OR (kind = 'checkout' AND object_id IN {checkouts:Array(String)})
        OR (kind = 'customer' AND object_id IN {customers:Array(String)}))
