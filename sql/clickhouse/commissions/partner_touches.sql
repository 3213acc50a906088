-- Which clicks on partners' links stand in the journeys of some orders? Grain: one row per root order and touch that
-- has a partner's code. The earners are journeys/earners_stored.sql, with the longest window of any programme.
WITH
    earners AS
    (
        /*earners*/
    ),
    codes AS
    (
        SELECT facet_id, code
        FROM partner_codes
        WHERE workspace_id = {workspace:String}
    )
SELECT
    toString(earner.order_id) AS root,
    toString(touch.touch_id) AS touch_of,
    toUnixTimestamp64Milli(touch.at) AS at_ms,
    codes.code AS partner_code
FROM touches AS touch FINAL
INNER JOIN earners AS earner ON touch.visitor_id = earner.visitor_id
INNER JOIN codes ON touch.facet_id = codes.facet_id
WHERE touch.workspace_id = {workspace:String}
    AND touch.visitor_id IN (SELECT visitor_id FROM earners)
    AND touch.at >= earner.since
    AND touch.at <= earner.until
