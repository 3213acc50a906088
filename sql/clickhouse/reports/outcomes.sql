-- Grain: one row per outcome: how many hits were counted, and how many were not, and why.
SELECT
    toString(outcome) AS code,
    sum(hits) AS count
FROM outcomes
WHERE workspace_id = {workspace:String}
    AND hour >= toDateTime(intDiv({from_ms:Int64}, 1000), 'UTC')
    AND hour < toDateTime(intDiv({to_ms:Int64}, 1000), 'UTC')
GROUP BY code
ORDER BY count DESC, code
