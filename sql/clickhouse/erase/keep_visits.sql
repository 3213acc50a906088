-- Keeps the visits that earned for these orders under the journey made for each order, without their raw input:
-- what is left says "a visit of this channel at this time", of nobody. Running it twice writes the same rows.
INSERT INTO touches
(
    workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version, landing, referrer,
    click_param, click_value, received_at, classified_at
)
WITH earners AS
(
    -- In which time does which visitor earn for which order? As in journeys/journeys.sql.
    SELECT
        order_id,
        visitor.1 AS visitor_id,
        greatest(visitor.2, anchor_at - toIntervalMillisecond({window_ms:Int64})) AS since,
        least(visitor.3 - toIntervalMillisecond(1), anchor_at) AS until
    FROM orders FINAL
    ARRAY JOIN visitors AS visitor
    WHERE workspace_id = {workspace:String}
        AND root_order_id = order_id
        AND order_id IN {orders:Array(UUID)}
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
    AND touch.at >= earner.since
    AND touch.at <= earner.until
