-- Persons whom `identify` named in what just arrived, and visitors that were handed over: their orders may now find more visitors.
-- Grain: one row per workspace and person key. Parameters: first and last received_at of the flush unit.
SELECT DISTINCT
    workspace_id,
    person_key AS id
FROM bindings
WHERE received_at BETWEEN fromUnixTimestamp64Milli(?) AND fromUnixTimestamp64Milli(?)
    AND source IN ('identify', 'handover')
