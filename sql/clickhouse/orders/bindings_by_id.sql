-- What is stored of these bindings? Grain: one row per (binding, person key).
SELECT
    CAST(key_kind, 'Int8') AS key_kind,
    person_key,
    visitor_id,
    at,
    binding_id,
    CAST(source, 'Int8') AS source,
    role_address
FROM bindings FINAL
WHERE workspace_id = {workspace:String}
    AND binding_id IN {bindings:Array(UUID)}
    AND bindings.source != 'retracted'
