-- Grain: one row per bucket that has visits. Counted as visits.sql does.
SELECT
    roundDown(toUnixTimestamp64Milli(at), {bounds:Array(Int64)}) AS start_ms,
    /*distinctIf*/(visitor_id, visitor_id != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors,
    count() AS visits
FROM
(
    /*touches*/
)
WHERE true
    /*touch_filters*/
GROUP BY start_ms
