-- How often were a partner's links followed? Grain: one row per code and day of the workspace.
-- Without FINAL: a touch stands twice only between being classified again and the next merge, and counts once by its id.
WITH codes AS
(
    SELECT facet_id, code
    FROM partner_codes
    WHERE workspace_id = {workspace:String}
        AND code IN {codes:Array(String)}
)
SELECT
    codes.code AS link_code,
    toString(toDate(touch.at, {zone:String})) AS day,
    uniqExact(touch.touch_id) AS clicks
FROM touches AS touch
INNER JOIN codes ON touch.facet_id = codes.facet_id
WHERE touch.workspace_id = {workspace:String}
    AND touch.at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND touch.facet_id IN (SELECT facet_id FROM codes)
GROUP BY link_code, day
ORDER BY day, link_code
