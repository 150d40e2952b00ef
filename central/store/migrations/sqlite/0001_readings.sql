-- Weather stations, the streams of their gateways, readings with roll-ups, and heat frames.
-- Times are Unix milliseconds UTC. JSON columns hold what no query looks into.

CREATE TABLE stations (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name_ja TEXT NOT NULL,
    name_en TEXT NOT NULL,
    lat REAL,
    lon REAL,
    surface TEXT NOT NULL,
    profile TEXT,
    gateway TEXT,
    configured INTEGER NOT NULL
);

CREATE TABLE gateways (
    gateway TEXT PRIMARY KEY,
    presence TEXT, presence_at_ms INTEGER,
    hello TEXT, hello_at_ms INTEGER,
    health TEXT, health_at_ms INTEGER
) WITHOUT ROWID;

-- One row an epoch of a gateway's stream. `progress` says which seqs are known (central/store/progress.py).
CREATE TABLE streams (
    key INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    stream TEXT NOT NULL,
    epoch TEXT NOT NULL,
    progress TEXT NOT NULL,
    up_to_seq INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    shed INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    UNIQUE (gateway, stream, epoch)
);

-- The key ends with the identity: two items of one station and millisecond are both kept.
-- `monotonic_ms` and `boot_id` are kept only for readings whose clock was not synchronised: they date them later.
CREATE TABLE readings (
    station_key INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    stream_key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    clock_synchronised INTEGER NOT NULL,
    monotonic_ms INTEGER,
    boot_id TEXT,
    flags TEXT,
    air_temperature_degc REAL,
    relative_humidity_pct REAL,
    air_pressure_hpa REAL,
    wind_speed_ms REAL,
    wind_gust_ms REAL,
    wind_direction_deg REAL,
    global_radiation_wm2 REAL,
    illuminance_lx REAL,
    dew_point_degc REAL,
    rain_accumulated_mm REAL,
    rain_intensity_mmh REAL,
    noise_level_db REAL,
    pm2_5_ugm3 REAL,
    pm10_ugm3 REAL,
    supply_voltage_v REAL,
    PRIMARY KEY (station_key, at_ms, stream_key, seq)
) WITHOUT ROWID;

CREATE INDEX readings_undated ON readings (boot_id) WHERE clock_synchronised = 0;

CREATE TABLE last_readings (
    station_key INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    received_unix_ms INTEGER NOT NULL,
    clock_synchronised INTEGER NOT NULL,
    reading_values TEXT NOT NULL,
    flags TEXT
);

-- Values without a flag only. A direction is summed as unit vectors.
CREATE TABLE rollups (
    resolution_s INTEGER NOT NULL,
    station_key INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    air_temperature_degc_n INTEGER NOT NULL, air_temperature_degc_sum REAL NOT NULL, air_temperature_degc_min REAL, air_temperature_degc_max REAL,
    relative_humidity_pct_n INTEGER NOT NULL, relative_humidity_pct_sum REAL NOT NULL, relative_humidity_pct_min REAL, relative_humidity_pct_max REAL,
    air_pressure_hpa_n INTEGER NOT NULL, air_pressure_hpa_sum REAL NOT NULL, air_pressure_hpa_min REAL, air_pressure_hpa_max REAL,
    wind_speed_ms_n INTEGER NOT NULL, wind_speed_ms_sum REAL NOT NULL, wind_speed_ms_min REAL, wind_speed_ms_max REAL,
    wind_gust_ms_n INTEGER NOT NULL, wind_gust_ms_sum REAL NOT NULL, wind_gust_ms_min REAL, wind_gust_ms_max REAL,
    wind_direction_deg_n INTEGER NOT NULL, wind_direction_deg_sin REAL NOT NULL, wind_direction_deg_cos REAL NOT NULL,
    global_radiation_wm2_n INTEGER NOT NULL, global_radiation_wm2_sum REAL NOT NULL, global_radiation_wm2_min REAL, global_radiation_wm2_max REAL,
    illuminance_lx_n INTEGER NOT NULL, illuminance_lx_sum REAL NOT NULL, illuminance_lx_min REAL, illuminance_lx_max REAL,
    dew_point_degc_n INTEGER NOT NULL, dew_point_degc_sum REAL NOT NULL, dew_point_degc_min REAL, dew_point_degc_max REAL,
    rain_accumulated_mm_n INTEGER NOT NULL, rain_accumulated_mm_sum REAL NOT NULL, rain_accumulated_mm_min REAL, rain_accumulated_mm_max REAL,
    rain_intensity_mmh_n INTEGER NOT NULL, rain_intensity_mmh_sum REAL NOT NULL, rain_intensity_mmh_min REAL, rain_intensity_mmh_max REAL,
    noise_level_db_n INTEGER NOT NULL, noise_level_db_sum REAL NOT NULL, noise_level_db_min REAL, noise_level_db_max REAL,
    pm2_5_ugm3_n INTEGER NOT NULL, pm2_5_ugm3_sum REAL NOT NULL, pm2_5_ugm3_min REAL, pm2_5_ugm3_max REAL,
    pm10_ugm3_n INTEGER NOT NULL, pm10_ugm3_sum REAL NOT NULL, pm10_ugm3_min REAL, pm10_ugm3_max REAL,
    supply_voltage_v_n INTEGER NOT NULL, supply_voltage_v_sum REAL NOT NULL, supply_voltage_v_min REAL, supply_voltage_v_max REAL,
    PRIMARY KEY (resolution_s, station_key, at_ms)
) WITHOUT ROWID;

CREATE TABLE shed_ranges (
    id INTEGER PRIMARY KEY,
    stream_key INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE (stream_key, first_seq, last_seq)
);

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    stream_key INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    noticed_at_ms INTEGER NOT NULL,
    first_contact INTEGER NOT NULL
);

CREATE INDEX gaps_by_stream ON gaps (stream_key, first_seq);

CREATE TABLE rejects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    gateway TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload_head BLOB NOT NULL,
    at_ms INTEGER NOT NULL
);

CREATE TABLE reject_counts (
    gateway TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (gateway, reason)
) WITHOUT ROWID;

CREATE TABLE frames (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at_ms INTEGER NOT NULL,
    computed_at_ms INTEGER NOT NULL,
    meta TEXT NOT NULL
);
