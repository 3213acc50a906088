-- Of which orders was more given back than was paid?
-- Grain: one row: how many orders, and the first of them.
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: {} {} beyond the {} that were paid', toString(order_id), toString(refund_excess), currency, toString(net))) AS offenders
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND refund_excess > 0
