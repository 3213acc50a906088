-- Which version of each of these objects is the newest that was told? Grain: one row per object that is known.
SELECT toString(kind) AS kind, object_id, toUnixTimestamp64Milli(max(version_at)) AS version_ms
FROM facts
WHERE workspace_id = {workspace:String}
    AND connection_id = {connection:String}
    AND object_id IN {objects:Array(String)}
GROUP BY kind, object_id
