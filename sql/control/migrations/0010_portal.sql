-- The partners' own pages: their ways in, what they agreed to, and what merchants give them to use.

-- Links that sign a partner in, sent by mail or passed on by the merchant. Each works once.
CREATE TABLE portal_links (
    id            TEXT PRIMARY KEY,          -- lnk_…
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    secret_hash   TEXT NOT NULL,             -- SHA-256 of the token's other half, hex
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms    BIGINT
);

CREATE INDEX portal_links_of_partner ON portal_links (partner_id, created_at_ms);

-- Browsers that are signed in. Signing out removes the row.
CREATE TABLE portal_sessions (
    id            TEXT PRIMARY KEY,          -- ses_…
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    secret_hash   TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);

-- Which version of the terms a partner said yes to, and when.
CREATE TABLE portal_agreements (
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    terms_version BIGINT NOT NULL,
    at_ms         BIGINT NOT NULL,
    PRIMARY KEY (partner_id, terms_version)
);

-- Programmes anybody may apply to. Without a row a programme is by invitation only.
CREATE TABLE portal_open_programs (
    program_id   TEXT PRIMARY KEY REFERENCES programs (id),
    about        TEXT NOT NULL,              -- what the application page says, plain text
    opened_at_ms BIGINT NOT NULL
);

-- What a merchant gives the partners of a programme: an address, an image by its address, or a text.
CREATE TABLE portal_assets (
    id            TEXT PRIMARY KEY,          -- ast_…
    program_id    TEXT NOT NULL REFERENCES programs (id),
    kind          TEXT NOT NULL,             -- link, image, text
    title         TEXT NOT NULL,
    content       TEXT NOT NULL,             -- the address, or the text
    created_at_ms BIGINT NOT NULL
);

CREATE INDEX portal_assets_of_program ON portal_assets (program_id, created_at_ms);
