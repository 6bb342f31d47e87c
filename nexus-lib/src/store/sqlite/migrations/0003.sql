-- How long completed requests took, and their first bytes: counts by length, see `latency.rs`.
ALTER TABLE usage_by_time ADD COLUMN latency BLOB;
ALTER TABLE usage_by_time ADD COLUMN first_token BLOB;
