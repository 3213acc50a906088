-- By which rules a workspace's credits were made since when: one row for each change that was applied, never changed.

CREATE TABLE rule_versions (
    workspace_id  TEXT NOT NULL,
    number        BIGINT NOT NULL,           -- 1 for the first change
    rules         TEXT NOT NULL,             -- JSON: window, basis, rules of channels and their version, exclusions
    orders        BIGINT NOT NULL,           -- whose credits changed
    applied_at_ms BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, number)
);
