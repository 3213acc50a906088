-- Grain: one row per values of the dimensions, and one row over everything (`everything` = 1).
-- Whole days of UTC are read from the counts by day; `days_from_ms` and `days_to_ms` say where they begin and end.
-- What sticks out of them at both ends of the period is visit_counts_ends.sql.
-- Without FINAL: it would sort every touch of the period. A touch stands twice only between being classified again
-- and the next merge; visits are no money, so that moment is worth the speed.
WITH counted AS
(
    SELECT facet_id, sum(touches_count) AS visits_count
    FROM
    (
        SELECT facet_id, count() AS touches_count
        FROM touches
        WHERE workspace_id = {workspace:String}
            AND toDate(at) >= toDate(fromUnixTimestamp64Milli({days_from_ms:Int64}, 'UTC'))
            AND toDate(at) < toDate(fromUnixTimestamp64Milli({days_to_ms:Int64}, 'UTC'))
            /*touch_filters*/
        GROUP BY facet_id
        /*ends*/
    )
    GROUP BY facet_id
)
SELECT
    /*values*/ AS values,
    toUInt8(grouping(values)) AS everything,
    toUInt64(sum(visits_count)) AS visits
FROM counted
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
GROUP BY GROUPING SETS ((values), ())
