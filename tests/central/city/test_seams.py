"""Seams: the rasters are the same however a city is cut into tiles and however the work is cut into bands."""

import gzip
import re

import numpy as np
import pytest

from central.city import grid as grid_module
from central.city.load import load_city
from tests.central.city import gml
from tests.shared import shared_path

MEMBER = re.compile(r"<core:cityObjectMember>.*?</core:cityObjectMember>", re.DOTALL)


def parts_of(text, count, seed=5):
    """The document as `count` documents, each object in a random one of them."""
    head = text[: MEMBER.search(text).start()]
    members = MEMBER.findall(text)
    owner = np.random.default_rng(seed).integers(0, count, len(members))
    return [
        head + "".join(member for member, its in zip(members, owner, strict=True) if its == part) + "</core:CityModel>"
        for part in range(count)
    ]


def same(first, second):
    (city, surface), (other_city, other_surface) = first, second
    assert city.grid == other_city.grid
    for name in ("dsm", "dem", "cdsm"):
        assert np.array_equal(getattr(surface, name), getattr(other_surface, name)), name
    assert np.array_equal(city.land_cover, other_city.land_cover)
    assert city.buildings == other_city.buildings
    assert city.roads == other_city.roads
    assert city.trees == other_city.trees
    return True


def a_town():
    """Houses with and without heights and feet, a relief, roads, lots that overlap, plants: one text a theme."""
    chance = np.random.default_rng(11)
    houses, lots, plants, roads = [], [], [], []
    for k in range(80):
        east, north, size = 24.0 * (k % 10), 26.0 * (k // 10), float(chance.uniform(6, 16))
        ring, foot = gml.square(east, north, size), 20 + 0.01 * east + float(chance.uniform(0, 0.4))
        stated = gml.height(round(float(chance.uniform(4, 30)), 1)) if k % 3 else ""
        houses.append(gml.building(f"h{k}", stated, gml.lod0(ring), gml.lod1(ring, foot, foot + 5)))
        lots.append(
            gml.land_use(f"l{k}", gml.square(east - 3, north - 3, size + 9), str(chance.choice(["204", "203", "202"])))
        )
        plants.append(gml.tree(f"t{k}", gml.placed(east + 20, north + 20), height=4 + k % 9, crownDiameter=3 + k % 5))
        if k % 10 == 0:
            roads.append(gml.road(f"r{k}", [(0, north + 18, 0), (240, north + 18, 0), (240, north + 24, 0)]))
    nodes = {(i, j): (i * 40.0 - 20, j * 40.0 - 20, float(chance.uniform(19, 24))) for i in range(8) for j in range(7)}
    triangles = [
        corners
        for i in range(7)
        for j in range(6)
        for corners in (
            (nodes[i, j], nodes[i + 1, j], nodes[i + 1, j + 1]),
            (nodes[i, j], nodes[i + 1, j + 1], nodes[i, j + 1]),
        )
    ]
    reliefs = [gml.relief(*triangles[part::4]) for part in range(4)]
    return {
        theme: gml.document(*members)
        for theme, members in (
            ("bldg", houses), ("luse", lots), ("veg", plants), ("tran", roads), ("dem", reliefs)
        )
    }  # fmt: skip


@pytest.mark.parametrize("themes", [("bldg",), ("bldg", "dem"), ("bldg", "luse", "veg", "tran", "dem")])
def test_a_town_cut_into_tiles_is_the_same_town(tmp_path, themes):
    town = a_town()
    whole, cut = [], []
    for theme in themes:
        whole.append(gml.write(tmp_path, town[theme], f"whole_{theme}.gml"))
        for part, text in enumerate(parts_of(town[theme], 3)):
            cut.append(gml.write(tmp_path, text, f"{'cab'[part]}_{theme}.gml"))
    assert same(load_city(whole), load_city(cut))
    assert same(load_city(whole), load_city(cut[::-1] + whole))  # and every object twice


def test_bands_change_nothing(tmp_path, monkeypatch):
    town = a_town()
    tiles = [gml.write(tmp_path, text, f"1_{theme}.gml") for theme, text in town.items()]
    at_once = load_city(tiles, pixel_size_m=1)
    monkeypatch.setattr(grid_module, "BAND_CELLS", 3000)
    assert sum(1 for _ in at_once[0].grid.bands()) > 10
    assert same(at_once, load_city(tiles, pixel_size_m=1))


@pytest.mark.parametrize("mesh", ["51357356", "51357363"])
def test_a_real_tile_cut_in_three_is_the_same_tile(tmp_path, mesh):
    whole, cut = [], []
    for theme in ("bldg", "tran"):
        path = shared_path(f"data/plateau/{mesh}_{theme}_6697_op.gml.gz")
        whole.append(path)
        for part, text in enumerate(parts_of(gzip.decompress(path.read_bytes()).decode(), 3)):
            cut.append(gml.write(tmp_path, text, f"{'cab'[part]}_{theme}.gml"))
    assert same(load_city(whole), load_city(cut))


def test_relief_tiles_that_overlap_are_the_same_in_any_order(tmp_path):
    houses = gml.write(tmp_path, gml.document(gml.house("a"), gml.house("b", 80, 80)), "1_bldg.gml")
    flat = [(-50, -50, 5.0), (150, -50, 5.0), (0, 150, 5.0)]
    steep = [(-50, -50, 0.0), (150, -50, 9.0), (0, 150, 3.0)]
    first = gml.write(tmp_path, gml.document(gml.relief(flat)), "1_dem.gml")
    second = gml.write(tmp_path, gml.document(gml.relief(steep)), "2_dem.gml")
    renamed = gml.write(tmp_path, gml.document(gml.relief(flat)), "3_dem.gml")
    assert same(load_city([houses, first, second]), load_city([houses, second, renamed]))
