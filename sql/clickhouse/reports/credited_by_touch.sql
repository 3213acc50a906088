-- Grain: as credited.sql, for the orders that earned a visit of the period something; what such an order earned
-- visits of other days is `outside`.
WITH
    touch_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND touch_at < fromUnixTimestamp64Milli({to_ms:Int64})
        AS inside
SELECT
    toString(currency) AS code,
    sumIf(sign * amount_/*model*/, inside) AS all_minor,
    sumIf(sign * amount_/*model*/, inside AND earner = 'unattributed') AS unattributed,
    sumIf(
        sign * amount_/*model*/,
        inside AND (earner = 'direct'
            OR (earner = 'touch' AND facet_id IN
            (
                SELECT facet_id
                FROM facets
                WHERE workspace_id = {workspace:String} AND channel = 'Direct'
            )))
    ) AS direct,
    sumIf(sign * amount_/*model*/, NOT inside) AS outside
FROM credits
WHERE workspace_id = {workspace:String}
    /*view*/
    /*order_filters*/
    AND order_id IN
    (
        SELECT order_id
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND touch_at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND touch_at < fromUnixTimestamp64Milli({to_ms:Int64})
    )
GROUP BY code
