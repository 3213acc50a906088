-- Which visits stand in the journeys of orders that a partner may have brought? Grain: one row per order asked for:
-- what is left of it, and every visit of its journey within the longest window of any programme. Renewals have the
-- journey of their first order.
WITH
    -- What was paid, what is left of it, and whose journey earned it?
    paid AS
    (
        SELECT
            order_id AS sold,
            root_order_id AS root,
            discount_code != '' AS has_code,
            toString(/*order_currency*/) AS code,
            /*order_amount*/ - arraySum(refund -> refund.2, /*order_refunds*/) AS left_minor
        FROM orders FINAL
        WHERE workspace_id = {workspace:String}
            AND booked
            /*orders_asked*/
            /*order_filters*/
    ),
    earners AS
    (
        /*earners*/
    ),
    -- What did the customer's visitors do before the purchase?
    journeys AS
    (
        SELECT
            earner.order_id AS root,
            groupArray((
                toUnixTimestamp64Milli(touch.at),
                toString(touch.touch_id),
                toString(facet.channel),
                touch.direct,
                toString(facet.partner))) AS steps
        FROM touches AS touch FINAL
        INNER JOIN earners AS earner ON touch.visitor_id = earner.visitor_id
        ANY LEFT JOIN (SELECT facet_id, channel, partner FROM facets WHERE workspace_id = {workspace:String}) AS facet
            ON touch.facet_id = facet.facet_id
        WHERE touch.workspace_id = {workspace:String}
            AND touch.visitor_id IN (SELECT visitor_id FROM earners)
            AND touch.at >= earner.since
            AND touch.at <= earner.until
        GROUP BY root
    )
SELECT
    toString(paid.sold) AS id,
    paid.code AS currency_code,
    paid.left_minor AS net_minor,
    journeys.steps AS touches
FROM paid
LEFT JOIN journeys ON paid.root = journeys.root
WHERE 1 /*journeys_asked*/
