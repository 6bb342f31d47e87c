-- Clients as keys of their own, in projects; prices and aliases; on each row its client and what it cost.

CREATE TABLE projects (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    -- JSON, as the other columns named so.
    limits     TEXT,
    budgets    TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL,
    -- The SHA-256 of what a client shows: its text is not kept.
    hash           BLOB    NOT NULL UNIQUE,
    mask           TEXT    NOT NULL,
    -- What the client's conversations are found by: the first hash, whatever takes its place later.
    identity       BLOB    NOT NULL,
    -- The hash before, which goes on working until then.
    previous_hash  BLOB    UNIQUE,
    previous_until INTEGER,
    -- 0 for a key of its own; 1 for one that providers carry, which goes with the last of them.
    origin         INTEGER NOT NULL,
    project_id     INTEGER REFERENCES projects (id),
    -- JSON lists; null for all.
    models         TEXT,
    providers      TEXT,
    enabled        INTEGER NOT NULL,
    expires_at     INTEGER,
    limits         TEXT,
    budgets        TEXT,
    -- What becomes of calls without a price under a budget; null to refuse them.
    unpriced       TEXT,
    tags           TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    last_used_at   INTEGER
) STRICT;

CREATE TABLE prices (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    model       TEXT    NOT NULL,
    provider_id INTEGER REFERENCES providers (id) ON DELETE CASCADE,
    kind        TEXT,
    -- JSON: integers of 10^-12 USD by class of usage, with tiers, hours and factors.
    price       TEXT    NOT NULL,
    valid_from  INTEGER,
    valid_until INTEGER,
    source      TEXT    NOT NULL,
    as_of       TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE aliases (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL UNIQUE,
    -- JSON lists.
    targets     TEXT    NOT NULL,
    fallback_on TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

INSERT INTO keys (name, hash, mask, identity, origin, enabled, created_at, updated_at)
SELECT name, client_key, client_key_mask, client_key, 1, 1, created_at, created_at
FROM providers
WHERE id IN (SELECT MIN(id) FROM providers GROUP BY client_key)
ORDER BY id;

ALTER TABLE providers ADD COLUMN key_id INTEGER REFERENCES keys (id);
UPDATE providers SET key_id = (SELECT id FROM keys WHERE hash = client_key);
ALTER TABLE providers DROP COLUMN client_key;
ALTER TABLE providers DROP COLUMN client_key_mask;

-- All of these are null in rows of earlier versions, and where there is nothing to say.
ALTER TABLE ledger ADD COLUMN key_id INTEGER;
-- The key's name: history outlives the key.
ALTER TABLE ledger ADD COLUMN key TEXT;
ALTER TABLE ledger ADD COLUMN project_id INTEGER;
-- The gateway that has it open, 16 bytes; of use as long as it is open.
ALTER TABLE ledger ADD COLUMN owner BLOB;
-- Who answered, where it was no provider.
ALTER TABLE ledger ADD COLUMN answered_by TEXT;
-- In units of 10^-9 USD.
ALTER TABLE ledger ADD COLUMN cost INTEGER;
ALTER TABLE ledger ADD COLUMN cost_is_estimated INTEGER;
ALTER TABLE ledger ADD COLUMN cache_write_tokens INTEGER;
-- How many of them are kept for an hour, and for longer.
ALTER TABLE ledger ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE ledger ADD COLUMN cache_write_long_tokens INTEGER;
-- Figures that few requests have, as JSON.
ALTER TABLE ledger ADD COLUMN usage_details TEXT;

-- Minutes are by key and project too; hours and days, of which many are read at once, have theirs in
-- `usage_by_key`.
CREATE TABLE usage_by_time_6 (
    -- In seconds: 60, 3600 or 86400.
    span               INTEGER NOT NULL,
    -- Where the span begins, in seconds since 1970.
    start              INTEGER NOT NULL,
    provider_id        INTEGER NOT NULL,
    model              TEXT    NOT NULL,
    -- 0 for none, and in hours and days.
    key_id             INTEGER NOT NULL,
    project_id         INTEGER NOT NULL,
    -- The provider's name, and the row that has it: the newest.
    provider           TEXT    NOT NULL,
    newest             INTEGER NOT NULL,
    completed          INTEGER NOT NULL,
    failed             INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL,
    interrupted        INTEGER NOT NULL,
    -- How many of them began a conversation.
    conversations      INTEGER NOT NULL,
    prompt_tokens      INTEGER NOT NULL,
    completion_tokens  INTEGER NOT NULL,
    total_tokens       INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    -- How long completed requests took, and their first bytes: counts by length, see `latency.rs`.
    latency            BLOB,
    first_token        BLOB,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    -- In units of 10^-9 USD, and how many requests have a cost.
    cost               INTEGER NOT NULL DEFAULT 0,
    priced             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (span, start, provider_id, model, key_id, project_id)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_by_time_6 (span, start, provider_id, model, key_id, project_id, provider, newest, completed,
    failed, cancelled, interrupted, conversations, prompt_tokens, completion_tokens, total_tokens,
    cached_tokens, reasoning_tokens, latency, first_token)
SELECT span, start, provider_id, model, 0, 0, provider, newest, completed, failed, cancelled,
    interrupted, conversations, prompt_tokens, completion_tokens, total_tokens, cached_tokens,
    reasoning_tokens, latency, first_token
FROM usage_by_time ORDER BY span, start, provider_id, model;

DROP TABLE usage_by_time;
ALTER TABLE usage_by_time_6 RENAME TO usage_by_time;

-- Sums over the settled rows of each hour and day by key and project, where there is a key. They lack the
-- minutes that are not folded yet.
CREATE TABLE usage_by_key (
    span               INTEGER NOT NULL,
    start              INTEGER NOT NULL,
    key_id             INTEGER NOT NULL,
    project_id         INTEGER NOT NULL,
    -- The newest row, which has the key's name.
    newest             INTEGER NOT NULL,
    completed          INTEGER NOT NULL,
    failed             INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL,
    interrupted        INTEGER NOT NULL,
    prompt_tokens      INTEGER NOT NULL,
    completion_tokens  INTEGER NOT NULL,
    total_tokens       INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    cost               INTEGER NOT NULL DEFAULT 0,
    priced             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (span, start, key_id, project_id)
) STRICT, WITHOUT ROWID;

-- Settled rows that a sink is still to take, in the order of their commits.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq    INTEGER NOT NULL
) STRICT;
