-- Are credits the orders' money, per order, day, currency and model? Refunds on their own days.
-- Grain: one row: how many places differ, and the first of them.
WITH
    -- What each order booked when.
    expected AS
    (
        SELECT
            order_id,
            currency,
            entry.1 AS booked_at,
            sum(entry.2) AS amount
        FROM orders FINAL
        ARRAY JOIN arrayConcat([(paid_at, net)], arrayMap(refund -> (refund.2, -refund.3), refunds)) AS entry
        WHERE workspace_id = {workspace:String}
            AND booked
        GROUP BY order_id, currency, booked_at
    ),
    -- What its credits booked when.
    posted AS
    (
        SELECT
            order_id,
            currency,
            booked_at,
            [/*amounts*/] AS amounts
        FROM credits
        WHERE workspace_id = {workspace:String}
            AND bitAnd(views, 1) != 0
        GROUP BY order_id, currency, booked_at
    )
SELECT
    count() AS failures,
    groupArray(10)(format('order {} {} at {}: booked {}, credited {}', toString(order_id), currency, toString(booked_at), toString(expected.amount), toString(posted.amounts))) AS offenders
FROM expected
FULL OUTER JOIN posted USING (order_id, currency, booked_at)
WHERE arrayExists(amount -> amount != expected.amount, posted.amounts)
    OR (empty(posted.amounts) AND expected.amount != 0)
