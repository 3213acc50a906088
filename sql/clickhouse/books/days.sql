-- What did each day of a connection come to, up to a moment? Cash dates. Grain: one row per day of the workspace and
-- currency, with money on it.
SELECT
    toString(toDate(at, {zone:String})) AS day,
    code,
    sum(paid) AS paid_minor,
    sum(given_back) AS refunded_minor
FROM
(
    SELECT paid_at AS at, toString(currency) AS code, net AS paid, toInt64(0) AS given_back
    FROM orders FINAL
    WHERE workspace_id = {workspace:String} AND connection_id = {connection:String} AND booked
    UNION ALL
    SELECT refund.2 AS at, toString(currency) AS code, toInt64(0) AS paid, refund.3 AS given_back
    FROM orders FINAL
    ARRAY JOIN refunds AS refund
    WHERE workspace_id = {workspace:String} AND connection_id = {connection:String}
)
WHERE at < fromUnixTimestamp64Milli({to_ms:Int64})
GROUP BY day, code
HAVING paid_minor != 0 OR refunded_minor != 0
ORDER BY day, code
