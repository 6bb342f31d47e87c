CREATE TABLE meta (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    revision      INTEGER NOT NULL,
    canary        BLOB,
    -- How far the time in a request's id may lie from its start: see `start.rs`.
    start_skew_ms INTEGER NOT NULL DEFAULT 0,
    -- Up to where the sums of minutes are in those of hours and days too, in seconds since 1970.
    folded_until  INTEGER NOT NULL DEFAULT 0
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
    proxy_url       BLOB,
    -- Words separated by commas; null where its kind and its URL tell.
    protocols       TEXT,
    enabled         INTEGER NOT NULL,
    priority        INTEGER NOT NULL,
    weight          INTEGER NOT NULL,
    max_concurrency INTEGER,
    connect_ms      INTEGER,
    first_event_ms  INTEGER,
    idle_ms         INTEGER,
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

-- No reference to providers: history outlives them.
CREATE TABLE ledger (
    -- The request's id: its first 60 bits beside the version, and the other 62. Rows come in this order, so
    -- they are packed one behind the other, and need no index beside the table.
    seq               INTEGER PRIMARY KEY,
    tail              INTEGER NOT NULL,
    -- A UUID as its bytes, any other name as text; null where it is the request's own id.
    conversation_id   ANY,
    -- Whether it was the first of its conversation to be written.
    begins            INTEGER NOT NULL,
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
    error             TEXT,
    -- Tells the conversation when it goes on: 16 bytes, little end first.
    thread            BLOB
) STRICT;

CREATE INDEX ledger_by_conversation ON ledger (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX ledger_open ON ledger (state) WHERE state = 0;

-- Sums over the settled rows of each minute, hour and day (UTC) by their start. Hours and days lack the
-- minutes that are not folded yet.
CREATE TABLE usage_by_time (
    -- In seconds: 60, 3600 or 86400.
    span              INTEGER NOT NULL,
    -- Where the span begins, in seconds since 1970.
    start             INTEGER NOT NULL,
    provider_id       INTEGER NOT NULL,
    model             TEXT    NOT NULL,
    -- The provider's name, and the row that has it: the newest.
    provider          TEXT    NOT NULL,
    newest            INTEGER NOT NULL,
    completed         INTEGER NOT NULL,
    failed            INTEGER NOT NULL,
    cancelled         INTEGER NOT NULL,
    interrupted       INTEGER NOT NULL,
    -- How many of them began a conversation.
    conversations     INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    total_tokens      INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    reasoning_tokens  INTEGER NOT NULL,
    PRIMARY KEY (span, start, provider_id, model)
) STRICT, WITHOUT ROWID;
