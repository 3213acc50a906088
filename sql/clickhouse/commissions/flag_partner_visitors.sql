-- In which browsers did somebody give one of these addresses? Grain: one row per address and visitor.
SELECT DISTINCT
    toString(person_key) AS key,
    toString(visitor_id) AS visitor_of
FROM bindings FINAL
WHERE workspace_id = {workspace:String}
    AND key_kind = 'email'
    AND person_key IN {keys:Array(UUID)}
    AND source != 'retracted'
