-- Grain: one row per currency: how the period's credits divide into visits with a source, visits without one, and
-- sales without a visitor. Filters on where visits came from do not apply: the proof is of the whole.
SELECT
    toString(currency) AS code,
    sum(sign * amount_/*model*/) AS all_minor,
    sumIf(sign * amount_/*model*/, earner = 'unattributed') AS unattributed,
    sumIf(
        sign * amount_/*model*/,
        earner = 'direct'
            OR (earner = 'touch' AND facet_id IN
            (
                SELECT facet_id
                FROM facets
                WHERE workspace_id = {workspace:String} AND channel = 'Direct'
            ))
    ) AS direct,
    toInt64(0) AS outside
FROM credits
WHERE workspace_id = {workspace:String}
    /*view*/
    AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
    /*order_filters*/
GROUP BY code
