-- Part of journeys.sql and erase/keep_visits.sql: in which time does which visitor earn for which order? Both ends included.
SELECT
    order_id,
    visitor.1 AS visitor_id,
    greatest(visitor.2, anchor_at - toIntervalMillisecond({window_ms:Int64})) AS since,
    least(visitor.3 - toIntervalMillisecond(1), anchor_at) AS until
FROM orders FINAL
ARRAY JOIN visitors AS visitor
WHERE workspace_id = {workspace:String}
    AND root_order_id = order_id
    /*orders*/
