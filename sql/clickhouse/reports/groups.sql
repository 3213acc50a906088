-- Part of visits.sql and visitors_sampled.sql: the groups of values, numbered.
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
