-- What the provider answered, where that is not the `status` that the client got. Of use where `tries` is not null.
ALTER TABLE ledger ADD COLUMN upstream_status INTEGER;
-- The requests to providers as JSON; null where there was one, and the other columns tell what came of it.
ALTER TABLE ledger ADD COLUMN tries TEXT;
