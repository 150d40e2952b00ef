"""A city prepared into its file is the city prepared in memory, also after it was cut off in between."""

import errno
import json
import os

import numpy as np
import pytest

from central.heat.geometry import prepared
from central.heat.step import Weather, step
from central.heat.surface import Surface
from central.simulation import cityfile, cityprepare
from central.simulation.cityfile import load_city
from central.simulation.cityprepare import prepare_city
from contract.errors import UserError
from tests.central.heat.conftest import sun_over_kumagaya


class CutOffError(Exception):
    """Stands for a crash."""


def maps(geometry):
    frame = step(geometry, Weather(36.0, 40.0, 2.0, 800.0), sun_over_kumagaya("2018-07-23T08:00+09:00"))
    return np.stack([frame.tmrt_degc, frame.utci_degc, frame.wbgt_degc, frame.shadow])


@pytest.fixture
def short_bands(monkeypatch):
    """Seams every 8 rows, in the middle of houses and shadows."""
    monkeypatch.setattr(prepared, "ROWS_PER_BAND", 8)


@pytest.mark.usefixtures("short_bands")
def test_bands_have_no_seams(tmp_path, small_surface, small_city):
    geometry = prepare_city(tmp_path / "small.city", small_surface)
    assert (geometry.blocked == small_city.blocked).all()
    assert (geometry.sky_view == small_city.sky_view).all()
    assert (geometry.openness_level == small_city.openness_level).all()
    assert (maps(geometry) == maps(small_city)).all()
    assert [path.name for path in tmp_path.iterdir()] == ["small.city"]
    assert (maps(load_city(tmp_path / "small.city")) == maps(small_city)).all()


@pytest.mark.usefixtures("short_bands")
def test_what_was_cut_off_goes_on_where_it_stopped(tmp_path, small_surface, small_city, monkeypatch):
    path = tmp_path / "small.city"

    cut_off(path, small_surface)
    assert not path.exists()
    looked = []
    see_sky = prepared.see_sky

    def watched(*arguments):
        looked.append(arguments[5])
        see_sky(*arguments)

    monkeypatch.setattr(prepared, "see_sky", watched)
    geometry = prepare_city(path, small_surface)
    assert looked == [40, 48, 56, 64]
    assert (maps(geometry) == maps(small_city)).all()


def cut_off(path, surface, after=0.5):
    """What a crash leaves."""

    def cut(share):
        if share > after:
            raise CutOffError

    with pytest.raises(CutOffError):
        prepare_city(path, surface, cut)


def rewrite_first_line(journal, **changed):
    first, *bands = journal.read_text().splitlines()
    head = {name: value for name, value in {**json.loads(first), **changed}.items() if value is not None}
    journal.write_text("\n".join([json.dumps(head), *bands]) + "\n")


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize(
    "damage",
    ["another city", "another version", "another program", "a program that named no version", "journal", "part"],
)
def test_what_another_city_or_program_or_a_fault_left_is_not_taken_up(tmp_path, small_surface, small_city, damage):
    path = tmp_path / "small.city"
    part, journal = tmp_path / ".small.city.part", tmp_path / ".small.city.journal"
    other = small_surface
    if damage == "another city":
        other = Surface(small_surface.dsm + 1, small_surface.dem + 1, small_surface.cdsm, 2.0, 36.0, 139.0)
    cut_off(path, other)
    part.write_bytes(b"\xff" * part.stat().st_size)  # bands that this program would never have made
    if damage == "another version":
        rewrite_first_line(journal, version=cityfile.VERSION - 1)
    if damage == "another program":
        rewrite_first_line(journal, program="0" * 24)
    if damage == "a program that named no version":
        rewrite_first_line(journal, version=None, program=None)
    if damage == "journal":
        journal.write_bytes(b"{\xff")
    if damage == "part":
        part.write_bytes(b"short")
    assert (maps(prepare_city(path, small_surface)) == maps(small_city)).all()


def test_bands_of_another_height_are_not_taken_up(tmp_path, small_surface, small_city, monkeypatch):
    path = tmp_path / "small.city"
    monkeypatch.setattr(prepared, "ROWS_PER_BAND", 8)
    cut_off(path, small_surface, after=0.0)
    monkeypatch.setattr(prepared, "ROWS_PER_BAND", 32)
    assert (maps(prepare_city(path, small_surface)) == maps(small_city)).all()


@pytest.mark.usefixtures("short_bands")
def test_a_journal_whose_last_line_was_cut_off_is_taken_up_twice(tmp_path, small_surface, small_city):
    path, journal = tmp_path / "small.city", tmp_path / ".small.city.journal"
    cut_off(path, small_surface, after=0.3)
    with journal.open("a") as file:
        file.write('{"ba')
    cut_off(path, small_surface, after=0.6)
    bands = [json.loads(line)["band"] for line in journal.read_text().splitlines()[1:] if line.endswith("}")]
    assert bands == [0, 8, 16, 24, 32, 40]
    assert (maps(prepare_city(path, small_surface)) == maps(small_city)).all()


@pytest.mark.usefixtures("short_bands")
def test_the_disk_gives_its_room_before_the_first_band(tmp_path, small_surface):
    cut_off(tmp_path / "small.city", small_surface, after=0.0)
    part = (tmp_path / ".small.city.part").stat()
    assert part.st_blocks * 512 >= part.st_size


def test_a_full_disk_is_told_in_a_line_and_nothing_is_left(tmp_path, small_surface, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"small\.city: cannot be written: No space left on device"):
        prepare_city(tmp_path / "small.city", small_surface)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("short_bands")
def test_what_a_full_disk_stops_later_can_be_taken_up(tmp_path, small_surface, monkeypatch):
    path, room = tmp_path / "small.city", os.posix_fallocate
    cut_off(path, small_surface)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match="No space left"):
        prepare_city(path, small_surface)
    monkeypatch.setattr(os, "posix_fallocate", room)
    looked = []
    monkeypatch.setattr(prepared, "see_sky", lambda *arguments: looked.append(arguments[5]))
    cut_off(path, small_surface, after=0.6)
    assert looked == [40]


def test_two_runs_do_not_prepare_one_file(tmp_path, small_surface, small_city):
    path, refused = tmp_path / "small.city", []

    def second(share):
        if share == 0.0:
            with pytest.raises(UserError) as refusal:
                prepare_city(path, small_surface)
            refused.append(str(refusal.value))

    geometry = prepare_city(path, small_surface, second)
    assert refused == [f"{path}: another run prepares this file (wait until it is done)"]
    assert (maps(geometry) == maps(small_city)).all()
    assert [left.name for left in tmp_path.iterdir()] == ["small.city"]


def test_a_stop_before_the_first_band_leaves_nothing(tmp_path, small_surface):
    cut_off(tmp_path / "small.city", small_surface, after=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_is_in_the_way_is_the_users_to_mend(tmp_path, small_surface):
    with pytest.raises(UserError, match="cannot be written"):
        prepare_city(tmp_path / "none" / "small.city", small_surface)
    with pytest.raises(UserError, match="cannot be written: it is a folder"):
        prepare_city(tmp_path, small_surface)


def test_the_digest_tells_surfaces_apart(small_surface):
    raised = Surface(small_surface.dsm + 1, small_surface.dem + 1, small_surface.cdsm, 2.0, 36.139, 139.389)
    assert cityprepare.surface_digest(raised) != cityprepare.surface_digest(small_surface)
