-- Which credits stand for these orders now? Grain: one row per credit that was posted and not cancelled.
-- `/*models*/` are the two columns of every model.
SELECT
    booked_at,
    order_id,
    CAST(entry, 'Int8') AS entry,
    entry_id,
    touch_id,
    CAST(earner, 'Int8') AS earner,
    facet_id,
    touch_at,
    order_at,
    CAST(kind, 'Int8') AS kind,
    currency,
    provider,
    connection_id,
    product_id,
    views,
    version,
    sum(sign) AS signs
    /*models*/
FROM credits
WHERE workspace_id = {workspace:String}
    AND order_id IN {orders:Array(UUID)}
GROUP BY ALL
HAVING signs != 0
