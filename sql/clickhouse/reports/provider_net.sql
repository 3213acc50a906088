-- Grain: one row per currency: what the provider was paid in the period less what it gave back, from the orders
-- alone. `by_order`: refunds on the day of their order instead of their own.
SELECT
    toString(currency) AS code,
    sumIf(
        net,
        paid_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})
    ) - sum(
        arraySum(
            refund -> if(
                if({by_order:UInt8} = 1, paid_at, refund.2) >= fromUnixTimestamp64Milli({from_ms:Int64})
                    AND if({by_order:UInt8} = 1, paid_at, refund.2) < fromUnixTimestamp64Milli({to_ms:Int64}),
                refund.3,
                0),
            refunds)
    ) AS net_minor
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    /*order_filters*/
GROUP BY code
