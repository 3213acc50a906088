-- How many new sales carried their visitor, in the days looked at and in those before? Only money in the report
-- currency, so that revenue adds up. Grain: one row per connection.
SELECT
    toString(connection_id) AS connection,
    countIf(NOT is_recent) AS usual_orders,
    countIf(NOT is_recent AND has_visitor) AS usual_orders_with_visitor,
    sumIf(report_net, NOT is_recent) AS usual_net,
    sumIf(report_net, NOT is_recent AND has_visitor) AS usual_net_with_visitor,
    countIf(is_recent) AS recent_orders,
    countIf(is_recent AND has_visitor) AS recent_orders_with_visitor,
    sumIf(report_net, is_recent) AS recent_net,
    sumIf(report_net, is_recent AND has_visitor) AS recent_net_with_visitor
FROM
(
    SELECT
        connection_id,
        report_net,
        match_evidence IN ('signed', 'unsigned') AS has_visitor,
        paid_at >= fromUnixTimestamp64Milli({recent_ms:Int64}) AS is_recent
    FROM orders FINAL
    WHERE workspace_id = {workspace:String}
        AND booked
        AND kind IN ('new', 'one_time', 'trial')
        AND conversion IN ('same', 'converted')
        AND paid_at >= fromUnixTimestamp64Milli({from_ms:Int64})
        AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})
)
GROUP BY connection
ORDER BY connection
