"""The blended forecast: a default when young, the station's own day when not, and never worse than the obvious."""

import numpy as np
import pytest

from central.simulation.forecast.weather import (
    LIMITS,
    MS_PER_HOUR,
    QUANTITIES,
    History,
    climatology,
    default_shape,
    fit_shares,
    forecast,
    hour_of_day,
)

JST_14_MS = 1_532_322_000_000
NOTHING = History(JST_14_MS, {quantity: np.zeros(0) for quantity in QUANTITIES})
HOURS = [JST_14_MS + lead * MS_PER_HOUR for lead in range(1, 11)]


def past(days, quantity="air_temperature_degc", *, noise=0.0, seed=3, swing=6.0):
    """A sine of the day round 27 with anomalies that fade within half a day."""
    random = np.random.default_rng(seed)
    count = 24 * days
    begins_ms = JST_14_MS - (count - 1) * MS_PER_HOUR
    hours = np.array([hour_of_day(begins_ms + hour * MS_PER_HOUR) for hour in range(count)])
    anomaly = np.zeros(count)
    for hour in range(1, count):
        anomaly[hour] = 0.92 * anomaly[hour - 1] + noise * random.normal()
    return History(begins_ms, {quantity: 27.0 + swing * np.cos(2 * np.pi * (hours - 14) / 24) + anomaly})


class TestYoung:
    def test_the_shape_of_a_day_hangs_at_the_present(self):
        made = forecast(NOTHING, {"air_temperature_degc": 38.0}, JST_14_MS, HOURS)
        assert set(made) == {"air_temperature_degc"}
        values = made["air_temperature_degc"]
        assert abs(values[0] - 38.0) < 0.5
        assert np.all(np.diff(values[1:]) < 0.0)
        assert 30.0 < values[-1] < 35.0

    def test_dew_point_and_sky_stay(self):
        made = forecast(NOTHING, {"dew_point_degc": 21.0, "clearness": 0.7}, JST_14_MS, HOURS)
        assert made["dew_point_degc"].tolist() == [21.0] * 10
        assert made["clearness"].tolist() == [0.7] * 10

    def test_nothing_known_is_nothing_said(self):
        assert forecast(NOTHING, {"clearness": None}, JST_14_MS, HOURS) == {}

    def test_two_days_are_no_climatology(self):
        young = forecast(past(2, swing=12.0), {"air_temperature_degc": 38.0}, JST_14_MS, HOURS)
        assert young["air_temperature_degc"][-1] > 30.0


class TestWithAPast:
    def test_a_day_like_the_others_is_forecast_like_them(self):
        history = past(20)
        now = float(history.values["air_temperature_degc"][-1])
        made = forecast(history, {"air_temperature_degc": now}, JST_14_MS, HOURS)["air_temperature_degc"]
        expected = [27.0 + 6.0 * np.cos(2 * np.pi * (hour_of_day(at_ms) - 14) / 24) for at_ms in HOURS]
        assert made == pytest.approx(expected, abs=0.3)

    def test_an_anomaly_fades(self):
        history = past(30, noise=0.5)
        now = float(history.values["air_temperature_degc"][-1])
        usual = forecast(history, {"air_temperature_degc": now}, JST_14_MS, HOURS)["air_temperature_degc"]
        hotter = forecast(history, {"air_temperature_degc": now + 4.0}, JST_14_MS, HOURS)["air_temperature_degc"]
        left = hotter - usual
        assert 3.0 < left[0] <= 4.0
        assert 0.0 < left[-1] < 0.75 * left[0]

    def test_what_comes_later_is_not_looked_at(self):
        history = past(20, noise=0.5)
        cut = History(history.begins_ms, {name: values[:400] for name, values in history.values.items()})
        then_ms = history.begins_ms + 399 * MS_PER_HOUR
        valid_ms = [then_ms + 3 * MS_PER_HOUR]
        whole = forecast(history, {"air_temperature_degc": 30.0}, then_ms, valid_ms)
        assert (
            whole["air_temperature_degc"]
            == forecast(cut, {"air_temperature_degc": 30.0}, then_ms, valid_ms)["air_temperature_degc"]
        )

    def test_holes_in_the_past_do_no_harm(self):
        history = past(20, noise=0.5)
        values = history.values["air_temperature_degc"].copy()
        values[np.random.default_rng(1).random(len(values)) < 0.4] = np.nan
        values[-30:-2] = np.nan
        made = forecast(
            History(history.begins_ms, {"air_temperature_degc": values}),
            {"air_temperature_degc": 33.0},
            JST_14_MS,
            HOURS,
        )
        assert np.isfinite(made["air_temperature_degc"]).all()

    def test_it_beats_persistence_and_climatology(self):
        history = past(40, noise=0.6)
        values = history.values["air_temperature_degc"]
        errors = {"blend": [], "persistence": [], "climatology": []}
        for now in range(24 * 20, len(values) - 6):
            at_ms = history.begins_ms + now * MS_PER_HOUR
            told = History(history.begins_ms, {"air_temperature_degc": values[: now + 1]})
            (blend,) = forecast(told, {"air_temperature_degc": values[now]}, at_ms, [at_ms + 6 * MS_PER_HOUR])[
                "air_temperature_degc"
            ]
            table = climatology("air_temperature_degc", values[: now + 1], history.begins_ms)
            errors["blend"].append(blend - values[now + 6])
            errors["persistence"].append(values[now] - values[now + 6])
            errors["climatology"].append(table[hour_of_day(at_ms + 6 * MS_PER_HOUR)] - values[now + 6])
        rmse = {name: float(np.sqrt(np.mean(np.square(of)))) for name, of in errors.items()}
        assert rmse["blend"] < 0.9 * rmse["climatology"]
        assert rmse["blend"] < 0.5 * rmse["persistence"]


def test_shares_are_the_prior_where_the_past_says_nothing():
    flat = np.zeros(100)
    shares = fit_shares("wind_speed_ms", flat, flat)
    assert shares[0].tolist() == [1.0, 0.0]
    assert shares[6, 0] == pytest.approx(np.exp(-1.0))


def test_values_stay_within_what_can_be():
    made = forecast(NOTHING, {"air_temperature_degc": 47.9, "wind_speed_ms": 0.0}, JST_14_MS - 3 * MS_PER_HOUR, HOURS)
    for quantity, values in made.items():
        low, high = LIMITS[quantity]
        assert ((values >= low) & (values <= high)).all()


def test_the_default_day_is_warmest_in_the_afternoon():
    hours = [default_shape("air_temperature_degc", JST_14_MS + lead * MS_PER_HOUR) for lead in range(24)]
    assert np.argmax(hours) in {0, 1}
