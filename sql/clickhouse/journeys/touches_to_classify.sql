-- Which touches were classified under other rules than these, and from which raw input? Visits of a person who was
-- erased have none left and stay as they are. Grain: one row per touch, as last classified.
SELECT
    visitor_id,
    at,
    touch_id,
    session_id,
    facet_id,
    landing,
    referrer,
    toString(app) AS app_name,
    session_start,
    toString(click_param) AS click_name,
    click_value,
    received_at,
    classified_at,
    -- Of somebody who bought: only such visits move orders.
    visitor_id IN
    (
        SELECT visitor.1
        FROM orders
        ARRAY JOIN visitors AS visitor
        WHERE workspace_id = {workspace:String}
    ) AS bought
FROM touches FINAL
WHERE workspace_id = {workspace:String}
    AND landing != ''
    AND (rules_version != {rules_version:UInt16} OR site_rules != {site_rules:UInt32})
