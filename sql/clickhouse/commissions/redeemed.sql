-- On which orders was a discount's code redeemed? In any case, as codes are typed in. Grain: one row per order.
SELECT DISTINCT toString(order_id) AS id
FROM orders
WHERE workspace_id = {workspace:String}
    AND upperUTF8(discount_code) = upperUTF8({code:String})
