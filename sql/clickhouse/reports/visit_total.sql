-- About how many visits are there? Decides how visitors are counted (report/visitors.rs), so it must cost next to
-- nothing: every day of UTC that the period touches, from the counts by day. Grain: one row.
SELECT count()
FROM touches
WHERE workspace_id = {workspace:String}
    AND toDate(at) >= toDate(fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND toDate(at) <= toDate(fromUnixTimestamp64Milli({to_ms:Int64} - 1, 'UTC'))
    /*touch_filters*/
