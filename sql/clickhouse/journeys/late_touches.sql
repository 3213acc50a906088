-- Visitors of orders whose journey can change because of touches that just arrived.
-- Grain: one row per workspace and visitor. Parameters: first and last received_at of the flush unit, twice
-- each, in milliseconds.
-- A touch that began after every order's anchor changes nothing, and almost all do: the oldest of the unit
-- is compared with the anchors first, so that a quiet unit reads one column of `orders`.
WITH
    -- Which visitors were touched, and since when (a question mark would be a parameter).
    touched AS
    (
        SELECT
            workspace_id,
            visitor_id,
            min(at) AS first_at
        FROM touches
        WHERE received_at BETWEEN fromUnixTimestamp64Milli(?) AND fromUnixTimestamp64Milli(?)
        GROUP BY
            workspace_id,
            visitor_id
    ),
    -- How old the oldest of them is.
    oldest AS
    (
        SELECT min(at)
        FROM touches
        WHERE received_at BETWEEN fromUnixTimestamp64Milli(?) AND fromUnixTimestamp64Milli(?)
    )
SELECT DISTINCT
    orders.workspace_id AS workspace_id,
    visitor.1 AS id
FROM orders
ARRAY JOIN orders.visitors AS visitor
INNER JOIN touched
    ON touched.workspace_id = orders.workspace_id
    AND touched.visitor_id = visitor.1
WHERE orders.anchor_at >= (SELECT * FROM oldest)
    AND touched.first_at <= orders.anchor_at
