-- Which orders are decided together with these: of the same journey, and, where a customer's first order earns otherwise,
-- of the same customer? Grain: one row per order, those asked for among them. Older versions of a row may lead further
-- than needed, never less far.
WITH
    asked AS
    (
        SELECT
            root_order_id AS root,
            connection_id AS connection,
            customer_id AS customer
        FROM orders
        WHERE workspace_id = {workspace:String}
            AND order_id IN {orders:Array(UUID)}
    )
SELECT DISTINCT toString(order_id) AS id
FROM orders
WHERE workspace_id = {workspace:String}
    AND
    (
        order_id IN {orders:Array(UUID)}
        OR root_order_id IN (SELECT root FROM asked)
        OR ({by_customer:Bool} AND customer_id != '' AND (connection_id, customer_id) IN (SELECT connection, customer FROM asked))
    )
