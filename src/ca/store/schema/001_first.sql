-- The first schema.  Serials and hashes are bytes, times Unix seconds (UTC).

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A process that writes.  It holds a lock on the byte number `id` of the lock file for as long as
-- it lives; an intent whose session holds none belongs to a process that is gone.
CREATE TABLE session (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	started_at INTEGER NOT NULL,
	pid INTEGER NOT NULL
) STRICT;

CREATE TABLE issuer (
	id INTEGER PRIMARY KEY,
	spki_sha256 BLOB NOT NULL UNIQUE CHECK (length(spki_sha256) = 32),
	label TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

-- state: 0 intent, 1 issued, 2 revoked, 3 abandoned
CREATE TABLE certificate (
	id INTEGER PRIMARY KEY,
	issuer INTEGER NOT NULL REFERENCES issuer (id),
	serial BLOB NOT NULL CHECK (length(serial) BETWEEN 1 AND 20),
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
	name TEXT NOT NULL,
	profile TEXT NOT NULL,
	subject TEXT NOT NULL,
	sans TEXT NOT NULL,
	asked_at INTEGER NOT NULL,
	session INTEGER,
	not_before INTEGER,
	not_after INTEGER,
	revoked_at INTEGER,
	reason INTEGER,
	sha256 BLOB CHECK (sha256 IS NULL OR length(sha256) = 32),
	der BLOB,
	CHECK ((state = 0) = (session IS NOT NULL)),
	CHECK ((state IN (1, 2)) = (der IS NOT NULL AND sha256 IS NOT NULL AND not_after IS NOT NULL)),
	CHECK ((state = 2) = (revoked_at IS NOT NULL AND reason IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX certificate_serial ON certificate (serial, issuer);
CREATE INDEX certificate_name ON certificate (name);
CREATE UNIQUE INDEX certificate_sha256 ON certificate (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX certificate_not_after ON certificate (not_after) WHERE state = 1;
CREATE INDEX certificate_intent ON certificate (session) WHERE state = 0;
-- Holds all that a CRL needs, so that building one reads no certificate.
CREATE INDEX certificate_revoked ON certificate (issuer, revoked_at, serial, reason, not_after)
	WHERE state = 2;

-- The newest list of each issuer.
CREATE TABLE crl (
	issuer INTEGER PRIMARY KEY REFERENCES issuer (id),
	number INTEGER NOT NULL,
	this_update INTEGER NOT NULL,
	next_update INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	der BLOB NOT NULL
) STRICT;

CREATE TABLE audit (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	action TEXT NOT NULL,
	issuer INTEGER NOT NULL,
	serial BLOB NOT NULL,
	detail TEXT NOT NULL,
	actor TEXT NOT NULL,
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
