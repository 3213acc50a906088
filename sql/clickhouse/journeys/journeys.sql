-- Which touches may earn credit for each order that has a journey of its own?
-- Grain: one row per order with at least one touch; the touches in no order, a touch classified twice comes
-- twice (the later classification counts). `/*orders*/` narrows it to some orders, `/*visitors*/` to their touches.
-- Orders stand on the right of the join: they are the small side, touches stream past them.
WITH earners AS
(
    -- In which time does which visitor earn for which order? Both ends included.
    SELECT
        order_id,
        visitor.1 AS visitor_id,
        greatest(visitor.2, anchor_at - toIntervalMillisecond({window_ms:Int64})) AS since,
        least(visitor.3 - toIntervalMillisecond(1), anchor_at) AS until
    FROM orders FINAL
    ARRAY JOIN visitors AS visitor
    WHERE workspace_id = {workspace:String}
        AND booked
        AND root_order_id = order_id
        /*orders*/
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
