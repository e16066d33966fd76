-- Revocation lists in shards.  A certificate belongs to one for its whole life: the one whose place its
-- CRL distribution point names (RFC 5280 section 4.2.1.13), or to none (0).  Lists are numbered by issuer
-- and shard; the list 0 is complete, whatever the shards of what it names.

ALTER TABLE certificate ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;

DROP INDEX certificate_revoked;
-- Holds all that a CRL needs, so that building one reads no certificate.
CREATE INDEX certificate_revoked ON certificate (issuer, shard, revoked_at, serial, reason, not_after)
	WHERE state = 2;
-- Which shards are still named by a certificate.
CREATE INDEX certificate_shard ON certificate (issuer, shard, not_after) WHERE shard > 0;

-- The URLs under which certificates look for a shard's list; the list says them all (section 5.2.5).
CREATE TABLE crl_place (
	issuer INTEGER NOT NULL REFERENCES issuer (id),
	shard INTEGER NOT NULL CHECK (shard > 0),
	url TEXT NOT NULL,
	PRIMARY KEY (issuer, shard, url)
) STRICT, WITHOUT ROWID;

-- The newest list of each issuer and shard.  stale: it lacks a revocation, or a place.
CREATE TABLE crl_6 (
	issuer INTEGER NOT NULL REFERENCES issuer (id),
	shard INTEGER NOT NULL,
	number INTEGER NOT NULL,
	this_update INTEGER NOT NULL,
	next_update INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	stale INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1)),
	der BLOB NOT NULL,
	PRIMARY KEY (issuer, shard)
) STRICT;

INSERT INTO crl_6 (issuer, shard, number, this_update, next_update, revoked, der)
	SELECT issuer, 0, number, this_update, next_update, revoked, der FROM crl;
DROP TABLE crl;
ALTER TABLE crl_6 RENAME TO crl;

CREATE TRIGGER crl_place_insert AFTER INSERT ON crl_place
BEGIN
	UPDATE crl SET stale = 1 WHERE issuer = new.issuer AND shard = new.shard AND NOT stale;
END;

-- Pages hold entries of one shard (005).
CREATE TABLE revoked_page_6 (
	id INTEGER PRIMARY KEY,
	issuer INTEGER NOT NULL,
	shard INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	last_serial BLOB NOT NULL,
	fresh INTEGER NOT NULL CHECK (fresh IN (0, 1)),
	expired_before INTEGER NOT NULL,
	first_expiry INTEGER NOT NULL,
	entries_len INTEGER NOT NULL,
	entries BLOB NOT NULL,
	UNIQUE (issuer, shard, last_at, last_serial)
) STRICT;

INSERT INTO revoked_page_6 SELECT id, issuer, 0, last_at, last_serial, fresh, expired_before, first_expiry,
	entries_len, entries FROM revoked_page;
DROP TRIGGER certificate_revoked_insert;
DROP TRIGGER certificate_revoked_update;
DROP TRIGGER certificate_revoked_delete;
DROP TABLE revoked_page;
ALTER TABLE revoked_page_6 RENAME TO revoked_page;

CREATE TRIGGER certificate_revoked_insert AFTER INSERT ON certificate WHEN new.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page
		WHERE issuer = new.issuer AND shard = new.shard
		AND (last_at, last_serial) >= (new.revoked_at, new.serial) ORDER BY last_at, last_serial LIMIT 1);
	UPDATE crl SET stale = 1 WHERE issuer = new.issuer AND shard IN (0, new.shard) AND NOT stale;
END;

CREATE TRIGGER certificate_revoked_update
AFTER UPDATE OF issuer, serial, state, not_after, revoked_at, reason, shard ON certificate
WHEN old.state = 2 OR new.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page
		WHERE issuer = old.issuer AND shard = old.shard
		AND (last_at, last_serial) >= (old.revoked_at, old.serial) ORDER BY last_at, last_serial LIMIT 1);
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page
		WHERE issuer = new.issuer AND shard = new.shard
		AND (last_at, last_serial) >= (new.revoked_at, new.serial) ORDER BY last_at, last_serial LIMIT 1);
	UPDATE crl SET stale = 1 WHERE issuer IN (old.issuer, new.issuer)
		AND shard IN (0, old.shard, new.shard) AND NOT stale;
END;

CREATE TRIGGER certificate_revoked_delete AFTER DELETE ON certificate WHEN old.state = 2
BEGIN
	UPDATE revoked_page SET fresh = 0 WHERE id = (SELECT id FROM revoked_page
		WHERE issuer = old.issuer AND shard = old.shard
		AND (last_at, last_serial) >= (old.revoked_at, old.serial) ORDER BY last_at, last_serial LIMIT 1);
END;
