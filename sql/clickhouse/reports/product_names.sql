-- Grain: one row per product that has a name: the one its latest order gave it.
SELECT
    toString(product_id) AS id,
    argMax(toString(product_name), created_at) AS name
FROM orders
WHERE workspace_id = {workspace:String}
    AND product_id != ''
    AND product_name != ''
GROUP BY id
