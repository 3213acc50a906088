-- Grain: one row per currency: everything the provider was paid for the orders that earned a visit of the period
-- something, whenever they were paid.
SELECT
    toString(/*order_currency*/) AS code,
    sum(/*order_amount*/ - arraySum(refund -> refund.2, /*order_refunds*/)) AS net_minor,
    countIf(/*order_amount*/ != 0) AS bookings
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    /*order_filters*/
    AND order_id IN
    (
        SELECT order_id
        FROM credits
        WHERE workspace_id = {workspace:String}
            AND touch_at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND touch_at < fromUnixTimestamp64Milli({to_ms:Int64})
    )
GROUP BY code
