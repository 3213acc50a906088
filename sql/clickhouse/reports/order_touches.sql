-- Grain: one row per touch of the visitors of one order, eligible or not, newest first.
SELECT
    toString(touch_id) AS id,
    toString(visitor_id) AS visitor,
    toUnixTimestamp64Milli(at) AS at_ms,
    facet_id,
    direct,
    toString(reason) AS why,
    rules_version,
    site_rules,
    landing,
    touches.referrer AS referred_by,
    toString(facet.channel) AS channel_name,
    toString(facet.source) AS source_name,
    toString(facet.medium) AS medium_name,
    facet.campaign AS campaign_name,
    toString(facet.country) AS country_name,
    toString(facet.device) AS device_name,
    toString(facet.partner) AS partner_name
FROM touches FINAL
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
WHERE workspace_id = {workspace:String}
    AND visitor_id IN {visitors:Array(UUID)}
    AND at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND at < fromUnixTimestamp64Milli({to_ms:Int64})
ORDER BY at DESC, touch_id DESC
LIMIT {limit:UInt64}
