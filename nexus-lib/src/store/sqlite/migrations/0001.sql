CREATE TABLE meta (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    revision      INTEGER NOT NULL,
    canary        BLOB,
    -- How far the time in a request's id may lie from its start: see `start.rs`.
    start_skew_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO meta (id, revision) VALUES (1, 0);

CREATE TABLE providers (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    server_url      TEXT    NOT NULL,
    server_key      BLOB    NOT NULL,
    client_key      BLOB    NOT NULL,
    client_key_mask TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    proxy_url       TEXT,
    enabled         INTEGER NOT NULL,
    priority        INTEGER NOT NULL,
    weight          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE models (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    provider_id    INTEGER NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    model_name     TEXT    NOT NULL,
    upstream_model TEXT,
    description    TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    UNIQUE (provider_id, model_name)
) STRICT;

-- No reference to providers: history outlives them. With a rowid, so that rows are packed in the order in
-- which they come, and none is moved for another.
CREATE TABLE ledger (
    request_id        BLOB    NOT NULL PRIMARY KEY,
    -- A UUID as its bytes, any other name as text; null where it is the request's own id.
    conversation_id   ANY,
    provider_id       INTEGER NOT NULL,
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    upstream_model    TEXT,
    operation         TEXT    NOT NULL,
    stream            INTEGER NOT NULL,
    state             INTEGER NOT NULL,
    usage_source      INTEGER NOT NULL DEFAULT 0,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    total_tokens      INTEGER NOT NULL DEFAULT 0,
    cached_tokens     INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens  INTEGER NOT NULL DEFAULT 0,
    status            INTEGER,
    attempts          INTEGER NOT NULL DEFAULT 0,
    started_at        INTEGER NOT NULL,
    first_token_ms    INTEGER,
    duration_ms       INTEGER,
    error             TEXT
) STRICT;

CREATE INDEX ledger_by_conversation ON ledger (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX ledger_open ON ledger (state) WHERE state = 0;
