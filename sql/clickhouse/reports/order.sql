-- Grain: the one order with our id, or every order with the provider's.
SELECT
    toString(order_id) AS id,
    toString(provider) AS provider_name,
    toString(connection_id) AS connection,
    provider_order_id,
    toString(status) AS status_name,
    toString(kind) AS kind_name,
    booked,
    toUnixTimestamp64Milli(created_at) AS created_ms,
    toUnixTimestamp64Milli(paid_at) AS paid_ms,
    toUnixTimestamp64Milli(anchor_at) AS anchor_ms,
    toString(currency) AS code,
    net,
    discount,
    tax,
    total,
    fee,
    toString(fee_currency) AS fee_code,
    arrayMap(r -> (toString(r.1), toUnixTimestamp64Milli(r.2), r.3, r.4, r.5), refunds) AS refund_rows,
    refund_excess AS excess,
    toString(product_id) AS product,
    toString(product_name) AS product_title,
    toString(discount_code) AS discount_name,
    toString(country) AS country_code,
    customer_id,
    subscription_id,
    checkout_id,
    toString(root_order_id) AS root_id,
    toString(visitor_id) AS visitor,
    toString(match_method) AS method,
    toString(match_field) AS field,
    toString(match_evidence) AS evidence,
    arrayMap(v -> (toString(v.1), toUnixTimestamp64Milli(v.2), toUnixTimestamp64Milli(v.3)), visitors) AS visitor_rows,
    toUnixTimestamp64Milli(updated_at) AS updated_ms
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    /*order_condition*/
ORDER BY provider, connection_id
LIMIT 2
