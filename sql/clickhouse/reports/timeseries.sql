-- Grain: one row per (bucket, currency). Buckets are the half-open ranges that begin at `bounds`.
SELECT
    roundDown(toUnixTimestamp64Milli(/*at*/), {bounds:Array(Int64)}) AS start_ms,
    toString(currency) AS code,
    sum(sign * parts_/*model*/) AS orders,
    sumIf(sign * parts_/*model*/, kind != 'renewal') AS new_orders,
    sumIf(sign * amount_/*model*/, entry = 'order' AND kind != 'renewal') AS new,
    sumIf(sign * amount_/*model*/, entry = 'order' AND kind = 'renewal') AS renewal,
    sumIf(sign * amount_/*model*/, entry != 'order') AS refunded
FROM credits
WHERE workspace_id = {workspace:String}
    /*view*/
    AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
    /*touch_filters*/
    /*order_filters*/
GROUP BY start_ms, code
