-- Hours of ids in which requests started further from the time in their ids than usual, and by how much: see
-- `start.rs`. It takes the place of `meta.start_skew_ms`, which said the most that there had been at any time.
CREATE TABLE start_skews (
    -- Of the time in ids, since 1970.
    hour       INTEGER PRIMARY KEY,
    -- By how much a request started before that time, and after it, at most.
    earlier_ms INTEGER NOT NULL,
    later_ms   INTEGER NOT NULL
) STRICT;

INSERT INTO start_skews (hour, earlier_ms, later_ms)
SELECT (seq >> 12) / 3600000,
    MAX(0, MAX((seq >> 12) - started_at / 1000 + 1)),
    MAX(0, MAX(started_at / 1000 - (seq >> 12) + 1))
FROM ledger
WHERE (SELECT start_skew_ms FROM meta) > 0 AND ABS((seq >> 12) - started_at / 1000) > 1000
GROUP BY 1;

UPDATE meta SET start_skew_ms = 0;
