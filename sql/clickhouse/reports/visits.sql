-- Grain: one row per values of the dimensions, and one row over everything (`everything` = 1), because a visitor
-- may come through several channels and counts once in the total.
-- Without FINAL: it would sort every touch of the period. A touch stands twice only between being classified again
-- and the next merge; visits are no money, so that moment is worth the speed. For the same reason visitors are
-- counted by `uniqCombined`: exact up to some thousand, within half a percent beyond.
WITH
    -- Which group of values does each facet belong to? A number, so that touches carry no strings.
    named AS
    (
        SELECT
            facet_id,
            /*values*/ AS group_values,
            toUInt32(dense_rank() OVER (ORDER BY group_values)) AS group_id
        FROM facets AS facet
        WHERE workspace_id = {workspace:String}
    ),
    -- The same as two lists: looking a number up in a constant costs a third of joining it. Both lists come from
    -- one aggregation, so that they stand in the same order; the zero keeps them from being empty.
    (SELECT (arrayPushBack(groupArray(facet_id), 0), arrayPushBack(groupArray(group_id), 0)) FROM named) AS lookup,
    -- Who came by each group?
    came AS
    (
        SELECT
            transform(facet_id, lookup.1, lookup.2, toUInt32(0)) AS group_id,
            -- Visitors without consent have no id: their visits count, they do not.
            uniqCombinedIfState(16)(visitor_id, visitor_id != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors_state,
            count() AS visits_count
        FROM touches
        WHERE workspace_id = {workspace:String}
            AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND at < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
        GROUP BY group_id
    )
SELECT
    group_values AS values,
    toUInt8(grouping(values)) AS everything,
    uniqCombinedIfMerge(16)(visitors_state) AS visitors,
    sum(visits_count) AS visits
FROM came
ANY LEFT JOIN (SELECT group_id, any(group_values) AS group_values FROM named GROUP BY group_id) AS names USING (group_id)
GROUP BY GROUPING SETS ((values), ())
