-- Part of visit_counts.sql where a period is not whole days of UTC: its ends, from the touches.
UNION ALL
SELECT facet_id, count() AS touches_count
FROM touches
WHERE workspace_id = {workspace:String}
    AND ((at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND at < fromUnixTimestamp64Milli({days_from_ms:Int64}))
        OR (at >= fromUnixTimestamp64Milli({days_to_ms:Int64}) AND at < fromUnixTimestamp64Milli({to_ms:Int64})))
    /*touch_filters*/
GROUP BY facet_id
