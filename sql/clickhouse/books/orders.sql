-- What do we hold of a connection's orders that were made in a time, or (by_cash) paid or refunded in it, or that are
-- named? Grain: one row per order.
SELECT
    provider_order_id,
    toString(status) AS status_name,
    toString(currency) AS code,
    booked,
    toUnixTimestamp64Milli(created_at) AS created_ms,
    toUnixTimestamp64Milli(paid_at) AS paid_ms,
    net,
    refund_excess,
    arrayMap(refund -> toUnixTimestamp64Milli(refund.2), refunds) AS refunded_at_ms,
    arrayMap(refund -> refund.3, refunds) AS refunded
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND connection_id = {connection:String}
    AND ((created_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND created_at < fromUnixTimestamp64Milli({to_ms:Int64}))
        OR ({by_cash:UInt8} = 1 AND booked AND paid_at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64}))
        OR ({by_cash:UInt8} = 1 AND arrayExists(
            refund -> refund.2 >= fromUnixTimestamp64Milli({from_ms:Int64})
                AND refund.2 < fromUnixTimestamp64Milli({to_ms:Int64}), refunds))
        OR provider_order_id IN {named:Array(String)})
