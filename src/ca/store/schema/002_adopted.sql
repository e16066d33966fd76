-- An authority taken over from elsewhere may know a certificate by its serial alone: the row of an
-- index whose file is gone.  Such a row is issued or revoked and has no DER.

CREATE TABLE certificate_2 (
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
	CHECK ((state IN (1, 2)) = (not_after IS NOT NULL)),
	CHECK ((der IS NULL) = (sha256 IS NULL) AND (der IS NULL OR state IN (1, 2))),
	CHECK ((state = 2) = (revoked_at IS NOT NULL AND reason IS NOT NULL))
) STRICT;

INSERT INTO certificate_2 SELECT id, issuer, serial, state, name, profile, subject, sans, asked_at, session,
	not_before, not_after, revoked_at, reason, sha256, der FROM certificate;
DROP TABLE certificate;
ALTER TABLE certificate_2 RENAME TO certificate;

CREATE UNIQUE INDEX certificate_serial ON certificate (serial, issuer);
CREATE INDEX certificate_name ON certificate (name);
CREATE UNIQUE INDEX certificate_sha256 ON certificate (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX certificate_not_after ON certificate (not_after) WHERE state = 1;
CREATE INDEX certificate_intent ON certificate (session) WHERE state = 0;
-- Holds all that a CRL needs, so that building one reads no certificate.
CREATE INDEX certificate_revoked ON certificate (issuer, revoked_at, serial, reason, not_after)
	WHERE state = 2;
