-- Grain: one row per values of the dimensions, and one row over everything (`everything` = 1), because a visitor
-- may come through several channels and counts once in the total.
-- Run twice where visits are few (see report/visits.rs): over the stored touches with visitors counted by
-- `uniqCombined`, exact up to some thousand and within half a percent beyond, then exactly. `/*unknown*/` leaves the
-- groups out that visitors_sampled.sql has answered.
WITH
    /*groups*/
    -- Who came by each group?
    came AS
    (
        SELECT
            transform(facet_id, lookup.1, lookup.2, toUInt32(0)) AS group_id,
            -- Visitors without consent have no id: their visits count, they do not.
            /*distinctIfState*/(visitor_id, visitor_id != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors_state,
            count() AS visits_count
        FROM
        (
            /*touches*/
        )
        WHERE true
            /*touch_filters*/
            /*unknown*/
        GROUP BY group_id
    )
SELECT
    group_values AS values,
    toUInt8(grouping(values)) AS everything,
    /*distinctIfMerge*/(visitors_state) AS visitors,
    sum(visits_count) AS visits
FROM came
ANY LEFT JOIN (SELECT group_id, any(group_values) AS group_values FROM named GROUP BY group_id) AS names USING (group_id)
GROUP BY GROUPING SETS ((values), ())
