-- Which money is to be credited, and by whose journey? Grain: one row per booked order.
-- `/*orders*/` narrows it to some orders, `/*visitors*/` then asks for the visitors they are read from.
SELECT
    order_id,
    root_order_id,
    CAST(kind, 'Int8'),
    match_method != 'none',
    paid_at,
    anchor_at,
    net,
    currency,
    provider,
    connection_id,
    product_id,
    arrayMap(refund -> (refund.1, refund.2, refund.3), refunds)
    /*visitors*/
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    /*orders*/
