-- Do new credits add up to the orders in every view of the money? Money under every model, and a million parts an
-- order. Grain: one row per workspace, view and currency where they do not; none means proven.
WITH
    sums AS
    (
        SELECT
            workspace_id,
            currency,
            report_currency,
            toInt64(sum(net)) AS own_net,
            toInt64(sum(net + tax)) AS own_gross,
            toInt64(sum(report_net)) AS reported_net,
            toInt64(sum(report_gross)) AS reported_gross,
            count() AS orders
        FROM orders FINAL
        WHERE booked
        GROUP BY workspace_id, currency, report_currency
    ),
    booked AS
    (
        SELECT workspace_id, seen.1 AS view, seen.2 AS code, sum(seen.3) AS amount, sum(orders) AS orders
        FROM sums
        ARRAY JOIN
            [
                (1, toString(currency), own_net),
                (2, toString(currency), own_gross),
                (4, toString(report_currency), reported_net),
                (8, toString(report_currency), reported_gross)
            ] AS seen
        GROUP BY workspace_id, view, code
    ),
    by_views AS
    (
        SELECT workspace_id, views, toString(currency) AS code, [/*amounts*/] AS amounts, [/*parts*/] AS parts
        FROM /*credits*/
        GROUP BY workspace_id, views, code
    ),
    posted AS
    (
        SELECT workspace_id, view, code, sumForEach(amounts) AS amounts, sumForEach(parts) AS parts
        FROM by_views
        ARRAY JOIN arrayFilter(bit -> bitAnd(views, bit) != 0, [1, 2, 4, 8]) AS view
        GROUP BY workspace_id, view, code
    )
SELECT
    format('{} {} view {}: orders {}, credits {}', workspace_id, code, toString(view), toString(booked.amount), toString(posted.amounts))
        AS text
FROM booked
FULL OUTER JOIN posted USING (workspace_id, view, code)
WHERE arrayExists(amount -> amount != booked.amount, posted.amounts)
    OR arrayExists(part -> part != booked.orders * 1000000, posted.parts)
    OR empty(posted.amounts)
