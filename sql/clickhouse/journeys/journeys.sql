-- Which touches may earn credit for each order that has a journey of its own?
-- Grain: one row per order with at least one touch; the touches in no order, a touch classified twice comes
-- twice (the later classification counts). The earners are earners_stored.sql, or earners_given.sql for some orders
-- that were read before, which then also narrow the touches.
-- Orders stand on the right of the join: they are the small side, touches stream past them.
WITH earners AS
(
    /*earners*/
)
SELECT
    earner.order_id,
    groupArray((touch.at, touch.touch_id, touch.facet_id, touch.direct, touch.classified_at))
FROM touches AS touch
INNER JOIN earners AS earner ON touch.visitor_id = earner.visitor_id
WHERE touch.workspace_id = {workspace:String}
    /*visitors*/
    AND touch.at >= earner.since
    AND touch.at <= earner.until
GROUP BY earner.order_id
