-- Grain: one row per (values of the dimensions, currency).
-- Credits are summed by facet first and named afterwards, so that the strings of a facet are read once each.
-- `direct` and `unattributed` are parts of a row's money, told apart for the proof as in credited.sql.
WITH
    -- What did each facet earn in each currency?
    earned AS
    (
        SELECT
            facet_id,
            currency,
            earner
            /*order_columns*/,
            sum(sign * parts_/*model*/) AS orders_parts,
            sumIf(sign * parts_/*model*/, kind != 'renewal') AS new_orders_parts,
            sumIf(sign * amount_/*model*/, entry = 'order' AND kind != 'renewal') AS new_minor,
            sumIf(sign * amount_/*model*/, entry = 'order' AND kind = 'renewal') AS renewal_minor,
            sumIf(sign * amount_/*model*/, entry != 'order') AS refunded_minor
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
            /*order_filters*/
        GROUP BY facet_id, currency, earner /*order_columns*/
    )
SELECT
    /*values*/ AS values,
    toString(currency) AS code,
    sum(orders_parts) AS orders,
    sum(new_orders_parts) AS new_orders,
    sum(new_minor) AS new,
    sum(renewal_minor) AS renewal,
    sum(refunded_minor) AS refunded,
    sumIf(
        new_minor + renewal_minor + refunded_minor,
        earner = 'direct' OR (earner = 'touch' AND facet.channel = 'Direct')
    ) AS direct,
    sumIf(new_minor + renewal_minor + refunded_minor, earner = 'unattributed') AS unattributed
FROM earned
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
GROUP BY values, code
-- Rows that were posted and taken back leave nothing.
HAVING orders != 0 OR new != 0 OR renewal != 0 OR refunded != 0
