-- The transactional side. Written for what SQLite and PostgreSQL both speak:
-- TEXT ids, BIGINT milliseconds since the epoch, BYTEA-free (sealed values are base64 text).

CREATE TABLE workspaces (
    id            TEXT PRIMARY KEY,          -- ws_…
    name          TEXT NOT NULL,
    timezone      TEXT NOT NULL,             -- IANA; days of every report
    currency      TEXT NOT NULL,             -- report currency
    settings      TEXT NOT NULL,             -- JSON: domains, ref_params, window_days, metadata_keys, rules
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id            TEXT PRIMARY KEY,          -- key_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    name          TEXT NOT NULL,
    prefix        TEXT NOT NULL,             -- what is shown in lists
    hash          TEXT NOT NULL UNIQUE,      -- SHA-256 of the key, hex
    scopes        TEXT NOT NULL,             -- space separated
    created_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);

CREATE TABLE connections (
    id             TEXT PRIMARY KEY,         -- con_…
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    provider       TEXT NOT NULL,            -- polar, …
    name           TEXT NOT NULL,
    environment    TEXT NOT NULL,            -- production, sandbox, or the address of a stand-in
    sealed_token   TEXT,                     -- access token, AES-256-GCM
    sealed_secrets TEXT NOT NULL,            -- JSON list of webhook secrets, AES-256-GCM
    created_at_ms  BIGINT NOT NULL,
    updated_at_ms  BIGINT NOT NULL
);

-- What changed since the last attribution, as the thing that changed; the job finds the orders.
CREATE TABLE dirty (
    workspace_id TEXT NOT NULL,
    subject_kind TEXT NOT NULL,              -- order, subscription, checkout, customer, person, visitor
    subject_id   TEXT NOT NULL,
    marked_at_ms BIGINT NOT NULL,            -- when it was first marked
    stamp        BIGINT NOT NULL,            -- random, new with every mark
    PRIMARY KEY (workspace_id, subject_kind, subject_id)
);

CREATE TABLE checkpoints (
    name          TEXT PRIMARY KEY,          -- job and what it counts
    value         TEXT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

-- One node runs the jobs: whoever holds an unexpired lease.
CREATE TABLE leases (
    name          TEXT PRIMARY KEY,
    holder        TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
