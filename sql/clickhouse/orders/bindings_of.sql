-- Every row of the bindings that name one of these person keys or visitors.
-- Grain: one row per (binding, person key). A binding taken back is a row with source 'retracted'.
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
    AND binding_id IN
    (
        SELECT binding_id
        FROM bindings
        WHERE workspace_id = {workspace:String}
            AND (person_key IN {keys:Array(UUID)} OR visitor_id IN {visitors:Array(UUID)})
    )
    AND bindings.source != 'retracted'
