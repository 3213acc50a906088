-- Which credits stand for every order, in one number each? A row and its cancellation have the same version and leave
-- nothing. Grain: one row per order.
SELECT
    order_id,
    groupBitXor(version) AS versions,
    toInt64(sum(sign)) AS rows_standing
FROM credits
WHERE workspace_id = {workspace:String}
GROUP BY order_id
HAVING versions != 0 OR rows_standing != 0
