-- Every order, those of one journey together. Grain: one row per booked order.
SELECT
    toString(order_id) AS id,
    toString(root_order_id) AS root
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
ORDER BY root_order_id, order_id
