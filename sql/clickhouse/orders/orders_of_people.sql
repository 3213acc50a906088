-- Which orders were made by these people, or are read from these visitors? Grain: one row per order.
SELECT DISTINCT provider_order_id AS id
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND (hasAny(person_keys, {keys:Array(UUID)})
        OR arrayExists(visitor -> has({visitors:Array(UUID)}, visitor.1), visitors))
ORDER BY id
