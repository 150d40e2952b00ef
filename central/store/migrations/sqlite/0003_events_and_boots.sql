-- Events of the gateways, and what is known of their clocks.

-- `number` counts in the order of commits: whoever works events off keeps the last one as a cursor.
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    clock_synchronised INTEGER NOT NULL,
    monotonic_ms INTEGER,
    boot_id TEXT,
    body TEXT NOT NULL,
    UNIQUE (stream_key, seq)
);

CREATE INDEX events_undated ON events (boot_id) WHERE clock_synchronised = 0;

-- Wall time = monotonic time + offset_ms. `proven`: by a message of this boot with a synchronised clock; else it is the
-- largest the offset can be, by the moment something of this boot was received.
-- From now on `clock_synchronised` of readings and events says: 0 dated by such a bound, 1 by the gateway's own clock, 2 by a proven offset.
CREATE TABLE boots (
    gateway TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    offset_ms INTEGER NOT NULL,
    proven INTEGER NOT NULL,
    PRIMARY KEY (gateway, boot_id)
) WITHOUT ROWID;
