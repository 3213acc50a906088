-- Affiliates: groups of partners, coupons, and how much each partner sold.

-- A group of a programme's partners; versions of terms that name it are its own.
CREATE TABLE partner_groups (
    id            TEXT PRIMARY KEY,          -- grp_…
    program_id    TEXT NOT NULL REFERENCES programs (id),
    name          TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

-- Since when a partner is in which group. In one at most; in none where none stands.
CREATE TABLE group_members (
    partner_id TEXT NOT NULL REFERENCES partners (id),
    from_ms    BIGINT NOT NULL,
    group_id   TEXT REFERENCES partner_groups (id),
    PRIMARY KEY (partner_id, from_ms)
);

-- Discount codes that earn for a partner, in upper case. A code is never given to anybody else.
CREATE TABLE coupons (
    workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
    code           TEXT NOT NULL,
    partner_id     TEXT NOT NULL REFERENCES partners (id),
    created_at_ms  BIGINT NOT NULL,
    archived_at_ms BIGINT,                   -- earns nothing for sales from then on
    PRIMARY KEY (workspace_id, code)
);

-- What partners sold and what refunds took of it, for tiers. Made of orders and clicks, and made again when they change:
-- `verify` holds it against them.
CREATE TABLE partner_volumes (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    order_id     TEXT NOT NULL,              -- ord_…
    partner_id   TEXT NOT NULL REFERENCES partners (id),
    number       BIGINT NOT NULL,            -- 1 for the sale
    paid_at_ms   BIGINT NOT NULL,            -- of the sale
    at_ms        BIGINT NOT NULL,            -- of the change
    currency     TEXT NOT NULL,
    sales        BIGINT NOT NULL,            -- 1 for a sale, -1 when nothing is left of it
    net_minor    BIGINT NOT NULL,            -- without tax; the partner's part
    PRIMARY KEY (workspace_id, order_id, partner_id, number)
);

CREATE INDEX partner_volumes_of_partner ON partner_volumes (workspace_id, partner_id);
