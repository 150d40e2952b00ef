-- What each gateway is wished to run by (every version is kept), and what it reported last. JSON as it travels (contract/twin.py).

CREATE TABLE desired (
    gateway TEXT NOT NULL,
    version INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (gateway, version)
) WITHOUT ROWID;

CREATE TABLE reported (
    gateway TEXT PRIMARY KEY,
    received_at_ms INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
