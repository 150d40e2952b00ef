"""Roll-ups against a plain recomputation from all readings, whatever the order they came in."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.store.door import Resolution
from central.store.rollup import COLUMNS, NAMES, columns
from central.store.sqlite import open_store
from contract.topics import Stream
from tests.central.store.making import CITY_NOW_MS, MINUTE_MS, FixedClock, batch, reading

HOUR_MS, DAY_MS, JST_MS = 3_600_000, 86_400_000, 9 * 3_600_000
START_MS = CITY_NOW_MS - CITY_NOW_MS % DAY_MS

value = st.none() | st.floats(-40, 60, allow_nan=False, width=32)
one_reading = st.tuples(
    st.sampled_from(["kmg-01", "kmg-02"]),
    st.integers(0, 3 * DAY_MS),
    value,
    st.none() | st.floats(0, 360, width=32),
    st.booleans(),
)


def plain(rows, resolution):
    """(station, interval) -> (count, mean, min, max, direction), the slow and obvious way."""
    length_ms, offset_ms = {
        Resolution.MINUTE: (MINUTE_MS, 0),
        Resolution.HOUR: (HOUR_MS, 0),
        Resolution.DAY: (DAY_MS, JST_MS),
    }[resolution]
    groups: dict[tuple[str, int], list] = {}
    for station, at_ms, temperature, direction, flagged in rows:
        start = (START_MS + at_ms + offset_ms) // length_ms * length_ms - offset_ms
        groups.setdefault((station, start), []).append((None if flagged else temperature, direction))
    answer = {}
    for key, members in groups.items():
        good = np.array([temperature for temperature, _ in members if temperature is not None])
        angles = np.radians([direction for _, direction in members if direction is not None])
        vector = (np.sin(angles).sum(), np.cos(angles).sum())
        known = len(angles) > 0 and math.hypot(*vector) / len(angles) > 1e-5
        answer[key] = (
            len(members),
            *((good.mean(), good.min(), good.max()) if len(good) else (None, None, None)),
            math.degrees(math.atan2(*vector)) % 360 if known else None,
        )
    return answer


def close(got, expected):
    if got is None or expected is None:
        return got is expected
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-6)


def same_direction(got, expected):
    if got is None or expected is None:
        # Vectors that all but cancel out may fall on either side of "none".
        return got is expected or expected is None
    return 0 <= got <= 360 and abs((got - expected + 180) % 360 - 180) < 1e-3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(one_reading, min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_rollups_are_what_the_readings_say(tmp_path_factory, rows, cuts, order):
    items = [
        reading(
            seq,
            station,
            START_MS + at_ms,
            flags={"air_temperature_degc": "jump"} if flagged else None,
            air_temperature_degc=temperature,
            wind_direction_deg=direction,
        )
        for seq, (station, at_ms, temperature, direction, flagged) in enumerate(rows, 1)
    ]
    batches, start = [], 0
    while start < len(items):
        size = cuts[len(batches) % len(cuts)]
        batches.append(batch(*items[start : start + size]))
        start += size
    # Out of order, and some of them twice.
    batches += order.sample(batches, k=len(batches) // 2)
    order.shuffle(batches)
    store = open_store(tmp_path_factory.mktemp("rollup") / "central.db", FixedClock(CITY_NOW_MS))
    try:
        for each in batches:
            store.ingest_batch("gw", Stream.TELEMETRY, each)
        for resolution in (Resolution.MINUTE, Resolution.HOUR, Resolution.DAY):
            expected = plain(rows, resolution)
            seen = set()
            store.ingest([]).result(10)
            for station in ("kmg-01", "kmg-02"):
                page = store.readings(
                    station, 0, 2**42, resolution, quantities=["air_temperature_degc", "wind_direction_deg"]
                )
                for at_ms, mean, low, high, direction, count in page.rows:
                    truth = expected[station, at_ms]
                    seen.add((station, at_ms))
                    assert count == truth[0]
                    assert close(mean, truth[1])
                    assert close(low, truth[2])
                    assert close(high, truth[3])
                    assert same_direction(direction, truth[4])
            assert seen == set(expected)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("directions", "mean"), [([350.0, 10.0], 0.0), ([90.0, 180.0], 135.0), ([0.0, 180.0], None), ([270.0], 270.0)]
)
def test_directions_are_averaged_as_vectors(store, directions, mean):
    items = [reading(seq, at_ms=START_MS + seq, wind_direction_deg=each) for seq, each in enumerate(directions, 1)]
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*items)).result(5)
    ((_, got, _),) = store.readings("kmg-01", 0, 2**42, quantities=["wind_direction_deg"]).rows
    assert same_direction(got, mean)
    assert (got is None) == (mean is None)


def test_a_day_is_japans(store):
    last_second = START_MS + 15 * HOUR_MS - 1000  # 23:59:59 JST
    items = [reading(1, at_ms=last_second), reading(2, at_ms=last_second + 1000)]
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*items)).result(5)
    page = store.readings("kmg-01", 0, 2**42, Resolution.DAY)
    assert [row[0] for row in page.rows] == [START_MS - 9 * HOUR_MS, START_MS + 15 * HOUR_MS]


def test_a_flagged_value_stays_in_the_reading_and_out_of_the_mean(store):
    good, bad = (
        reading(1, air_temperature_degc=30.0),
        reading(2, flags={"air_temperature_degc": "stuck"}, air_temperature_degc=50.0),
    )
    store.ingest_batch("gw", Stream.TELEMETRY, batch(good, bad)).result(5)
    minute = store.readings("kmg-01", 0, 2**42, quantities=["air_temperature_degc"])
    assert minute.columns == (
        "at_ms",
        "air_temperature_degc",
        "air_temperature_degc_min",
        "air_temperature_degc_max",
        "readings",
    )
    assert [row[1:] for row in minute.rows] == [(30.0, 30.0, 30.0, 2)]
    raw = store.readings("kmg-01", 0, 2**42, Resolution.RAW, quantities=["air_temperature_degc"])
    assert [row[1:] for row in raw.rows] == [
        (30.0, None, None),
        (50.0, None, '{"air_temperature_degc":"stuck"}'),
    ]


def test_the_schema_has_a_column_for_every_quantity_of_the_contract(tmp_path):
    import sqlite3

    open_store(tmp_path / "central.db", FixedClock(0)).close()
    with sqlite3.connect(tmp_path / "central.db") as connection:
        readings = [row[1] for row in connection.execute("PRAGMA table_info(readings)")]
        rollups = [row[1] for row in connection.execute("PRAGMA table_info(rollups)")]
    connection.close()
    assert readings[-len(NAMES) :] == list(NAMES)
    assert rollups[4:] == list(COLUMNS) == [column for name in NAMES for column in columns(name)]
