-- What was given back in the period of orders that were converted, in their own currency and as converted by the rate
-- of the order? Without tax. Grain: one row per (currency, report currency, day of UTC).
SELECT
    toString(currency) AS code,
    toString(report_currency) AS report_code,
    toUnixTimestamp64Milli(toDateTime64(toStartOfDay(refund.2), 3, 'UTC')) AS day_ms,
    sum(refund.3) AS own_minor,
    sum(seen.1) AS reported_minor
FROM orders FINAL
ARRAY JOIN refunds AS refund, report_refunds AS seen
WHERE workspace_id = {workspace:String}
    AND booked
    AND conversion = 'converted'
    AND refund.2 >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND refund.2 < fromUnixTimestamp64Milli({to_ms:Int64})
    /*order_filters*/
GROUP BY code, report_code, day_ms
