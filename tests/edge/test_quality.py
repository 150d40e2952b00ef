"""Range, jump and stuck: each table is one station's history, (seconds, value, expected flag)."""

import pytest

from contract.quantities import Flag
from edge.quality import Quality

OK, RANGE, JUMP, STUCK = None, Flag.OUT_OF_RANGE, Flag.JUMP, Flag.STUCK
HOUR = 3600


@pytest.mark.parametrize(
    ("history", "quantity", "rows"),
    [
        ("range, both ends included", "relative_humidity_pct", [(0, 100.0, OK), (1, 100.1, RANGE), (2, -0.1, RANGE)]),
        ("a step within the limit", "air_temperature_degc", [(0, 30.0, OK), (60, 34.0, OK)]),
        ("a spike is one jump", "air_temperature_degc", [(0, 30.0, OK), (1, 41.0, JUMP), (2, 30.1, OK)]),
        ("a new level is believed", "air_temperature_degc", [(0, 30.0, OK), (1, 41.0, JUMP), (2, 41.1, OK)]),
        ("two spikes are two jumps", "air_temperature_degc", [(0, 30.0, OK), (1, 41.0, JUMP), (2, 20.0, JUMP)]),
        ("after a gap a jump says nothing", "air_temperature_degc", [(0, 30.0, OK), (70, 41.0, OK)]),
        ("a minute's poll that is late", "air_temperature_degc", [(0, 30.0, OK), (65, 41.0, JUMP)]),
        (
            "an impossible value is no neighbour",
            "air_temperature_degc",
            [(0, 30.0, OK), (1, 99.0, RANGE), (2, 30.5, OK)],
        ),
        ("rain may jump", "rain_accumulated_mm", [(0, 0.0, OK), (1, 500.0, OK)]),
        (
            "stuck for two hours",
            "air_temperature_degc",
            [
                (0, 30.0, OK),
                (HOUR, 30.0, OK),
                (2 * HOUR, 30.0, OK),
                (2 * HOUR + 1, 30.0, STUCK),
                (2 * HOUR + 2, 30.1, OK),
            ],
        ),
        ("calm wind is not stuck", "wind_speed_ms", [(0, 0.0, OK), (24 * HOUR, 0.0, OK)]),
        ("the clock was set back", "air_temperature_degc", [(1000, 30.0, OK), (10, 41.0, OK), (11, 41.0, OK)]),
    ],
)
def test_history(history, quantity, rows):
    quality = Quality()
    for second, value, expected in rows:
        flags = quality.check("s1", second * 1000, {quantity: value}, {})
        assert flags == ({} if expected is None else {quantity: expected}), f"{history}: {second} s"


def test_flags_of_the_device_stay_and_missing_values_are_not_judged():
    quality = Quality()
    flags = quality.check(
        "s1",
        0,
        {"air_temperature_degc": None, "wind_speed_ms": 99.0, "wind_gust_ms": 1.0},
        {"air_temperature_degc": Flag.MISSING},
    )
    assert flags == {"air_temperature_degc": Flag.MISSING, "wind_speed_ms": Flag.OUT_OF_RANGE}


def test_stations_do_not_disturb_each_other():
    quality = Quality()
    assert quality.check("s1", 0, {"air_temperature_degc": 10.0}, {}) == {}
    assert quality.check("s2", 1000, {"air_temperature_degc": 40.0}, {}) == {}
