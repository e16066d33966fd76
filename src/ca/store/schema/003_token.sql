-- Who may ask for a certificate from elsewhere.

-- A one-time token: its secret is known by its hash only.  state: 0 open, 1 spent, 2 withdrawn.
-- `spki` is the key that spent it: only a retry with that key gets the certificate again.
CREATE TABLE token (
	id TEXT PRIMARY KEY CHECK (length(id) = 16),
	secret_sha256 BLOB NOT NULL CHECK (length(secret_sha256) = 32),
	name TEXT NOT NULL,
	profile TEXT NOT NULL,
	subject TEXT NOT NULL,
	sans TEXT NOT NULL,
	lifetime INTEGER NOT NULL,
	made_at INTEGER NOT NULL,
	until INTEGER NOT NULL,
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
	certificate INTEGER REFERENCES certificate (id),
	spki BLOB CHECK (spki IS NULL OR length(spki) = 32),
	address TEXT,
	ended_at INTEGER,
	CHECK ((state = 1) = (certificate IS NOT NULL AND spki IS NOT NULL)),
	CHECK ((state = 0) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX token_open ON token (until) WHERE state = 0;

-- Which certificate came in place of which: at most one, so that a lineage does not split.
CREATE TABLE succession (
	predecessor INTEGER PRIMARY KEY REFERENCES certificate (id),
	successor INTEGER NOT NULL UNIQUE REFERENCES certificate (id),
	spki BLOB NOT NULL CHECK (length(spki) = 32)
) STRICT;
