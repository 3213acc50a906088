-- Grain: one row per currency: what the provider was paid in the period less what it gave back, from the orders
-- alone, and how many payments and refunds that were. `by_order`: refunds on the day of their order instead of
-- their own.
WITH
    paid_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})
        AS is_paid_inside,
    -- When money went back, and how much.
    arrayFilter(
        refund -> if({by_order:UInt8} = 1, paid_at, refund.1) >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND if({by_order:UInt8} = 1, paid_at, refund.1) < fromUnixTimestamp64Milli({to_ms:Int64}),
        /*order_refunds*/) AS refunds_inside
SELECT
    toString(/*order_currency*/) AS code,
    sumIf(/*order_amount*/, is_paid_inside) - sum(arraySum(refund -> refund.2, refunds_inside)) AS net_minor,
    countIf(/*order_amount*/ != 0 AND is_paid_inside) + sum(length(refunds_inside)) AS bookings
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    /*order_filters*/
GROUP BY code
