-- How many visits are there? Decides how visitors are counted (report/visitors.rs), so it must cost next to nothing:
-- whole days of UTC are read from the counts by day, without a look at who came from where. Grain: one row.
-- `days_from_ms` and `days_to_ms` say where the whole days begin and end.
SELECT sum(touches_count)
FROM
(
    SELECT count() AS touches_count
    FROM touches
    WHERE workspace_id = {workspace:String}
        AND toDate(at) >= toDate(fromUnixTimestamp64Milli({days_from_ms:Int64}, 'UTC'))
        AND toDate(at) < toDate(fromUnixTimestamp64Milli({days_to_ms:Int64}, 'UTC'))
        /*touch_filters*/
    UNION ALL
    SELECT count() AS touches_count
    FROM touches
    WHERE workspace_id = {workspace:String}
        AND ((at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND at < fromUnixTimestamp64Milli({days_from_ms:Int64}))
            OR (at >= fromUnixTimestamp64Milli({days_to_ms:Int64}) AND at < fromUnixTimestamp64Milli({to_ms:Int64})))
        /*touch_filters*/
)
