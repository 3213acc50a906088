-- Part of visits.sql and timeseries_visits.sql. Grain: one row per touch of the period, as last classified. Not by
-- FINAL, which would read all columns of the key over all time.
SELECT visitor_id, at, newest_facet_id AS facet_id
FROM
(
    SELECT visitor_id, at, touch_id, argMax(facet_id, classified_at) AS newest_facet_id
    FROM touches
    WHERE workspace_id = {workspace:String}
        AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
        AND at < fromUnixTimestamp64Milli({to_ms:Int64})
    GROUP BY visitor_id, at, touch_id
)
