-- What are the facets of a workspace called? Grain: one row per facet.
SELECT
    facet_id,
    any(toString(channel)) AS channel_name
FROM facets
WHERE workspace_id = {workspace:String}
GROUP BY facet_id
