-- How did the orders paid in the period come into the report currency? Amounts in their own, refunds taken off.
-- Grain: one row per (kind of conversion, source of rates, currency).
SELECT
    toString(conversion) AS how,
    toString(currency) AS code,
    toString(min(rate_day)) AS from_day,
    toString(rate_source) AS source_name,
    toString(max(rate_day)) AS to_day,
    count() AS orders,
    sum(/*order_amount*/ - arraySum(refund -> refund.2, /*order_refunds*/)) AS net_minor
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND paid_at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})
    /*order_filters*/
GROUP BY how, code, source_name
