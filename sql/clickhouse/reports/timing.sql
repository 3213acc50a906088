-- Grain: one row per (days from the first touch, touches, currency) of first purchases paid in the period.
WITH
    live AS
    (
        SELECT
            order_id,
            toString(currency) AS code,
            touch_id,
            any(earner) AS who,
            min(touch_at) AS touched_at,
            max(order_at) AS ordered_at,
            sumIf(sign, entry = 'order') AS standing,
            sum(sign * amount_/*model*/) AS net
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
            AND kind != 'renewal'
            /*order_filters*/
        GROUP BY order_id, code, touch_id
        HAVING standing > 0
    ),
    bought AS
    (
        SELECT
            code,
            countIf(who = 'touch') AS touch_count,
            if(touch_count = 0, 0, intDiv(
                toUnixTimestamp64Milli(max(ordered_at)) - toUnixTimestamp64Milli(minIf(touched_at, who = 'touch')),
                86400000)) AS day_count,
            sum(net) AS order_net
        FROM live
        GROUP BY order_id, code
    )
SELECT
    toUInt32(greatest(day_count, 0)) AS days,
    toUInt32(touch_count) AS touches,
    code,
    count() AS orders,
    sum(order_net) AS net_minor
FROM bought
GROUP BY days, touches, code
