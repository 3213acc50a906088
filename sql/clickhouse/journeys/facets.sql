-- What do the facets of a workspace say? Grain: one row per facet. `/*facets*/` narrows it to some.
SELECT
    facet_id,
    toString(channel) AS channel_name,
    toString(source) AS source_name,
    toString(medium) AS medium_name,
    campaign,
    content,
    term,
    landing_page,
    toString(referrer) AS referrer_name,
    toString(country) AS country_name,
    toString(device) AS device_name,
    toString(partner) AS partner_name
FROM facets
WHERE workspace_id = {workspace:String}
    /*facets*/
LIMIT 1 BY facet_id
