-- Grain: one row per (values of the dimensions, currency).
-- Credits are summed by facet first and named afterwards, so that the strings of a facet are read once each.
-- `direct` and `unattributed` are parts of a row's money, told apart for the proof as in credited.sql.
WITH
    -- What did each facet earn in each currency, by what, and was it new, again, or given back? The currency as a
    -- number, because rows are grouped by numbers in half the time.
    earned AS
    (
        SELECT
            facet_id,
            CAST(reinterpretAsUInt32(currency), 'UInt32') AS currency_number
            /*order_columns*/,
            earner,
            kind = 'renewal' AS is_renewal,
            entry != 'order' AS is_refund,
            sum(sign * parts_/*model*/) AS parts,
            sum(sign * amount_/*model*/) AS minor
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
            /*order_filters*/
        GROUP BY facet_id, currency_number /*order_columns*/, earner, is_renewal, is_refund
    )
SELECT
    /*values*/ AS values,
    reinterpretAsString(currency_number) AS code,
    sum(parts) AS orders,
    sumIf(parts, NOT is_renewal) AS new_orders,
    sumIf(minor, NOT is_refund AND NOT is_renewal) AS new,
    sumIf(minor, NOT is_refund AND is_renewal) AS renewal,
    sumIf(minor, is_refund) AS refunded,
    sumIf(minor, earner = 'direct' OR (earner = 'touch' AND facet.channel = 'Direct')) AS direct,
    sumIf(minor, earner = 'unattributed') AS unattributed
FROM earned
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
GROUP BY values, code
-- Rows that were posted and taken back leave nothing.
HAVING orders != 0 OR new != 0 OR renewal != 0 OR refunded != 0
