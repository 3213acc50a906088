-- Are credits the orders' money also with tax and in the report currency, per order, day, currency and model, and a
-- million parts an order? Only orders that some view shows otherwise than the rest have rows of their own; of the
-- others the one row stands in every view and is proved by money.sql.
-- Grain: one row: how many places differ, and the first of them.
WITH
    apart AS
    (
        SELECT order_id
        FROM orders FINAL
        WHERE workspace_id = {workspace:String}
            AND booked
            AND (tax != 0
                OR currency != report_currency
                OR net != report_net
                OR report_net != report_gross
                OR arrayMap(refund -> (refund.3, refund.3 + refund.4), refunds) != report_refunds)
        UNION DISTINCT
        SELECT order_id
        FROM credits
        WHERE workspace_id = {workspace:String}
            AND views != 15
    ),
    -- What each order booked when, in each view.
    expected AS
    (
        SELECT
            order_id,
            seen.1 AS view,
            seen.2 AS code,
            entry.1 AS booked_at,
            sum(entry.2) AS amount
        FROM
        (
            SELECT
                order_id,
                arrayJoin([
                    (
                        toUInt8(2),
                        toString(currency),
                        arrayConcat([(paid_at, net + tax)], arrayMap(refund -> (refund.2, -refund.3 - refund.4), refunds))
                    ),
                    (
                        toUInt8(4),
                        toString(report_currency),
                        arrayConcat(
                            [(paid_at, report_net)],
                            arrayMap((refund, reported) -> (refund.2, -reported.1), refunds, report_refunds))
                    ),
                    (
                        toUInt8(8),
                        toString(report_currency),
                        arrayConcat(
                            [(paid_at, report_gross)],
                            arrayMap((refund, reported) -> (refund.2, -reported.2), refunds, report_refunds))
                    )
                ]) AS seen
            FROM orders FINAL
            WHERE workspace_id = {workspace:String}
                AND booked
                AND order_id IN (SELECT order_id FROM apart)
        )
        ARRAY JOIN seen.3 AS entry
        GROUP BY order_id, view, code, booked_at
    ),
    -- What its credits booked when.
    posted AS
    (
        SELECT
            order_id,
            view,
            toString(currency) AS code,
            booked_at,
            [/*amounts*/] AS amounts,
            [/*parts*/] AS parts
        FROM credits
        ARRAY JOIN arrayFilter(bit -> bitAnd(views, bit) != 0, [toUInt8(2), toUInt8(4), toUInt8(8)]) AS view
        WHERE workspace_id = {workspace:String}
            AND order_id IN (SELECT order_id FROM apart)
        GROUP BY order_id, view, code, booked_at
    )
SELECT
    count() AS failures,
    groupArray(10)(format('order {} view {} {} at {}: booked {}, credited {}', toString(order_id), toString(view), code, toString(booked_at), toString(expected.amount), toString(posted.amounts))) AS offenders
FROM expected
FULL OUTER JOIN posted USING (order_id, view, code, booked_at)
WHERE arrayExists(amount -> amount != expected.amount, posted.amounts)
    OR arrayExists(part -> part NOT IN (0, 1000000), posted.parts)
    OR (empty(posted.amounts) AND expected.amount != 0)
