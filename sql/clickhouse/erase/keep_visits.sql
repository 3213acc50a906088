-- Keeps the visits that earned for these orders under the journey made for each order, without their raw input:
-- what is left says "a visit of this channel at this time", of nobody. Running it twice writes the same rows.
-- The earners are journeys/earners_stored.sql of these orders.
INSERT INTO touches
(
    workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version, landing, referrer,
    click_param, click_value, received_at, classified_at
)
WITH earners AS
(
    /*earners*/
)
SELECT
    touch.workspace_id,
    arrayElement({journeys:Array(UUID)}, indexOf({orders:Array(UUID)}, earner.order_id)),
    touch.at,
    touch.touch_id,
    toUUID('00000000-0000-0000-0000-000000000000'),
    touch.facet_id,
    touch.direct,
    touch.reason,
    touch.rules_version,
    '',
    '',
    '',
    '',
    touch.received_at,
    touch.classified_at
FROM touches AS touch FINAL
INNER JOIN earners AS earner ON touch.visitor_id = earner.visitor_id
WHERE touch.workspace_id = {workspace:String}
    AND touch.visitor_id IN (SELECT visitor_id FROM earners)
    AND touch.at >= earner.since
    AND touch.at <= earner.until
