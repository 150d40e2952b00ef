"""Eight stations downtown: from their file, or spread over any other city."""

from pathlib import Path

import numpy as np
import pytest

from central.city.load import load_city
from central.city.model import LandCover
from central.city.stations import place_stations, read_stations, stations_for
from central.city.synthetic import synthetic_downtown
from contract.errors import UserError
from tests.central.city import gml

STATIONS = Path(__file__).resolve().parents[3] / "config" / "stations.toml"


@pytest.fixture(scope="module")
def downtown():
    return synthetic_downtown()


def test_the_eight_of_the_file_stand_on_open_ground_of_the_downtown(downtown):
    city, surface = downtown
    sites = read_stations(STATIONS)
    assert [site.id for site in sites] == [f"kmg-{k:02d}" for k in range(1, 9)]
    for site in sites:
        cell = city.cell_at(site.lat, site.lon)
        assert cell is not None, site
        assert LandCover(int(city.land_cover[cell])).name.lower() == site.surface, site
        assert surface.dsm[cell] == surface.dem[cell], site
        assert site.name_ja
        assert site.shade_ja


def test_only_the_park_station_stands_under_a_tree(downtown):
    city, surface = downtown
    shaded = [site.id for site in read_stations(STATIONS) if surface.cdsm[city.cell_at(site.lat, site.lon)] > 0]
    assert shaded == ["kmg-07"]


def some_city(tmp_path):
    houses = [gml.house(f"h{k}", 30.0 * (k % 15), 28.0 * (k // 15), size=14) for k in range(225)]
    return load_city(gml.write(tmp_path, gml.document(*houses)))


def test_stations_are_spread_over_another_city_and_stay_outdoors(tmp_path):
    city, surface = some_city(tmp_path)
    sites = place_stations(city)
    assert sites == place_stations(city)
    assert [site.id for site in sites] == [f"kmg-{k:02d}" for k in range(1, 9)]
    places = []
    for site in sites:
        row, column = city.cell_at(site.lat, site.lon)
        assert (surface.dsm == surface.dem)[row - 1 : row + 2, column - 1 : column + 2].all()
        places.append((row, column))
    apart = [np.hypot(a[0] - b[0], a[1] - b[1]) * 2.0 for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) > 80.0  # 440 m square: eight cells of an even spread have 155 m sides


def test_the_file_serves_its_own_town_and_its_ids_any_other(tmp_path, downtown):
    assert stations_for(downtown[0], STATIONS) == read_stations(STATIONS)
    city, _ = some_city(tmp_path)
    elsewhere = stations_for(city, STATIONS)
    assert [site.id for site in elsewhere] == [site.id for site in read_stations(STATIONS)]
    assert [(site.lat, site.lon) for site in elsewhere] == [(site.lat, site.lon) for site in place_stations(city)]


def test_another_number_can_be_asked_for(tmp_path):
    city, _ = some_city(tmp_path)
    assert len({(site.lat, site.lon) for site in place_stations(city, 20)}) == 20


def test_a_city_without_room_says_so(tmp_path):
    city, _ = load_city(gml.write(tmp_path, gml.document(gml.house("all", size=30))))
    with pytest.raises(UserError, match="outdoor cells for 300 stations"):
        place_stations(city, 300)


GOOD = 'id = "a"\nname_ja = "あ"\nname_en = "a"\nlat = 36.1\nlon = 139.4\nsurface = "grass"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no [[station]] table"),
        ("station = 3", "no [[station]] table"),
        ("[[station]\n", "no valid TOML"),
        ("[[station]]\n" + GOOD.replace("lat = 36.1\n", ""), "station 1: key 'lat' is missing"),
        ("[[station]]\n" + GOOD.replace("36.1", '"36.1"'), "lat = '36.1' is not a number"),
        ("[[station]]\n" + GOOD.replace("36.1", "361"), "no place on Earth"),
        ("[[station]]\n" + GOOD.replace("grass", "lava"), "surface = 'lava' is not known"),
        ("[[station]]\n" + GOOD + "height = 2\n", "unknown key 'height'"),
        ("[[station]]\n" + GOOD + "[[station]]\n" + GOOD, "station 2: id 'a' is used twice"),
    ],
)
def test_a_wrong_file_is_refused_by_station_and_key(tmp_path, text, expected):
    path = tmp_path / "stations.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_stations(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.toml: cannot be read"):
        read_stations(tmp_path / "nowhere.toml")
