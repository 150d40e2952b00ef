"""A supplied forecast: what counts, what is interpolated, and how each bad row is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.simulation.forecast.supplied import PROBLEMS_MAX, clearness_under, parse

HEADER = "valid_at,air_temperature_degc,relative_humidity_pct,wind_speed_ms,global_radiation_wm2,cloud_cover_pct\n"
KUMAGAYA = (36.139, 139.389)
JST_15_MS = 1_532_325_600_000
HOUR_MS = 3_600_000


def table(*rows, header=HEADER):
    return parse((header + "\n".join(rows)).encode(), KUMAGAYA)


def test_rows_in_any_order_with_empty_cells():
    supplied = table("2018-07-23T16:00+09:00,39,35,,,20", "2018-07-23T06:00Z,40.5,30,2.5,850,")
    assert supplied.problems == ()
    assert [hour.valid_ms for hour in supplied.hours] == [JST_15_MS, JST_15_MS + HOUR_MS]
    assert supplied.hours[1].values == {
        "air_temperature_degc": 39.0,
        "relative_humidity_pct": 35.0,
        "cloud_cover_pct": 20.0,
    }


def test_between_rows_values_are_interpolated_where_both_have_them():
    supplied = table("2018-07-23T15:00+09:00,40,30,2,,", "2018-07-23T17:00+09:00,38,40,,,")
    assert supplied.at(JST_15_MS + HOUR_MS) == {"air_temperature_degc": 39.0, "relative_humidity_pct": 35.0}
    assert supplied.at(JST_15_MS)["wind_speed_ms"] == 2.0
    assert supplied.at(JST_15_MS - 1) == {}
    assert supplied.at(JST_15_MS + 2 * HOUR_MS + 1) == {}


def test_rows_too_far_apart_are_not_joined():
    supplied = table("2018-07-23T15:00+09:00,40,30,2,,", "2018-07-23T19:00+09:00,38,40,,,")
    assert supplied.at(JST_15_MS + HOUR_MS) == {}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("noon,40,30,2,,", "line 2: valid_at: 'noon' is not an ISO 8601 time"),
        ("2018-07-23T15:00,40,30,2,,", "line 2: valid_at: '2018-07-23T15:00' has no offset from UTC, such as +09:00"),
        ("2018-07-23T15:00Z,hot,30,2,,", "line 2: air_temperature_degc: 'hot' is not a number"),
        ("2018-07-23T15:00Z,,30,2,,", "line 2: air_temperature_degc: missing"),
        ("2018-07-23T15:00Z,40,130,2,,", "line 2: relative_humidity_pct: 130 must lie in 1 .. 100"),
        ("2018-07-23T15:00Z,nan,30,2,,", "line 2: air_temperature_degc: nan must lie in -40 .. 50"),
        ("2018-07-23T15:00Z,40,30,2,,,,,", "line 2: 9 cells, the header has 6"),
        (
            "9999-12-31T23:00Z,40,30,2,900,",
            "line 2: valid_at: '9999-12-31T23:00Z' must lie in the years 1950 .. 2050",
        ),
        (
            "0001-01-01T00:00+14:00,40,,,,",
            "line 2: valid_at: '0001-01-01T00:00+14:00' must lie in the years 1950 .. 2050",
        ),
    ],
)
def test_a_bad_row_is_told_and_left_out(row, told):
    supplied = table(row, "2018-07-23T16:00Z,40,30,2,,")
    assert supplied.problems == (told,)
    assert (supplied.rows, len(supplied.hours)) == (2, 1)


def test_a_moment_twice():
    supplied = table("2018-07-23T15:00Z,40,,,,", "2018-07-24T00:00+09:00,41,,,,")
    assert supplied.hours[0].values["air_temperature_degc"] == 40.0
    assert supplied.problems == ("line 3: valid_at: a second row for this moment; the first counts",)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "line 1: the file is empty"),
        (
            b"time,temperature\n",
            "line 1: no column valid_at, air_temperature_degc; not known: time, temperature; the file is not used",
        ),
        (
            b"valid_at,air_temperature_degC\n",
            "line 1: no column air_temperature_degc; not known: air_temperature_degC; the file is not used",
        ),
        (
            b"valid_at,air_temperature_degc,wind_speed_ms,air_temperature_degc\n2018-07-23T15:00Z,40,2,35\n",
            "line 1: column air_temperature_degc is there more than once; the file is not used",
        ),
        (b"valid_at\xff", "byte 8: not UTF-8; save the table as UTF-8"),
    ],
)
def test_what_is_no_such_table(data, told):
    supplied = parse(data, KUMAGAYA)
    assert (supplied.hours, supplied.problems) == ((), (told,))


def test_a_column_of_another_name_is_told_and_the_others_count():
    supplied = table("2018-07-23T15:00Z,40,3.6,,", header="valid_at,air_temperature_degc,wind_speed_kmh,,a note\n")
    known = "valid_at, air_temperature_degc, relative_humidity_pct, wind_speed_ms, global_radiation_wm2, cloud_cover_pct, air_pressure_hpa"
    assert supplied.problems == (
        f"line 1: column wind_speed_kmh is not known and not read; known: {known}",
        f"line 1: column 'a note' is not known and not read; known: {known}",
    )
    assert [hour.values for hour in supplied.hours] == [{"air_temperature_degc": 40.0}]


def test_a_column_without_a_name_may_be_empty_but_not_hold_anything():
    header = "valid_at,air_temperature_degc,,\n"
    supplied = table("2018-07-23T15:00Z,40,,", "2018-07-23T16:00Z,40,,12", header=header)
    assert len(supplied.hours) == 1
    assert supplied.problems == ("line 3: '12' stands in a column without a name",)


@pytest.mark.parametrize(
    ("valid_at", "radiation_wm2", "told"),
    [
        ("2018-07-23T12:00+09:00", 1100, None),
        ("2018-07-23T16:54+09:00", 500, None),
        ("2018-07-23T16:54+09:00", 1300, "1300 must lie in 0 .. 551 with the sun 22 deg high"),
        ("2018-07-23T23:00+09:00", 0, None),
        ("2018-07-23T23:00+09:00", 40, "40 must lie in 0 .. 10 with the sun -33 deg high"),
    ],
)
def test_radiation_that_the_sun_cannot_give_is_told_and_the_rest_of_the_row_counts(valid_at, radiation_wm2, told):
    supplied = table(f"{valid_at},38,50,2,{radiation_wm2},40")
    (hour,) = supplied.hours
    if told is None:
        assert supplied.problems == ()
        assert hour.values["global_radiation_wm2"] == radiation_wm2
    else:
        assert supplied.problems == (f"line 2: global_radiation_wm2: {told}; it is not used, the rest of the row is",)
        assert hour.values == {
            "air_temperature_degc": 38.0,
            "relative_humidity_pct": 50.0,
            "wind_speed_ms": 2.0,
            "cloud_cover_pct": 40.0,
        }


def test_a_thousand_bad_rows_are_not_a_thousand_lines():
    supplied = table(*["x,1,,,,"] * 1000)
    assert len(supplied.problems) == PROBLEMS_MAX + 1
    assert supplied.problems[-1] == f"and {1000 - PROBLEMS_MAX} more"


def test_excel_writes_a_byte_order_mark_and_carriage_returns():
    data = ("\ufeff" + HEADER).replace("\n", "\r\n").encode() + b"2018-07-23T15:00+09:00,40,30,2,,\r\n"
    assert len(parse(data, KUMAGAYA).hours) == 1


@given(st.binary(max_size=300))
def test_rubbish_never_raises(data):
    parse(HEADER.encode() + data, KUMAGAYA)


def test_clouds_dim():
    assert clearness_under(0.0) == 1.0
    assert clearness_under(100.0) == pytest.approx(0.25)
