-- To whose visits are the orders with a journey of their own joined? A page in the order of the table's key, after an
-- order that was read before. Grain: one row per order.
SELECT
    order_id,
    provider_order_id AS id,
    match_method != 'none' AS is_known,
    arrayMap(visitor -> toString(visitor.1), visitors) AS visitor_ids,
    arrayMap(visitor -> toUnixTimestamp64Milli(visitor.2), visitors) AS since_ms,
    arrayMap(visitor -> toUnixTimestamp64Milli(visitor.3), visitors) AS until_ms
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND root_order_id = order_id
    AND order_id > {after:UUID}
ORDER BY order_id
LIMIT {limit:UInt64}
