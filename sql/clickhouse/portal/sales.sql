-- What were the orders a partner earned by? Grain: one row per order asked for. Nothing that names the buyer: `buyer`
-- only tells whether two orders are of one, and is not shown.
SELECT
    toString(order_id) AS id,
    if(customer_id = '', toString(root_order_id), concat(toString(connection_id), '/', customer_id)) AS buyer,
    toString(product_name) AS product,
    toBool(kind = 'renewal') AS is_renewal,
    net,
    tax
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND order_id IN {orders:Array(UUID)}
