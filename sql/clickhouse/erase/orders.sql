-- Which orders are a person's, by the provider's ids, or are read from these visitors?
-- Grain: one row per order.
SELECT
    connection_id,
    provider_order_id,
    match_method != 'none' AS matched
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND (hasAny(person_keys, {keys:Array(UUID)})
        OR arrayExists(visitor -> has({visitors:Array(UUID)}, visitor.1), visitors)
        OR provider_order_id IN {orders:Array(String)})
