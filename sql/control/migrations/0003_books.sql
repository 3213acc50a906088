-- Our books beside the providers' own: comparisons of both, and the statements made of ours.

CREATE TABLE comparisons (
    id            TEXT PRIMARY KEY,          -- cmp_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    from_day      TEXT NOT NULL,             -- 2026-10-01; days of the workspace, both included
    to_day        TEXT NOT NULL,
    view          TEXT NOT NULL,             -- order, cash
    state         TEXT NOT NULL,             -- waiting, reading, done, failed
    objects       BIGINT NOT NULL,           -- read from the provider's lists so far
    problem       TEXT NOT NULL,             -- JSON of what stands in the way; empty when nothing does
    result        TEXT NOT NULL,             -- JSON of the comparison; empty until it is done
    asked_at_ms   BIGINT NOT NULL,
    done_at_ms    BIGINT
);

CREATE INDEX comparisons_of ON comparisons (workspace_id, connection_id, asked_at_ms);

-- Never changed, never removed: each carries the hash of the one before.
CREATE TABLE statements (
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    number        BIGINT NOT NULL,           -- 1 for the connection's first
    month         TEXT NOT NULL,             -- its first day
    hash          TEXT NOT NULL,             -- SHA-256 of the statement, hex
    body          TEXT NOT NULL,             -- the statement with its hash, as it is exported
    made_at_ms    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, connection_id, number)
);
