-- Grain: one row per bucket that has visits. Without FINAL, as visits.sql.
SELECT
    roundDown(toUnixTimestamp64Milli(at), {bounds:Array(Int64)}) AS start_ms,
    uniqIf(visitor_id, visitor_id != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors,
    count() AS visits
FROM touches
WHERE workspace_id = {workspace:String}
    AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND at < fromUnixTimestamp64Milli({to_ms:Int64})
    /*touch_filters*/
GROUP BY start_ms
