-- Does a workspace sell in other currencies than it reports in, and since when do sales wait for a rate?
-- Grain: one row. `waiting_since_ms` is zero when none waits.
SELECT
    count() AS foreign_orders,
    countIf(conversion = 'waiting') AS waiting_orders,
    if(waiting_orders = 0, 0, toUnixTimestamp64Milli(minIf(if(booked, paid_at, created_at), conversion = 'waiting')))
        AS waiting_since_ms
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND conversion != 'same'
