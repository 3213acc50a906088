-- Which orders do these objects touch? The orders themselves, those that point at the objects, and every
-- other order of the same subscriptions (they share a root and take their kinds from each other).
-- Grain: one row per order.
WITH
    -- Orders that are named or point at something named.
    touched AS
    (
        SELECT object_id, subscription_ref
        FROM facts
        WHERE workspace_id = {workspace:String}
            AND kind = 'order'
            AND (object_id IN {orders:Array(String)}
                OR subscription_ref IN {subscriptions:Array(String)}
                OR checkout_ref IN {checkouts:Array(String)}
                OR customer_ref IN {customers:Array(String)})
    )
SELECT DISTINCT object_id AS id
FROM facts
WHERE workspace_id = {workspace:String}
    AND kind = 'order'
    AND (object_id IN (SELECT object_id FROM touched)
        OR subscription_ref IN (SELECT subscription_ref FROM touched WHERE subscription_ref != ''))
ORDER BY id
