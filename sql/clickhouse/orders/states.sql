-- What is stored of these orders? Grain: one row per order.
SELECT order_id, version, state_hash
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND order_id IN {orders:Array(UUID)}
