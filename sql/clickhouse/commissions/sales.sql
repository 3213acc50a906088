-- What was sold, and by whose journey? Grain: one row per order asked for.
SELECT
    toString(order_id) AS id,
    toString(root_order_id) AS root,
    booked,
    toUnixTimestamp64Milli(paid_at) AS paid_ms,
    toUnixTimestamp64Milli(anchor_at) AS anchor_ms,
    toString(currency) AS code,
    net,
    tax,
    arrayMap(r -> (toString(r.1), toUnixTimestamp64Milli(r.2), r.3, r.4, toString(r.5)), refunds) AS refund_rows,
    toString(product_id) AS product,
    toString(plan_interval) AS renews_every,
    toString(discount_code) AS typed_code,
    toString(partner_code) AS named_partner,
    toString(connection_id) AS connection,
    customer_id AS customer
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND order_id IN {orders:Array(UUID)}
