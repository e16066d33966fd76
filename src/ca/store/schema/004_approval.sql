-- An enrolment that a person looks at first: a token that was shown, and the key it was shown with.
-- The first key that comes is the one that is decided on.  state: 0 waiting, 1 approved, 2 denied.
CREATE TABLE approval (
	token TEXT PRIMARY KEY REFERENCES token (id),
	spki BLOB NOT NULL CHECK (length(spki) = 32),
	address TEXT NOT NULL,
	asked_at INTEGER NOT NULL,
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
	decided_at INTEGER,
	CHECK ((state = 0) = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX approval_waiting ON approval (asked_at) WHERE state = 0;
