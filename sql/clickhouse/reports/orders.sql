-- Grain: one row per order, newest first by when it was paid (or made, when it was not).
WITH
    if(booked, paid_at, created_at) AS sorted_at
SELECT
    toString(order_id) AS id,
    toString(provider) AS provider_name,
    toString(connection_id) AS connection,
    provider_order_id,
    toString(status) AS status_name,
    toString(kind) AS kind_name,
    booked,
    toUnixTimestamp64Milli(sorted_at) AS at_ms,
    toString(currency) AS code,
    net,
    tax,
    total,
    discount,
    arraySum(refund -> refund.3, refunds) AS refunded,
    toString(product_id) AS product,
    toString(product_name) AS product_title,
    customer_id,
    subscription_id,
    toString(match_method) AS method,
    toString(match_field) AS field,
    toString(match_evidence) AS evidence
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND sorted_at >= fromUnixTimestamp64Milli({from_ms:Int64})
    AND sorted_at < fromUnixTimestamp64Milli({to_ms:Int64})
    /*order_filters*/
    /*credited_filters*/
    -- Continue after the last row of the page before.
    AND (toUnixTimestamp64Milli(sorted_at), order_id) < ({after_ms:Int64}, {after_id:UUID})
ORDER BY sorted_at DESC, order_id DESC
LIMIT {limit:UInt64}
