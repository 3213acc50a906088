-- Part of journeys.sql: what earners_stored.sql says, of orders that were read already. The four lists go together.
SELECT
    earner.1 AS order_id,
    earner.2 AS visitor_id,
    fromUnixTimestamp64Milli(earner.3, 'UTC') AS since,
    fromUnixTimestamp64Milli(earner.4, 'UTC') AS until
FROM
(
    SELECT arrayJoin(arrayZip({orders:Array(UUID)}, {visitors:Array(UUID)}, {since_ms:Array(Int64)}, {until_ms:Array(Int64)})) AS earner
)
