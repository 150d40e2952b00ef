"""A city prepared into its file is the city prepared in memory, also after it was cut off in between."""

import numpy as np
import pytest

from central.heat.geometry import prepared
from central.heat.step import Weather, step
from central.heat.surface import Surface
from central.simulation import cityprepare
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

    def cut(share):
        if share > 0.5:
            raise CutOffError

    with pytest.raises(CutOffError):
        prepare_city(path, small_surface, cut)
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


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("damage", ["another city", "journal", "part"])
def test_what_another_city_or_a_fault_left_is_not_taken_up(tmp_path, small_surface, small_city, damage):
    path = tmp_path / "small.city"
    other = small_surface
    if damage == "another city":
        other = Surface(small_surface.dsm + 1, small_surface.dem + 1, small_surface.cdsm, 2.0, 36.0, 139.0)

    def cut(share):
        if share > 0.5:
            raise CutOffError

    with pytest.raises(CutOffError):
        prepare_city(path, other, cut)
    if damage == "journal":
        path.with_name(".small.city.journal").write_text("{")
    if damage == "part":
        path.with_name(".small.city.part").write_bytes(b"short")
    assert (maps(prepare_city(path, small_surface)) == maps(small_city)).all()


def test_a_folder_that_is_not_there_is_the_users_to_mend(tmp_path, small_surface):
    with pytest.raises(UserError, match="cannot be written"):
        prepare_city(tmp_path / "none" / "small.city", small_surface)


def test_the_digest_tells_surfaces_apart(small_surface):
    raised = Surface(small_surface.dsm + 1, small_surface.dem + 1, small_surface.cdsm, 2.0, 36.139, 139.389)
    assert cityprepare.surface_digest(raised) != cityprepare.surface_digest(small_surface)
