-- Grain: one row per (bucket, reason, kind): hits that were not counted, and why. Hours are hours of UTC, so a
-- day in a time zone off by half an hour begins with the hour that began before it.
SELECT
    roundDown(toInt64(toUnixTimestamp(hour)) * 1000, {bounds:Array(Int64)}) AS start_ms,
    toString(outcome) AS reason,
    toString(kind) AS hit_kind,
    sum(hits) AS count
FROM outcomes
WHERE workspace_id = {workspace:String}
    AND outcome != 'accepted'
    AND hour >= toStartOfHour(toDateTime(intDiv({from_ms:Int64}, 1000), 'UTC'))
    AND hour < toStartOfHour(toDateTime(intDiv({to_ms:Int64}, 1000), 'UTC'))
GROUP BY start_ms, reason, hit_kind
ORDER BY start_ms, count DESC, reason, hit_kind
