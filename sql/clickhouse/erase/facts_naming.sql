-- Which facts name a person? Grain: one row per version of a fact. `needles`: keyed hashes, visitor ids and
-- provider's customer ids as text; at most 255.
SELECT
    connection_id,
    payload
FROM facts
WHERE workspace_id = {workspace:String}
    AND multiSearchAny(payload, {needles:Array(String)})
