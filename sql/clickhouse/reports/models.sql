-- Grain: one row per (values of the dimensions, currency): net revenue and orders under every model, as two
-- arrays in the order of the list of models.
WITH
    earned AS
    (
        SELECT
            facet_id,
            currency
            /*order_columns*/,
            sumForEach([/*amounts*/]) AS net,
            sumForEach([/*parts*/]) AS orders
        FROM credits
        WHERE workspace_id = {workspace:String}
            /*view*/
            AND /*at*/ >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND /*at*/ < fromUnixTimestamp64Milli({to_ms:Int64})
            /*touch_filters*/
            /*order_filters*/
        GROUP BY facet_id, currency /*order_columns*/
    )
SELECT
    /*values*/ AS values,
    toString(currency) AS code,
    sumForEach(net) AS net_minor,
    sumForEach(orders) AS orders_parts
FROM earned
ANY LEFT JOIN (SELECT * FROM facets WHERE workspace_id = {workspace:String}) AS facet USING (facet_id)
GROUP BY values, code
HAVING arrayExists(n -> n != 0, net_minor) OR arrayExists(n -> n != 0, orders_parts)
