-- What is doubtful about commissions, and what people decided about it.

-- Raised once: an id is made of commission and kind, so that the same doubt is the same flag for ever.
CREATE TABLE flags (
    id            TEXT PRIMARY KEY,          -- flg_…
    workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
    commission_id TEXT NOT NULL REFERENCES commissions (id),
    partner_id    TEXT NOT NULL REFERENCES partners (id),
    root_order_id TEXT NOT NULL,             -- ord_… whose journey earned: its renewals share what was cleared
    kind          TEXT NOT NULL,
    evidence      TEXT NOT NULL,             -- JSON, names no buyer
    raised_at_ms  BIGINT NOT NULL,
    UNIQUE (commission_id, kind)
);

CREATE INDEX flags_of_workspace ON flags (workspace_id, raised_at_ms);

-- Append only: who thinks better of it decides again. The last one stands.
CREATE TABLE flag_decisions (
    flag_id  TEXT NOT NULL REFERENCES flags (id),
    number   BIGINT NOT NULL,                -- 1 for the flag's first
    decision TEXT NOT NULL,                  -- cleared, rejected
    by_whom  TEXT NOT NULL,                  -- an API key's id, a session of one, or the command line
    note     TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    PRIMARY KEY (flag_id, number)
);
