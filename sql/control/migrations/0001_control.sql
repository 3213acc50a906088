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
    updated_at_ms  BIGINT NOT NULL,
    removed_at_ms  BIGINT                    -- since then it is asked nothing; what it told stays
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

-- The oldest marks are taken first, while an import makes a hundred thousand.
CREATE INDEX dirty_by_age ON dirty (marked_at_ms, workspace_id, subject_kind, subject_id);

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

-- Persons to be forgotten, and what became of it.
CREATE TABLE erasures (
    id           TEXT PRIMARY KEY,           -- ers_…
    workspace_id TEXT NOT NULL,
    subject      TEXT NOT NULL,              -- key of whom: see `erased`; for a visitor the id itself until it is done
    state        TEXT NOT NULL,              -- waiting, running, done
    step         TEXT NOT NULL,              -- what is being done, for people
    plan         TEXT NOT NULL,              -- JSON of what was found; emptied when done
    report       TEXT NOT NULL,              -- JSON of counts
    asked_at_ms  BIGINT NOT NULL,
    done_at_ms   BIGINT
);

-- What must not come back: keyed hashes only, so that the list itself names nobody.
CREATE TABLE erased (
    workspace_id TEXT NOT NULL,
    key          TEXT NOT NULL,              -- kind and keyed hash: email/…, customer/…, visitor/…, order/…
    journey      TEXT NOT NULL,              -- of an order: the visitor id its visits are kept under; else empty
    erased_at_ms BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, key)
);
