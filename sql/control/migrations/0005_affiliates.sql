-- Affiliates: programmes and their terms, partners and their links, and the ledger of what they earn.

CREATE TABLE programs (
    id            TEXT PRIMARY KEY,          -- prg_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    name          TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

-- Never changed: other terms are another version.
CREATE TABLE program_terms (
    program_id TEXT NOT NULL REFERENCES programs (id),
    version    BIGINT NOT NULL,              -- 1 for the first
    from_ms    BIGINT NOT NULL,              -- payments from then on are under it
    group_id   TEXT,                         -- grp_…, whose terms; none: everybody's who is in no group with its own
    terms      TEXT NOT NULL,                -- JSON
    PRIMARY KEY (program_id, version)
);

CREATE TABLE partners (
    id             TEXT PRIMARY KEY,         -- prt_…
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    program_id     TEXT NOT NULL REFERENCES programs (id),
    name           TEXT NOT NULL,
    status         TEXT NOT NULL,            -- invited, applied, approved, rejected, suspended
    email_key      TEXT NOT NULL,            -- keyed hash of the address
    sealed_email   TEXT NOT NULL,            -- AES-256-GCM
    payout_method  TEXT,                     -- paypal, wise, other
    sealed_payout  TEXT,                     -- who is paid by it, AES-256-GCM
    created_at_ms  BIGINT NOT NULL,
    updated_at_ms  BIGINT NOT NULL,
    UNIQUE (program_id, email_key)
);

-- Since when a partner stands how: a sale earns when the partner was approved as it was paid.
CREATE TABLE partner_statuses (
    partner_id TEXT NOT NULL REFERENCES partners (id),
    from_ms    BIGINT NOT NULL,
    status     TEXT NOT NULL,
    PRIMARY KEY (partner_id, from_ms)
);

-- Codes are one installation's: `/r/{code}` names no workspace. A code is never given to anybody else.
CREATE TABLE links (
    code           TEXT PRIMARY KEY,
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    destination    TEXT NOT NULL,            -- landing page
    created_at_ms  BIGINT NOT NULL,
    archived_at_ms BIGINT                    -- leads on and earns nothing new
);

-- One partner's earning of one order, said once, but for the part of it and whether the order was the customer's first,
-- which follow what becomes known. Where its money stands is the sum of its entries.
CREATE TABLE commissions (
    id            TEXT PRIMARY KEY,          -- com_…, derived from order, partner and currency
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    order_id      TEXT NOT NULL,             -- ord_…
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    program_id    TEXT NOT NULL REFERENCES programs (id),
    terms_version BIGINT NOT NULL,
    code          TEXT NOT NULL,             -- of the link or coupon
    touch_id      TEXT,                      -- the click that earned it; none when a coupon did
    touch_at_ms   BIGINT,
    share_place   BIGINT NOT NULL,           -- which of the equal parts, from 0 on
    share_of      BIGINT NOT NULL,           -- how many there are; 0 when this one has none any more
    first_order   BIGINT NOT NULL,           -- 1 when it was the customer's first payment
    currency      TEXT NOT NULL,
    paid_at_ms    BIGINT NOT NULL,           -- when the order was paid
    due_at_ms     BIGINT NOT NULL,           -- from then on it may be paid out
    created_at_ms BIGINT NOT NULL
);

CREATE INDEX commissions_of_order ON commissions (workspace_id, order_id);
CREATE INDEX commissions_of_partner ON commissions (workspace_id, partner_id);
CREATE INDEX commissions_due ON commissions (due_at_ms);

-- Append only. One amount and two accounts a row, so the sum over all accounts is zero whatever stands here.
CREATE TABLE entries (
    commission_id TEXT NOT NULL REFERENCES commissions (id),
    number        BIGINT NOT NULL,           -- 1 for the commission's first
    from_account  TEXT NOT NULL,             -- expense, pending, due, processing, paid
    to_account    TEXT NOT NULL,
    amount_minor  BIGINT NOT NULL CHECK (amount_minor > 0),
    reason        TEXT NOT NULL,
    source        TEXT NOT NULL,             -- the fact behind it: ord_…, ref_…, pay_…, clock
    at_ms         BIGINT NOT NULL,
    PRIMARY KEY (commission_id, number),
    CHECK (from_account <> to_account)
);

CREATE INDEX entries_by_source ON entries (source);

-- Payouts: what was approved to be sent, until a person says it was.
CREATE TABLE payouts (
    id             TEXT PRIMARY KEY,         -- pay_…, derived from what was looked at: approved twice it is one
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    currency       TEXT NOT NULL,
    month          TEXT NOT NULL,            -- 2026-10, of its approval in the workspace's time zone
    state          TEXT NOT NULL,            -- processing, paid, canceled
    reference      TEXT NOT NULL,            -- what the rail or the person called the payment
    approved_at_ms BIGINT NOT NULL,
    closed_at_ms   BIGINT
);

-- One partner's part, as it was when approved: a file written again is the same.
CREATE TABLE payout_items (
    id               TEXT PRIMARY KEY,       -- itm_…, derived from payout and partner
    payout_id        TEXT NOT NULL REFERENCES payouts (id),
    partner_id       TEXT NOT NULL REFERENCES partners (id),
    name             TEXT NOT NULL,
    method           TEXT NOT NULL,
    sealed_recipient TEXT NOT NULL,          -- AES-256-GCM
    amount_minor     BIGINT NOT NULL CHECK (amount_minor > 0),
    state            TEXT NOT NULL,          -- processing, paid, canceled
    UNIQUE (payout_id, partner_id)
);
