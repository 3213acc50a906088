-- Grain: one row per (path, currency): the sequence of values of one dimension that led to orders, oldest first,
-- neighbours that repeat told once. Renewals follow the path of their first order: they add revenue, no order.
WITH
    -- Which touches stand behind each order now, and what is the order worth?
    live AS
    (
        SELECT
            order_id,
            toString(currency) AS code,
            touch_id,
            facet_id,
            any(kind) AS order_kind,
            min(touch_at) AS touched_at,
            sumIf(sign, entry = 'order') AS standing,
            sum(sign * amount_/*model*/) AS net
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
            /*order_filters*/
        -- A touch that came to be from elsewhere stands here twice, and what was taken back has nothing left.
        GROUP BY order_id, code, touch_id, facet_id
        HAVING standing > 0 OR net != 0
    ),
    journeys AS
    (
        SELECT
            order_id,
            code,
            any(order_kind) AS path_kind,
            -- (time, id) is the one order of touches.
            arrayCompact(arrayMap(
                step -> step.3,
                arraySort(step -> (step.1, step.2), groupArray((touched_at, touch_id, /*values*/[1]))))) AS path,
            max(standing) > 0 AS ordered,
            sum(net) AS order_net
        FROM live
        ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet
            ON facet.facet_id = live.facet_id
        GROUP BY order_id, code
    )
SELECT
    path,
    code,
    countIf(ordered AND path_kind != 'renewal') AS orders,
    countIf(ordered AND path_kind = 'renewal') AS renewals,
    sum(order_net) AS net_minor
FROM journeys
GROUP BY path, code
ORDER BY code, net_minor DESC, path
LIMIT {limit:UInt64}
