-- Entries of revocation lists, encoded as they stand in a list (RFC 5280 section 5.1.2.6), so that a
-- list is put together from pages and not from rows.  A page holds those of an issuer after the page
-- before it, up to the revocation (last_at, last_serial), that had not expired at expired_before;
-- first_expiry is the earliest notAfter among them.  What changes a revoked certificate, by whichever
-- statement, makes the page that covers it stale; it is then made again from the rows.

CREATE TABLE revoked_page (
	id INTEGER PRIMARY KEY,
	issuer INTEGER NOT NULL REFERENCES issuer (id),
	last_at INTEGER NOT NULL,
	last_serial BLOB NOT NULL,
	fresh INTEGER NOT NULL CHECK (fresh IN (0, 1)),
	expired_before INTEGER NOT NULL,
	first_expiry INTEGER NOT NULL,
	entries_len INTEGER NOT NULL,
	entries BLOB NOT NULL,
	UNIQUE (issuer, last_at, last_serial)
) STRICT;

CREATE TRIGGER certificate_revoked_insert AFTER INSERT ON certificate WHEN new.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page WHERE issuer = new.issuer
		AND (last_at, last_serial) >= (new.revoked_at, new.serial) ORDER BY last_at, last_serial LIMIT 1);
END;

CREATE TRIGGER certificate_revoked_update
AFTER UPDATE OF issuer, serial, state, not_after, revoked_at, reason ON certificate
WHEN old.state = 2 OR new.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page WHERE issuer = old.issuer
		AND (last_at, last_serial) >= (old.revoked_at, old.serial) ORDER BY last_at, last_serial LIMIT 1);
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page WHERE issuer = new.issuer
		AND (last_at, last_serial) >= (new.revoked_at, new.serial) ORDER BY last_at, last_serial LIMIT 1);
END;

CREATE TRIGGER certificate_revoked_delete AFTER DELETE ON certificate WHEN old.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page WHERE issuer = old.issuer
		AND (last_at, last_serial) >= (old.revoked_at, old.serial) ORDER BY last_at, last_serial LIMIT 1);
END;
