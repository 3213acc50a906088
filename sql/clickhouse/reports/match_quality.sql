-- Grain: one row per (bucket, connection, method, evidence, currency): how orders paid in the period were joined to visitors.
SELECT
    roundDown(toUnixTimestamp64Milli(paid_at), {bounds:Array(Int64)}) AS start_ms,
    toString(connection_id) AS connection,
    toString(match_method) AS method,
    toString(match_evidence) AS evidence,
    toString(/*order_currency*/) AS code,
    count() AS orders,
    sum(/*order_amount*/ - arraySum(refund -> refund.2, /*order_refunds*/)) AS net_minor
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND paid_at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})
    /*order_filters*/
GROUP BY start_ms, connection, method, evidence, code
