-- Part of visits.sql and timeseries_visits.sql. Grain: one row per stored touch of the period. Without FINAL: it
-- would sort every touch of the period. A touch stands twice between being classified again and the next merge.
SELECT visitor_id, at, facet_id
FROM touches
WHERE workspace_id = {workspace:String}
    AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND at < fromUnixTimestamp64Milli({to_ms:Int64})
