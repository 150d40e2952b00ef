"""Surfaces and prepared cities come back from disk as they were, or not at all."""

import zipfile
import zlib

import numpy as np
import pytest

from central.heat.step import Weather, step
from central.simulation.cityfile import load_city, load_surface, save_city, save_surface
from contract.errors import UserError
from tests.central.heat.conftest import sun_over_kumagaya


@pytest.fixture
def city_path(tmp_path, small_city):
    path = tmp_path / "small.city"
    save_city(path, small_city)
    return path


def test_a_surface_comes_back(tmp_path, small_surface):
    path = tmp_path / "surface.npz"
    save_surface(path, small_surface)
    again = load_surface(path)
    for name in ("dsm", "dem", "cdsm"):
        assert (getattr(again, name) == getattr(small_surface, name)).all()
    assert (again.pixel_size_m, again.lat, again.lon, again.altitude_m) == (
        small_surface.pixel_size_m,
        small_surface.lat,
        small_surface.lon,
        pytest.approx(small_surface.altitude_m),
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_city_comes_back_and_steps_to_the_same_maps(city_path, small_city):
    again = load_city(city_path)
    weather, sun = Weather(36.0, 40.0, 2.0, 800.0), sun_over_kumagaya("2018-07-23T11:00+09:00")
    for one, other in zip(
        vars(step(small_city, weather, sun)).values(), vars(step(again, weather, sun)).values(), strict=True
    ):
        assert (one == other).all()
    assert (again.is_ground == small_city.is_ground).all()
    assert again.shape == small_city.shape


def test_a_loaded_city_lies_on_pages_and_leaves_the_file_alone(city_path):
    before = city_path.read_bytes()
    city = load_city(city_path)
    assert city.blocked.ctypes.data % 4096 == 0
    city.sky_view_padded[0, 0] = -1.0
    assert city_path.read_bytes() == before


def test_saving_again_replaces_the_file_whole(city_path, small_city):
    save_city(city_path, small_city)
    assert [path.name for path in city_path.parent.iterdir()] == [city_path.name]
    assert load_city(city_path).shape == small_city.shape


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "is not a prepared city"),
        (lambda data: b"PK" + data[2:], "is not a prepared city"),
        (lambda data: data[:8] + b"\x07" + data[9:], "is of version 7, this program reads version"),
        (lambda data: data[: len(data) // 2], "is cut short: array"),
        (lambda data: flipped(data, len(data) // 2), "is damaged: checksum of array"),
        (lambda data: flipped(data, 60), "is damaged: checksum of the header differs"),
        (lambda data: data[:30], "is damaged: checksum of the header differs"),
    ],
)
def test_damage_is_found_and_named(city_path, damage, message):
    city_path.write_bytes(damage(city_path.read_bytes()))
    with pytest.raises(UserError, match=message) as refusal:
        load_city(city_path)
    assert str(city_path) in str(refusal.value)


def test_a_missing_city_and_a_full_folder_are_the_users_to_mend(tmp_path, small_city):
    with pytest.raises(UserError, match="no such file"):
        load_city(tmp_path / "none.city")
    with pytest.raises(UserError, match="cannot be written"):
        save_city(tmp_path / "none" / "some.city", small_city)


def surface_arrays(**changed):
    flat = np.zeros((10, 10), dtype=np.float32)
    arrays = {"dsm": flat, "dem": flat, "cdsm": flat, "pixel_size": 2.0, "lat": 36.1, "lon": 139.4}
    return {name: value for name, value in {**arrays, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cdsm": None, "lat": None}, "lacks cdsm, lat"),
        ({"pixel_size": [1.0, 2.0]}, r"pixel_size has shape \(2,\)"),
        ({"lon": "east"}, "lon has shape"),
        ({"dsm": np.full((10, 10), np.nan)}, "dsm is nan m at row 0, column 0"),
        ({"dem": np.array([None] * 3, dtype=object)}, "cannot be read as npz"),
    ],
)
def test_a_surface_that_cannot_be_is_refused_with_file_and_field(tmp_path, changed, message):
    path = tmp_path / "wrong.npz"
    np.savez(path, **surface_arrays(**changed))
    with pytest.raises(UserError, match=message) as refusal:
        load_surface(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"height,\n3\n", "a text file"),
        ("高さ\n3\n".encode("shift_jis"), "a text file"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><CityModel/>', "XML"),
        (b"", "an empty file"),
        (b"KUMACITY\x02\0\0\0", "a prepared city"),
        (b"II*\0\x08\0\0\0", "a TIFF"),
        (b"\x1f\x8b\x08\0", "a gzip file"),
        (b"\x7fELF\x02\x01\x01\0", "some other file"),
        (b"\x80\x04N.", "some other file"),
    ],
)
def test_what_is_no_npz_is_told_by_what_it_is(tmp_path, content, kind):
    path = tmp_path / "surface.npz"
    path.write_bytes(content)
    with pytest.raises(UserError) as refusal:
        load_surface(path)
    assert str(refusal.value) == f"{path}: is {kind}, not an npz of arrays (make one with `kumagaya heat import`)"


def test_a_city_an_array_a_cut_npz_and_a_folder_are_no_surface(tmp_path, city_path):
    array, cut, foreign = tmp_path / "array.npz", tmp_path / "cut.npz", tmp_path / "foreign.npz"
    with array.open("wb") as file:
        np.save(file, np.zeros(4))
    np.savez_compressed(cut, **surface_arrays(dsm=np.random.default_rng(0).random((50, 50))))
    cut.write_bytes(cut.read_bytes()[:300])
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("dsm", "text")
    for path, message in (
        (city_path, "is a prepared city, not an npz"),
        (array, "is a single array, not an npz"),
        (cut, "cannot be read as npz: cut short, damaged"),
        (foreign, "dsm is no array"),
        (tmp_path, "cannot be read: Is a directory"),
    ):
        with pytest.raises(UserError, match=message) as refusal:
            load_surface(path)
        assert str(path) in str(refusal.value)
        assert "pickle" not in str(refusal.value)


def test_checksums_are_those_of_the_arrays(city_path, small_city):
    assert zlib.crc32(small_city.is_ground.tobytes()) in _numbers(city_path)


def _numbers(path):
    import json

    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    return {entry["crc32"] for entry in json.loads(data[20 : 20 + length])["arrays"]}
