-- Which visitors were ever bound to these person keys? Grain: one row per visitor.
SELECT DISTINCT toString(visitor_id) AS id
FROM bindings
WHERE workspace_id = {workspace:String}
    AND person_key IN {keys:Array(UUID)}
