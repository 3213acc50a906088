-- How many clicks did partners' links have, minute by minute? Grain: one row per code and minute that has one.
WITH codes AS
(
    SELECT facet_id, code
    FROM partner_codes
    WHERE workspace_id = {workspace:String}
        AND code IN {codes:Array(String)}
)
SELECT
    codes.code AS partner_code,
    toInt64(toUnixTimestamp(toStartOfMinute(touch.at))) * 1000 AS minute_ms,
    -- A touch classified again is there twice until a merge.
    uniqExact(touch.touch_id) AS clicks
FROM touches AS touch
INNER JOIN codes ON touch.facet_id = codes.facet_id
WHERE touch.workspace_id = {workspace:String}
    AND touch.at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND touch.at <= fromUnixTimestamp64Milli({until_ms:Int64})
    AND touch.facet_id IN (SELECT facet_id FROM codes)
GROUP BY ALL
ORDER BY minute_ms
