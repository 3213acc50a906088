-- Do refund credits take exactly what the orders gave back?
-- Grain: one row: how many orders differ, and the first of them.
WITH
    expected AS
    (
        SELECT order_id, -arraySum(refund -> refund.3, refunds) AS amount
        FROM orders FINAL
        WHERE workspace_id = {workspace:String}
            AND booked
    ),
    posted AS
    (
        SELECT order_id, [/*refunds*/] AS amounts
        FROM credits
        WHERE workspace_id = {workspace:String}
            AND bitAnd(views, 1) != 0
        GROUP BY order_id
    )
SELECT
    count() AS failures,
    groupArray(10)(format('order {}: refunds {}, credits {}', toString(order_id), toString(amount), toString(amounts))) AS offenders
FROM expected
INNER JOIN posted USING (order_id)
WHERE arrayExists(credited -> credited != amount, amounts)
