-- What do the hits of some visitors say about them: was an id ever shown signed, how was it on some clicks, and when were
-- they on a page of paying or on the way to a provider's? Grain: one row per visitor that has hits in that time.
SELECT
    toString(visitor_id) AS visitor_of,
    countIf(evidence = 'signed') AS signed_hits,
    -- What was told long after it happened came by an import, and nobody could sign it.
    groupArrayIf
    (
        (toString(hit_id), if(received_at > at + INTERVAL 5 MINUTE, 'none', toString(evidence))),
        hit_id IN {touches:Array(UUID)}
    ) AS clicks,
    arraySort
    (
        groupArrayIf(100)
        (
            toUnixTimestamp64Milli(at),
            (kind = 'page' AND match(path, '(?i)/(checkout|payment|kasse|caisse|pago|paiement)(/|$)'))
            OR (kind = 'event' AND name = 'outbound' AND match(props,
                '(?i)//(buy\\.polar\\.sh|polar\\.sh/checkout|buy\\.stripe\\.com|checkout\\.stripe\\.com|buy\\.paddle\\.com|checkout\\.paddle\\.com|[a-z0-9-]+\\.lemonsqueezy\\.com/(buy|checkout))'))
        )
    ) AS paying_ms
FROM hits
WHERE workspace_id = {workspace:String}
    AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND at <= fromUnixTimestamp64Milli({until_ms:Int64})
    AND visitor_id IN {visitors:Array(UUID)}
GROUP BY visitor_id
