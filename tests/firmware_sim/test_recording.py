"""Measured weather: what the files say, gaps and faults included, and clear words for files that are wrong."""

import datetime as dt
import gzip

import pytest

from contract.errors import UserError
from firmware_sim.config import LineConfig, SimConfig, StationConfig, WeatherConfig
from firmware_sim.recording import ReplayWeather, dew_point_degc
from firmware_sim.recording_files import load_recording, series_span
from firmware_sim.weather_sources import assign, weather_for
from tests.firmware_sim.builders import FixedWeather
from tests.shared import shared_path

JST = dt.timezone(dt.timedelta(hours=9))


def moment_ms(*when, zone=dt.UTC):
    return round(dt.datetime(*when, tzinfo=zone).timestamp() * 1000)


def write(tmp_path, text, name="measured.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


OWN = """at,station,air_temperature_degc,wind_direction_deg
2018-07-23T14:00+09:00,kmg-01,40.0,350
2018-07-23T14:00+09:00,kmg-02,39.0,10
2018-07-23T14:01+09:00,kmg-01,41.0,20
2018-07-23T14:01+09:00,kmg-02,,20
2018-07-23T14:02+09:00,kmg-01,40.5,30
2018-07-23T14:02+09:00,kmg-02,39.5,30
2018-07-23T14:30+09:00,kmg-01,40.2,40
2018-07-23T14:30+09:00,kmg-02,39.2,40
"""
T0 = moment_ms(2018, 7, 23, 14, zone=JST)


def test_our_own_table_is_read_by_station(tmp_path):
    recording = load_recording(write(tmp_path, OWN))
    assert list(recording.series) == ["kmg-01", "kmg-02"]
    assert recording.span_ms == (T0, T0 + 30 * 60_000)
    assert recording.series["kmg-01"].step_ms == 60_000
    assert recording.gaps == {"air_temperature_degc": 1}
    assert series_span(write(tmp_path, OWN)) == (T0, T0 + 30 * 60_000)


REPLAYED = [
    # seconds after 14:00, between, temperature, direction
    (-1, "linear", None, None),
    (0, "linear", 40.0, 350.0),
    (30, "linear", 40.5, 5.0),
    (30, "hold", 40.0, 350.0),
    (60, "linear", 41.0, 20.0),
    (150, "linear", 40.5, 30.0),
    (181, "linear", None, None),
    (29 * 60, "hold", None, None),
    (30 * 60, "hold", 40.2, 40.0),
    (32 * 60, "hold", None, None),
]


@pytest.mark.parametrize(("second", "between", "temperature", "direction"), REPLAYED)
def test_between_rows_values_are_held_or_joined_and_gaps_stay_gaps(tmp_path, second, between, temperature, direction):
    series = load_recording(write(tmp_path, OWN)).series["kmg-01"]
    sample = ReplayWeather(series, between=between).at(T0 + second * 1000)
    assert sample == {
        "air_temperature_degc": pytest.approx(temperature),
        "wind_direction_deg": pytest.approx(direction),
    }


def test_a_missing_value_is_nothing_until_the_next_row(tmp_path):
    weather = ReplayWeather(load_recording(write(tmp_path, OWN)).series["kmg-02"])
    assert weather.at(T0 + 90_000)["air_temperature_degc"] is None
    assert weather.at(T0 + 90_000)["wind_direction_deg"] == 25.0
    assert weather.at(T0 + 30_000)["air_temperature_degc"] == 39.0


def test_what_the_series_never_has_comes_from_the_model_or_not_at_all(tmp_path):
    series = load_recording(write(tmp_path, OWN)).series["kmg-01"]
    model = FixedWeather(
        air_pressure_hpa=1003.0, air_temperature_degc=20.0, dew_point_degc=18.0, relative_humidity_pct=88.0
    )
    filled = ReplayWeather(series, fill=model).at(T0)
    assert filled["air_pressure_hpa"] == 1003.0
    assert filled["air_temperature_degc"] == 40.0
    # The humidity goes with the measured temperature, not with the model's.
    assert filled["relative_humidity_pct"] == pytest.approx(28.0, abs=1.0)
    in_gap = ReplayWeather(series, fill=model).at(T0 + 20 * 60_000)
    assert in_gap["air_temperature_degc"] is None
    assert in_gap["relative_humidity_pct"] is None
    assert in_gap["air_pressure_hpa"] == 1003.0
    assert "air_pressure_hpa" not in ReplayWeather(series).at(T0)


def test_companions_of_measured_values_follow_them(tmp_path):
    text = (
        "at,station,global_radiation_wm2,air_temperature_degc,relative_humidity_pct,wind_speed_ms\n"
        "2018-07-23T14:00Z,s,800,30,50,2\n2018-07-23T14:01Z,s,,,,\n2018-07-23T14:02Z,s,800,30,50,2\n"
    )
    series = load_recording(write(tmp_path, text)).series["s"]
    model = FixedWeather(illuminance_lx=1.0, dew_point_degc=1.0, wind_speed_ms=1.0, wind_gust_ms=1.5)
    weather = ReplayWeather(series, fill=model)
    sample = weather.at(moment_ms(2018, 7, 23, 14))
    assert sample["illuminance_lx"] == 92_000.0
    assert sample["dew_point_degc"] == pytest.approx(18.4, abs=0.1)
    assert sample["wind_gust_ms"] == 3.0
    gap = weather.at(moment_ms(2018, 7, 23, 14, 1))
    assert (gap["illuminance_lx"], gap["dew_point_degc"], gap["wind_gust_ms"]) == (None, None, None)
    assert dew_point_degc(20.0, 0.0) is None


def test_time_can_be_shifted_and_looped(tmp_path):
    recording = load_recording(write(tmp_path, OWN))
    series = recording.series["kmg-01"]
    day_ms = 86_400_000
    assert ReplayWeather(series, shift_ms=-day_ms).at(T0 + day_ms)["air_temperature_degc"] == 40.0
    looped = ReplayWeather(series, loop_ms=recording.span_ms)
    assert looped.at(T0 + 31 * 60_000)["air_temperature_degc"] == 40.0
    assert looped.at(T0 + 31 * 60_000 * 100 + 60_000)["air_temperature_degc"] == 41.0


def station(name, follows=None):
    return StationConfig(name, 1, "renke_rs_fsxcs", series_station=follows)


def test_stations_follow_the_series_of_their_name_the_one_they_wish_or_the_nearest_free_one(tmp_path):
    rows = "".join(f"2018-07-23T14:00Z,{name},30\n" for name in ("far", "kmg-02", "near", "nearest"))
    path = write(tmp_path, "at,station,air_temperature_degc\n" + rows)
    write(tmp_path, "station,lat,lon\nfar,35,139\nnear,36.2,139.4\nnearest,36.14,139.39\n", "stations.csv")
    recording = load_recording(path)
    assert assign([station("kmg-01"), station("kmg-02"), station("kmg-03", "far"), station("kmg-04")], recording) == {
        "kmg-01": "nearest",
        "kmg-02": "kmg-02",
        "kmg-03": "far",
        "kmg-04": "near",
    }
    with pytest.raises(UserError, match="no series 'nowhere' for kmg-01"):
        assign([station("kmg-01", "nowhere")], recording)


def test_one_series_serves_all_stations(tmp_path):
    recording = load_recording(write(tmp_path, "at,station,air_temperature_degc\n2018-07-23T14:00Z,only,30\n"))
    assert set(assign([station("a"), station("b")], recording).values()) == {"only"}


def test_the_weather_section_makes_replayed_weather(tmp_path):
    path = write(tmp_path, OWN)
    config = SimConfig(
        directory=str(tmp_path),
        line=(LineConfig("line-a", (StationConfig("kmg-01", 1, "renke_rs_fsxcs"),)),),
        weather=WeatherConfig(source="replay", file=str(path), fill="none"),
    )
    assert weather_for(config)(config.line[0].station[0]).at(T0)["air_temperature_degc"] == 40.0


HEADER = "at,station,air_temperature_degc\n"
WRONG_FILES = [
    ("empty", "", "the file is empty"),
    ("blank", "\n\n", "the file is empty"),
    ("no rows", HEADER, "has no rows"),
    ("a poem", "The hottest day\nof the year\n", "no known weather file: its first line is 'The hottest day'"),
    ("no time", "station,air_temperature_degc\na,1\n", "line 1: the column 'at' is missing"),
    ("no station", "at,air_temperature_degc\n2018-07-23T14:00Z,1\n", "line 1: the column 'station' is missing"),
    ("unknown quantity", "at,station,temperature\n", "unknown quantity 'temperature'"),
    ("nothing measured", "at,station\n", "no quantity"),
    (
        "text in a number",
        HEADER + "2018-07-23T14:00Z,a,warm\n",
        "line 2, column air_temperature_degc: 'warm' is no number",
    ),
    ("infinite", HEADER + "2018-07-23T14:00Z,a,inf\n", "line 2, column air_temperature_degc: 'inf' is no number"),
    (
        "no zone",
        HEADER + "2018-07-23T14:00,a,1\n",
        "line 2, column at: '2018-07-23T14:00' is no time: its offset is missing",
    ),
    ("no time at all", HEADER + "yesterday,a,1\n", "line 2, column at: 'yesterday' is no time"),
    (
        "unsorted",
        HEADER + "2018-07-23T14:00Z,a,1\n2018-07-23T13:00Z,a,1\n",
        "line 3, column at: time '2018-07-23T13:00Z'",
    ),
    ("twice", HEADER + "2018-07-23T14:00Z,a,1\n2018-07-23T14:00Z,a,1\n", "does not come after the row before"),
    ("short row", HEADER + "2018-07-23T14:00Z,a\n", "line 2: has 2 fields, the first line 3"),
]


@pytest.mark.parametrize("wrong", WRONG_FILES, ids=lambda wrong: wrong[0])
def test_a_wrong_file_is_refused_in_one_line_that_says_where(tmp_path, wrong):
    _, text, words = wrong
    path = write(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load_recording(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_lenient_reading_counts_what_it_does_not_understand_as_gaps(tmp_path):
    text = HEADER + "2018-07-23T14:00Z,a,warm\n2018-07-23T14:01Z,a\n2018-07-23T14:02Z,a,30\n"
    recording = load_recording(write(tmp_path, text), lenient=True)
    assert recording.doubtful == 2
    assert recording.gaps == {"air_temperature_degc": 1}
    assert len(recording.series["a"].times_ms) == 2


def test_damaged_archives_and_foreign_bytes_are_refused(tmp_path):
    packed = gzip.compress((HEADER + "2018-07-23T14:00Z,a,30\n" * 1).encode())
    (tmp_path / "good.csv.gz").write_bytes(packed)
    assert list(load_recording(tmp_path / "good.csv.gz").series) == ["a"]
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(UserError, match="damaged or breaks off"):
        load_recording(tmp_path / "cut.csv.gz")
    (tmp_path / "latin.csv").write_bytes(b"at,station\xff\n")
    with pytest.raises(UserError, match="not UTF-8"):
        load_recording(tmp_path / "latin.csv")
    with pytest.raises(UserError, match="no such file"):
        load_recording(tmp_path / "absent.csv")
    with pytest.raises(UserError, match="cannot be read"):
        load_recording(tmp_path)


def test_a_stations_file_that_was_asked_for_must_be_right(tmp_path):
    path = write(tmp_path, OWN)
    with pytest.raises(UserError, match="needs the columns"):
        load_recording(path, stations_file=write(tmp_path, "a,b\n1,2\n", "places.csv"))
    with pytest.raises(UserError, match="line 2: lat or lon is no number"):
        load_recording(path, stations_file=write(tmp_path, "station,lat,lon\nkmg-01,north,2\n", "places.csv"))


def test_amounts_of_rain_become_the_count_of_a_gauge(tmp_path):
    text = (
        "obs_time_jst,amdno,temp_c,precip_1h_mm,temp_commit,temp_commit_time_jst\n"
        "2023-08-01T13:00+09:00,43056,30.0,0.5,x,y\n2023-08-01T14:00+09:00,43056,29.0,,x,y\n"
        "2023-08-01T15:00+09:00,43056,28.0,2.0,x,y\n"
    )
    series = load_recording(write(tmp_path, text)).series["43056"]
    weather = ReplayWeather(series, between="hold")
    at = moment_ms(2023, 8, 1, 13, zone=JST)
    gauge = [weather.at(at + hour * 3_600_000)["rain_accumulated_mm"] for hour in range(3)]
    assert gauge == [0.5, None, 2.5]
    assert weather.at(at)["rain_intensity_mmh"] == 0.5


def test_the_dtu_minutes_of_july_2018():
    path = shared_path("data/weather/dtu_1min_2018_07.csv.gz")
    recording = load_recording(path)
    [series] = recording.series.values()
    assert len(series.times_ms) == 44_640
    assert series.step_ms == 60_000
    assert recording.span_ms == (moment_ms(2018, 7, 1), moment_ms(2018, 7, 31, 23, 59))
    assert recording.gaps["air_temperature_degc"] == 19
    assert len(series.columns) == 8
    # The logger's zeros in July are faults of the instrument: they stay in.
    assert 0.0 in series.columns["air_temperature_degc"]
    weather = ReplayWeather(series)
    assert weather.at(moment_ms(2018, 7, 1))["air_pressure_hpa"] == 1017.0
    assert weather.at(moment_ms(2018, 7, 1, 0, 1))["wind_speed_ms"] == 2.2


def test_the_amedas_hours_of_2023():
    path = shared_path("data/weather/jma_amedas_hourly_kumagaya_area_2023.csv.gz")
    shared_path("data/weather/jma_amedas_stations_kumagaya_area.csv")
    recording = load_recording(path)
    assert len(recording.series) == 24
    assert recording.span_ms[0] == moment_ms(2023, 7, 13, 13, zone=JST)
    eight = assign([station(f"kmg-{index:02}") for index in range(1, 9)], recording)
    assert eight["kmg-01"] == "43056"
    assert len(set(eight.values())) == 8
    assert all("air_temperature_degc" in recording.series[name].columns for name in eight.values())
    # The month that was held out is a gap, not a month of the last value.
    weather = ReplayWeather(recording.series["43056"])
    assert weather.at(moment_ms(2023, 9, 1, zone=JST))["air_temperature_degc"] is None


def test_the_surfrad_day():
    path = shared_path("data/weather/surfrad_slv_1min_2016-01-01.dat.gz")
    recording = load_recording(path)
    assert list(recording.series) == ["Alamosa"]
    sample = ReplayWeather(recording.series["Alamosa"]).at(moment_ms(2016, 1, 1))
    assert sample == {
        "global_radiation_wm2": -1.8,
        "air_temperature_degc": -7.6,
        "relative_humidity_pct": 52.7,
        "wind_speed_ms": 3.1,
        "wind_direction_deg": 304.7,
        "air_pressure_hpa": 773.5,
    }
    assert len(recording.series["Alamosa"].times_ms) == 1440


SURFRAD_ROW = (
    " 2016   7  1  1  {time}  0.000  91.65    -1.8 0    -0.8 0     1.8 0     2.3 0   186.3 0    -5.7 0    -6.2 0   276.0 0    -6.3 0"
    "    -6.4 0 -9999.9 1 -9999.9 1    -1.0 0   -89.7 0   -90.7 0    {temp} 0    52.7 0     3.1 0   304.7 0   773.5 0\n"
)


def test_a_surfrad_day_of_our_own(tmp_path):
    head = " Nowhere\n   37.70  105.92 2317 m version 1\n"
    rows = SURFRAD_ROW.format(time="0  0", temp="-7.6") + SURFRAD_ROW.format(time="0  1", temp="-9999.9")
    series = load_recording(write(tmp_path, head + rows, "day.dat")).series["Nowhere"]
    weather = ReplayWeather(series)
    assert weather.at(moment_ms(2016, 1, 1))["air_temperature_degc"] == -7.6
    assert weather.at(moment_ms(2016, 1, 1, 0, 1))["air_temperature_degc"] is None
    with pytest.raises(UserError, match="line 3: has 3 fields"):
        load_recording(write(tmp_path, head + "1 2 3\n", "day.dat"))
    with pytest.raises(UserError, match=r"line 3: .* is no time"):
        load_recording(write(tmp_path, head + SURFRAD_ROW.format(time="25 0", temp="1"), "day.dat"))


def test_dtu_minutes_of_our_own(tmp_path):
    text = (
        "Time(utc),GHI,DNI,DHI,LWD,wind_speed_avg,wind_dir_avg,air_temperature,air_pressure,relative_humidity,"
        "rain_accumulation,rain_duration,rain_intensity\n"
        "2018-07-01 00:00:00,500.5,1,2,,1.7,164.0,15.2,1017.0,67.9,0.1,0.0,0.0\n"
        "2018-07-01 00:01:00,NaN,1,2,,1.7,164.0,,1017.0,67.9,0.2,0.0,0.0\n"
    )
    series = load_recording(write(tmp_path, text)).series[""]
    weather = ReplayWeather(series)
    assert weather.at(moment_ms(2018, 7, 1))["global_radiation_wm2"] == 500.5
    late = weather.at(moment_ms(2018, 7, 1, 0, 1))
    assert (late["global_radiation_wm2"], late["air_temperature_degc"]) == (None, None)
    assert late["rain_accumulated_mm"] == pytest.approx(0.3)
