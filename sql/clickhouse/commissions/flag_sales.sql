-- What is known about the sales of some commissions? Grain: one row per order asked for, and per root of one.
SELECT
    toString(order_id) AS id,
    toString(root_order_id) AS root,
    toUnixTimestamp64Milli(anchor_at) AS anchor_ms,
    toUnixTimestamp64Milli(paid_at) AS paid_ms,
    toString(match_evidence) AS evidence,
    disposable_email AS disposable,
    arrayMap(key -> toString(key), person_keys) AS keys,
    arrayMap(visitor -> toString(visitor.1), visitors) AS visitors_of
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND
    (
        order_id IN {orders:Array(UUID)}
        OR order_id IN
        (
            SELECT root_order_id
            FROM orders FINAL
            WHERE workspace_id = {workspace:String}
                AND order_id IN {orders:Array(UUID)}
        )
    )
