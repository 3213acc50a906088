-- Grain: as visits.sql without visits, of the groups, and of everything, that show `enough` visitors in a thirty-second part of them all.
-- Ids of visitors are random and touches lie in their order, so that the first part of the key is a fair sample: for
-- periods of very many visits. Twenty thousand in the sample know all to seven in a thousand; a sketch of all of them
-- would to four.
WITH
    /*groups*/
    -- Who of the sample came by each group?
    came AS
    (
        SELECT
            transform(facet_id, lookup.1, lookup.2, toUInt32(0)) AS group_id,
            uniqCombinedState(17)(visitor_id) AS visitors_state
        FROM touches
        WHERE workspace_id = {workspace:String}
            -- Above nil: without consent. UUIDs are compared by their second half first.
            AND visitor_id > toUUID('00000000-0000-0000-0000-000000000000')
            AND visitor_id < toUUID('00000000-0000-0000-0800-000000000000')
            AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND at < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
        GROUP BY group_id
    ),
    sampled AS
    (
        SELECT
            group_id,
            toUInt8(grouping(group_id)) AS everything,
            uniqCombinedMerge(17)(visitors_state) AS seen
        FROM came
        GROUP BY GROUPING SETS ((group_id), ())
        HAVING seen >= {enough:UInt64}
    )
SELECT
    group_values AS values,
    everything,
    seen * 32 AS visitors
FROM sampled
ANY LEFT JOIN (SELECT group_id, any(group_values) AS group_values FROM named GROUP BY group_id) AS names USING (group_id)
