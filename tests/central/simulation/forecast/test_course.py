"""The weather of the coming hours: told values as they were told, and no step where they begin or end."""

import math
from dataclasses import replace

import numpy as np
import pytest

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.forcing import Forcing, RadiationSource
from central.simulation.forecast.course import weather_of_moments
from central.simulation.forecast.history import dew_point_degc
from central.simulation.forecast.supplied import parse
from central.simulation.forecast.weather import FADING_H, MS_PER_HOUR, QUANTITIES, History

KUMAGAYA = (36.139, 139.389)
JST_14_MS = 1_532_322_000_000
TEN_MIN_MS = MS_PER_HOUR // 6
NOTHING = History(JST_14_MS, {quantity: np.zeros(0) for quantity in QUANTITIES})
NOW = Forcing(34.0, 50.0, 2.0, None, 700.0, 1003.0, RadiationSource.MEASURED, (), clearness=0.8)
HEADER = "valid_at,air_temperature_degc,relative_humidity_pct,wind_speed_ms,global_radiation_wm2,cloud_cover_pct\n"
UNTIL_MIDNIGHT = list(range(JST_14_MS + TEN_MIN_MS, JST_14_MS + 10 * MS_PER_HOUR + 1, TEN_MIN_MS))


def course(*rows, now=NOW, moments=UNTIL_MIDNIGHT):
    """Moment -> forcing and where it is from, with these rows (local hour of 23 July, then the cells) told."""
    lines = [f"2018-07-23T{hour:02d}:00+09:00,{cells}" for hour, cells in rows]
    supplied = parse((HEADER + "\n".join(lines)).encode(), KUMAGAYA)
    assert supplied.problems == ()
    made = weather_of_moments(NOTHING, now, JST_14_MS, moments, supplied=supplied if rows else None, place=KUMAGAYA)
    return dict(zip(moments, made, strict=True))


def at(hour):
    return JST_14_MS + round((hour - 14) * MS_PER_HOUR)


def temperatures(course):
    return np.array([forcing.air_temperature_degc for forcing, _ in course.values()])


def clear_wm2(at_ms, forcing):
    return clear_sky_wm2(
        sun_position(at_ms, *KUMAGAYA),
        forcing.air_temperature_degc,
        forcing.relative_humidity_pct,
        forcing.air_pressure_hpa,
    )


class TestTold:
    def test_air_above_50_hpa_stays_as_it_was_told(self):
        forcing, source = course((15, "38,90,2,,20"))[at(15)]
        assert (forcing.air_temperature_degc, forcing.relative_humidity_pct, source) == (38.0, 90.0, "supplied")

    @pytest.mark.parametrize("humidity_pct", [1, 38, 71.7, 100])
    def test_any_humidity_stays_as_it_was_told(self, humidity_pct):
        told = course((15, f"45,{humidity_pct},,,"))
        assert told[at(15)][0].relative_humidity_pct == humidity_pct

    @pytest.mark.parametrize(("hour", "radiation_wm2"), [(15, 612.5), (15, 990.0), (19, 12.5)])
    def test_radiation_stays_as_it_was_told(self, hour, radiation_wm2):
        """Also where clouds beside the sun add to it, and where the sky still glows after sunset."""
        assert course((hour, f"38,50,2,{radiation_wm2},"))[at(hour)][0].global_radiation_wm2 == radiation_wm2

    def test_between_two_rows_the_radiation_follows_the_sun(self):
        both = course((15, "38,50,2,,0"), (18, "38,50,2,,0"))
        for hour in (15, 16, 17, 18):
            forcing, _ = both[at(hour)]
            assert forcing.global_radiation_wm2 == pytest.approx(clear_wm2(at(hour), forcing), abs=0.2)

    def test_radiation_in_one_row_and_cloud_cover_in_the_next_are_one_sky(self):
        clear = clear_wm2(at(15), replace(NOW, air_temperature_degc=38.0))
        told = course((15, f"38,50,2,{clear / 2:.1f},"), (16, "38,50,2,,0"))
        forcing, _ = told[at(15.5)]
        assert forcing.global_radiation_wm2 / clear_wm2(at(15.5), forcing) == pytest.approx(0.75, abs=0.003)

    def test_a_light_evening_leaves_no_light_in_the_night(self):
        told = course((18, "38,50,2,150,"), (20, "35,50,2,0,"))
        assert told[at(18.5)][0].global_radiation_wm2 > 0.0
        assert [told[at(hour)][0].global_radiation_wm2 for hour in (19.5, 20, 22)] == [0.0, 0.0, 0.0]


class TestBesideWhatIsTold:
    def test_with_nothing_told_it_is_the_blend(self):
        assert {source for _, source in course().values()} == {"blended"}

    def test_behind_the_last_row_the_error_fades_as_an_anomaly_does(self):
        blend, told = course(), course((17, "40,50,2,,"), (18, "40,50,2,,"))
        error_k = 40.0 - blend[at(18)][0].air_temperature_degc
        assert error_k > 5.0
        for hour in (18 + 1 / 6, 19, 21, 24):
            left_k = told[at(hour)][0].air_temperature_degc - blend[at(hour)][0].air_temperature_degc
            assert left_k == pytest.approx(
                error_k * math.exp(-(hour - 18) / FADING_H["air_temperature_degc"]), abs=0.02
            )
            assert told[at(hour)][1] == "blended"

    def test_every_quantity_fades_with_its_own_time(self):
        blend, told = course(), course((16, "34,70,9,,100"))

        def left(hour):
            (with_row, _), (without, _) = told[at(hour)], blend[at(hour)]
            return {
                "dew_point_degc": dew_point_degc(with_row.air_temperature_degc, with_row.relative_humidity_pct)
                - dew_point_degc(without.air_temperature_degc, without.relative_humidity_pct),
                "wind_speed_ms": with_row.wind_speed_ms - without.wind_speed_ms,
                "clearness": with_row.global_radiation_wm2 / clear_wm2(at(hour), with_row)
                - without.global_radiation_wm2 / clear_wm2(at(hour), without),
            }

        at_row, behind = left(16), left(18)
        for quantity, error in at_row.items():
            assert abs(error) > 0.3
            assert behind[quantity] / error == pytest.approx(math.exp(-2 / FADING_H[quantity]), abs=0.02)

    @pytest.mark.parametrize(
        "rows",
        [
            [(15, "42,50,2,,"), (18, "42,50,2,,")],
            [(15, "42,50,2,,"), (20, "41,50,2,,")],
            [(19, "41,50,2,,")],
            [(11, "44,50,2,,"), (13, "44,50,2,,")],
        ],
        ids=["ends", "hole", "begins", "over"],
    )
    def test_nowhere_a_step(self, rows):
        told = course(*rows)
        values = np.array([NOW.air_temperature_degc, *temperatures(told)])
        # In ten minutes. From the present to a first row of 8 K more within an hour it has to hurry.
        assert np.abs(np.diff(values)).max() < 1.5
        assert np.abs(np.diff(values[6:])).max() < 0.4

    def test_what_ended_before_the_present_does_not_count_against_the_stations(self):
        over, blend = course((11, "44,50,2,,"), (13, "44,50,2,,")), course()
        assert np.array_equal(temperatures(over), temperatures(blend))

    def test_an_empty_cell_between_two_told_ones_is_pulled_from_both_sides(self):
        told = course((15, "36,50,8,,"), (16, "36,50,,,"), (17, "36,50,8,,"))
        assert 7.0 < told[at(16)][0].wind_speed_ms < 8.0

    def test_pulled_values_stay_within_what_can_be(self):
        told = course((15, "50,100,0,,100"), (16, "50,100,0,,100"))
        for forcing, source in told.values():
            assert 0.0 <= forcing.relative_humidity_pct <= 100.0
            if source == "blended":
                assert forcing.wind_speed_ms >= 0.1
                assert forcing.air_temperature_degc <= 48.0
