-- Grain: one row per values of the dimensions, and one row over everything (`everything` = 1), because a visitor
-- may come through several channels and counts once in the total.
WITH
    -- Who came by each facet?
    came AS
    (
        SELECT
            facet_id,
            -- Visitors without consent have no id: their visits count, they do not.
            uniqIfState(visitor_id, visitor_id != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors_state,
            count() AS visits_count
        FROM touches FINAL
        WHERE workspace_id = {workspace:String}
            AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND at < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
        GROUP BY facet_id
    )
SELECT
    /*values*/ AS values,
    toUInt8(grouping(values)) AS everything,
    uniqIfMerge(visitors_state) AS visitors,
    sum(visits_count) AS visits
FROM came
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
GROUP BY GROUPING SETS ((values), ())
-- A row of the key columns in one part each never needs merging across months.
SETTINGS do_not_merge_across_partitions_select_final = 1
