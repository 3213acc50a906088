-- Do new credits add up to the orders? Money under every model, and a million parts an order.
-- Grain: one row per workspace and currency where they do not; none means proven.
WITH
    booked AS
    (
        SELECT workspace_id, currency, toInt64(sum(net)) AS net, count() AS orders
        FROM orders FINAL
        WHERE booked
        GROUP BY workspace_id, currency
    ),
    posted AS
    (
        SELECT workspace_id, currency, [/*amounts*/] AS amounts, [/*parts*/] AS parts
        FROM /*credits*/
        GROUP BY workspace_id, currency
    )
SELECT format('{} {}: orders {}, credits {}', workspace_id, currency, toString(booked.net), toString(posted.amounts)) AS text
FROM booked
FULL OUTER JOIN posted USING (workspace_id, currency)
WHERE arrayExists(amount -> amount != booked.net, posted.amounts)
    OR arrayExists(part -> part != booked.orders * 1000000, posted.parts)
    OR empty(posted.amounts)
