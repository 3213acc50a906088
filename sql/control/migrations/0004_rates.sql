-- Exchange rates, one row a day: what the European Central Bank published. Never changed.

CREATE TABLE rates (
    day          TEXT PRIMARY KEY,           -- YYYY-MM-DD
    rates        TEXT NOT NULL,              -- "JPY 186.75 USD 1.1684": units for one euro
    source       TEXT NOT NULL,              -- where they came from
    stored_at_ms BIGINT NOT NULL
);
