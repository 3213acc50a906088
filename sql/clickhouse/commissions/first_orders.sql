-- Which payment was the first of each of these customers? Grain: one row per connection and customer. Of two of one moment
-- it is the one with the lower id as text, as everywhere that orders are told apart.
SELECT
    toString(connection_id) AS connection,
    customer_id AS customer,
    argMin(toString(order_id), (paid_at, toString(order_id))) AS id
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND net > 0
    AND customer_id IN {customers:Array(String)}
GROUP BY
    connection,
    customer
