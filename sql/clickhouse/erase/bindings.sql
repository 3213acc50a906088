-- By which keys was a person bound, and to which visitors? Grain: one row per (key, visitor).
-- `keys`: known keys of the person; `start`: the visitor asked for, in the first round only.
SELECT DISTINCT
    CAST(key_kind, 'Int8') AS key_kind,
    person_key,
    visitor_id
FROM bindings
WHERE workspace_id = {workspace:String}
    AND binding_id IN
    (
        SELECT binding_id
        FROM bindings
        WHERE workspace_id = {workspace:String}
            AND (person_key IN {keys:Array(UUID)} OR visitor_id IN {start:Array(UUID)})
    )
