from datetime import timedelta
from pathlib import Path

import pytest

from contract.errors import UserError
from kumagaya.demo.options import Options, check, parse_start

GOOD = {
    "host": "127.0.0.1", "port": 8080, "data_dir": Path("x"), "city": None, "weather": None,
    "start": None, "speed": 60.0, "seed": 1, "faults": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": 0.0}, "--speed: is 0, must be more than 0 and at most 3600"),
        ({"speed": -1.0}, "--speed"),
        ({"speed": float("nan")}, "--speed"),
        ({"speed": 1e6}, "3600"),
        ({"port": 0}, "--port"),
        ({"port": 70_000}, "70000"),
        ({"city": Path("/nowhere/tile.gml")}, "--city /nowhere/tile.gml: no such file"),
        ({"walking": Path("/nowhere/osm.json")}, "--walking: needs a real city"),
        ({"city": Path("/"), "walking": Path("/nowhere/osm.json")}, "--walking /nowhere/osm.json: no such file"),
        ({"weather": Path("/nowhere/series.csv")}, "--weather /nowhere/series.csv: no such file"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_option(change, words):
    check(Options(**GOOD))
    with pytest.raises(UserError) as refusal:
        check(Options(**(GOOD | change)))
    assert words in str(refusal.value)


def test_a_start_without_an_offset_is_the_citys_time():
    assert parse_start("2018-07-23T10:00").utcoffset() == timedelta(hours=9)
    assert parse_start("2018-07-23T10:00+00:00").utcoffset() == timedelta(0)
    with pytest.raises(UserError, match="--start: 'noon' is no time"):
        parse_start("noon")
