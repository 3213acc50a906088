-- Which touches led to some purchases, up to the payment? Touches between checkout and payment earn nothing; that they
-- are there may be telling. Grain: one row per root order and touch of its visitors.
WITH
    earners AS
    (
        SELECT
            order_id,
            visitor.1 AS visitor_id,
            greatest(visitor.2, anchor_at - toIntervalMillisecond({window_ms:Int64})) AS since,
            -- Whose time was cut at the anchor goes on until the payment.
            if(visitor.3 > anchor_at, greatest(paid_at, anchor_at), visitor.3 - toIntervalMillisecond(1)) AS until
        FROM orders FINAL
        ARRAY JOIN visitors AS visitor
        WHERE workspace_id = {workspace:String}
            AND order_id IN {roots:Array(UUID)}
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
    toString(touch.visitor_id) AS visitor_of,
    toUnixTimestamp64Milli(touch.at) AS at_ms,
    touch.direct AS is_direct,
    codes.code AS partner_code,
    if(codes.code != '', touch.referrer, '') AS came_from,
    if(codes.code != '', touch.landing, '') AS led_to
FROM touches AS touch FINAL
INNER JOIN earners AS earner ON touch.visitor_id = earner.visitor_id
LEFT JOIN codes ON touch.facet_id = codes.facet_id
WHERE touch.workspace_id = {workspace:String}
    AND touch.visitor_id IN (SELECT visitor_id FROM earners)
    AND touch.at >= earner.since
    AND touch.at <= earner.until
