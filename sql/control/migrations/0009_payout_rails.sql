-- What leaves: partners' statements, events told to endpoints, and payouts sent by PayPal.

-- Never changed, never removed: each carries the hash of the one before.
CREATE TABLE partner_statements (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    number       BIGINT NOT NULL,            -- 1 for the partner's first
    month        TEXT NOT NULL,              -- its first day
    hash         TEXT NOT NULL,              -- SHA-256 of the statement, hex
    body         TEXT NOT NULL,              -- the statement with its hash, as it is exported
    made_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, partner_id, number)
);

-- Who is told of events, as Standard Webhooks.
CREATE TABLE endpoints (
    id               TEXT PRIMARY KEY,       -- end_…
    workspace_id     TEXT NOT NULL REFERENCES workspaces (id),
    url              TEXT NOT NULL,
    sealed_secret    TEXT NOT NULL,          -- AES-256-GCM; signs the deliveries
    sealed_old_secrets TEXT,                 -- JSON list of those before it that sign beside it, and until when
    old_secrets_until_ms BIGINT,             -- end of the last of them; then they are forgotten
    event_types      TEXT NOT NULL,          -- JSON list; empty: all
    disabled_why     TEXT,                   -- none while it is told of events
    failing_since_ms BIGINT,                 -- first failure since it last took something
    created_at_ms    BIGINT NOT NULL
);

CREATE INDEX endpoints_of ON endpoints (workspace_id);

-- Written with what happened, in one transaction, and only when somebody is to be told of it.
CREATE TABLE events (
    id            TEXT PRIMARY KEY,          -- evt_…, derived from what happened: told twice it is one
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    type          TEXT NOT NULL,
    body          TEXT NOT NULL,             -- JSON, as it is sent
    created_at_ms BIGINT NOT NULL
);

-- One event on its way to one endpoint.
CREATE TABLE deliveries (
    id            TEXT PRIMARY KEY,          -- dlv_…, derived from event and endpoint
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    endpoint_id   TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    event_id      TEXT NOT NULL REFERENCES events (id),
    state         TEXT NOT NULL,             -- waiting, delivered, failed
    attempts      BIGINT NOT NULL,
    next_at_ms    BIGINT NOT NULL,           -- when it is tried next, while it waits
    created_at_ms BIGINT NOT NULL,
    done_at_ms    BIGINT
);

CREATE INDEX deliveries_waiting ON deliveries (state, next_at_ms);
CREATE INDEX deliveries_of ON deliveries (workspace_id, created_at_ms);
CREATE INDEX deliveries_done ON deliveries (done_at_ms);
CREATE INDEX events_by_age ON events (created_at_ms);
CREATE INDEX deliveries_of_event ON deliveries (event_id);
CREATE INDEX deliveries_to ON deliveries (endpoint_id, state);

-- What came of each try.
CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,             -- 1 for the first
    at_ms       BIGINT NOT NULL,
    latency_ms  BIGINT NOT NULL,
    status      BIGINT,                      -- none when no answer came
    error       TEXT,                        -- why it does not count as taken
    answer      TEXT NOT NULL,               -- the first 1 kB
    PRIMARY KEY (delivery_id, number)
);

-- The PayPal account a workspace pays from.
CREATE TABLE paypal_accounts (
    id               TEXT PRIMARY KEY,       -- ppa_…
    workspace_id     TEXT NOT NULL UNIQUE REFERENCES workspaces (id),
    base_url         TEXT NOT NULL,
    client_id        TEXT NOT NULL,
    sealed_secret    TEXT NOT NULL,          -- AES-256-GCM
    updated_at_ms    BIGINT NOT NULL
);

-- Items of one payout sent by PayPal in one call. Written before the call, so that one cut short is found again.
CREATE TABLE paypal_batches (
    sender_batch_id TEXT PRIMARY KEY,        -- the payout's id, with -2, -3, … for further ones
    payout_id       TEXT NOT NULL REFERENCES payouts (id),
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),
    state           TEXT NOT NULL,           -- planned, sent, done, refused
    first_try_at_ms BIGINT,                  -- when it was first sent, unless an answer said it was not accepted
    account         TEXT NOT NULL,           -- it was first sent from; empty before
    batch_id        TEXT,                    -- PayPal's, once known
    status          TEXT NOT NULL,           -- as PayPal last said it
    problem         TEXT NOT NULL,           -- what stands in the way; empty when nothing does
    failures        BIGINT NOT NULL,         -- calls in a row that failed
    next_at_ms      BIGINT NOT NULL,         -- when PayPal is called next
    created_at_ms   BIGINT NOT NULL
);

CREATE INDEX paypal_batches_next ON paypal_batches (state, next_at_ms);
CREATE INDEX paypal_batches_of ON paypal_batches (payout_id);

-- An item's way through a rail, and how it ended there.
ALTER TABLE payout_items ADD COLUMN reference TEXT NOT NULL DEFAULT '';       -- what the rail calls the payment
ALTER TABLE payout_items ADD COLUMN concluded_at_ms BIGINT;
ALTER TABLE payout_items ADD COLUMN sender_batch_id TEXT;                     -- the PayPal batch it is in
ALTER TABLE payout_items ADD COLUMN rail_item_id TEXT NOT NULL DEFAULT '';    -- PayPal's
ALTER TABLE payout_items ADD COLUMN rail_status TEXT NOT NULL DEFAULT '';     -- as the rail last said it
ALTER TABLE payout_items ADD COLUMN rail_problem TEXT NOT NULL DEFAULT '';    -- why it did not arrive
ALTER TABLE payout_items ADD COLUMN fee_minor BIGINT NOT NULL DEFAULT 0;      -- what the rail took beside it
