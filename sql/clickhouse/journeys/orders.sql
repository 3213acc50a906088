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
    net + tax,
    report_net,
    report_gross,
    currency,
    report_currency,
    provider,
    connection_id,
    product_id,
    -- Id, time, and the amount in each of the four views of the money.
    arrayMap(
        (refund, reported) -> (refund.1, refund.2, refund.3, refund.3 + refund.4, reported.1, reported.2),
        refunds,
        report_refunds)
    /*visitors*/
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    /*orders*/
