-- A complete list (shard 0) has places too, so that after a rollover each CA's certificates find that
-- CA's list.

CREATE TABLE crl_place_7 (
	issuer INTEGER NOT NULL REFERENCES issuer (id),
	shard INTEGER NOT NULL CHECK (shard >= 0),
	url TEXT NOT NULL,
	PRIMARY KEY (issuer, shard, url)
) STRICT, WITHOUT ROWID;

INSERT INTO crl_place_7 SELECT issuer, shard, url FROM crl_place;
DROP TABLE crl_place;
ALTER TABLE crl_place_7 RENAME TO crl_place;

CREATE INDEX crl_place_url ON crl_place (url);
-- The complete list names no place.
CREATE TRIGGER crl_place_insert AFTER INSERT ON crl_place WHEN new.shard > 0
BEGIN
	UPDATE crl SET stale = 1 WHERE issuer = new.issuer AND shard = new.shard AND NOT stale;
END;
