-- Files of other tools that were brought over: partners, links and open balances.

-- Never changed. What a file brought stands in partners, links, commissions and entries; this says from where.
CREATE TABLE imports (
    id            TEXT PRIMARY KEY,          -- imp_…, made of what was looked at: applied twice it is one
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    program_id    TEXT NOT NULL REFERENCES programs (id),
    tool          TEXT NOT NULL,             -- rewardful, firstpromoter, dub
    sealed_result TEXT NOT NULL,             -- every line's outcome, JSON with names: AES-256-GCM
    applied_at_ms BIGINT NOT NULL
);

CREATE INDEX imports_of_program ON imports (workspace_id, program_id);
