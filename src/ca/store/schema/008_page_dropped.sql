-- What a page left out: the latest notAfter of its certificates that had expired at expired_before.  It
-- serves every list that leaves out as much, so that the lists of a shard and the complete one, made at
-- different times, do not make each other's pages again.
ALTER TABLE revoked_page ADD COLUMN last_dropped INTEGER NOT NULL DEFAULT 0;
UPDATE revoked_page SET last_dropped = expired_before - 1;
