-- Passes over a provider's lists, one row each when it is done: what webhooks had not told by then.

CREATE TABLE polls (
    connection_id  TEXT NOT NULL REFERENCES connections (id),
    started_at_ms  BIGINT NOT NULL,
    finished_at_ms BIGINT NOT NULL,
    pass           TEXT NOT NULL,            -- recent, deep, history
    requests       BIGINT NOT NULL,
    objects        BIGINT NOT NULL,          -- read
    imported       BIGINT NOT NULL,          -- of them: older than the connection, so no webhook could tell
    found          BIGINT NOT NULL,          -- of them: a webhook should have told and had not
    rejected       BIGINT NOT NULL,          -- of them: did not parse, kept with the failed webhooks
    PRIMARY KEY (connection_id, started_at_ms)
);
