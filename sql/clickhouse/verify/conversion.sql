-- Do converted orders say by which rate, and does what is not converted stand as it is?
-- A refund never takes more than the order is worth, and a full one leaves nothing.
-- Grain: one row: how many orders differ, and the first of them.
WITH
    net - arraySum(refund -> refund.3, refunds) AS left_net,
    report_net - arraySum(refund -> refund.1, report_refunds) AS left_reported,
    (conversion = 'converted'
        AND (rate_source = '' OR rate_own = '' OR rate_report = '' OR report_currency = currency
            OR rate_day > toDate(paid_at, 'UTC'))) AS is_without_rate,
    (conversion != 'converted'
        AND (report_currency != currency OR report_net != net OR report_gross != net + tax)) AS is_changed
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: {} {} as {} {} ({})', toString(order_id), toString(net), currency, toString(report_net), report_currency, toString(conversion))) AS offenders
FROM orders FINAL
WHERE workspace_id = {workspace:String}
    AND booked
    AND (is_without_rate
        OR is_changed
        OR length(refunds) != length(report_refunds)
        OR (left_net = 0 AND left_reported != 0)
        OR (left_net > 0 AND left_reported < 0))
