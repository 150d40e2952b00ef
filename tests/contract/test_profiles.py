"""A profile is checked when it is read; reads are planned in few blocks that the device will answer."""

from pathlib import Path

import pytest

from contract.errors import UserError
from contract.profiles import Profile, Readable, Register, load_profile, load_profiles, plan_blocks

GOOD = """
name = "probe"
title = "A probe"
source = ["own example"]
function = 3
[[readable]]
first = 0
last = 300
[[register]]
quantity = "air_temperature_degc"
address = 0
type = "s16"
scale = 0.1
"""


def written(tmp_path: Path, text: str, name: str = "probe.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_profile_is_read(tmp_path):
    assert load_profile(written(tmp_path, GOOD)).register[0].quantity == "air_temperature_degc"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (
            ("air_temperature_degc", "air_temperature_degf"),
            "register[0].quantity: unknown quantity 'air_temperature_degf'",
        ),
        (("address = 0", "address = 70000"), "<= 65535"),
        (("address = 0", "adress = 0"), "adress"),
        (("address = 0", "address = 301"), "no readable range"),
        (("scale = 0.1", "scale = 0.0"), "scale is 0"),
        (("function = 3", "function = 6"), "6"),
        (('"s16"', '"s24"'), "s24"),
        (('name = "probe"', 'name = "other"'), "probe.toml"),
        (("last = 300", "last = -1"), "last"),
        (("[[register]]", "[[register"), "TOML"),
    ],
)
def test_a_broken_profile_is_refused_with_file_field_and_value(tmp_path, change, word):
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(UserError) as refusal:
        load_profile(path)
    assert "probe.toml" in str(refusal.value)
    assert word in str(refusal.value)
    assert "\n" not in str(refusal.value).strip()


def test_a_folder_without_profiles_says_so(tmp_path):
    with pytest.raises(UserError, match="no device profile"):
        load_profiles(tmp_path)


def profile(*addresses: int, readable=((0, 999),), type_="u16") -> Profile:
    names = ["air_temperature_degc", "relative_humidity_pct", "wind_speed_ms", "wind_direction_deg"]
    registers = tuple(Register(name, address, type_) for name, address in zip(names, addresses, strict=False))
    return Profile("p", "p", ("own",), 4, registers, tuple(Readable(*span) for span in readable))


@pytest.mark.parametrize(
    ("made", "blocks"),
    [
        (profile(0, 1, 2), [(0, 3)]),
        (profile(2, 0, 1), [(0, 3)]),
        (profile(0, 24), [(0, 25)]),
        (profile(0, 26), [(0, 1), (26, 1)]),
        (profile(0, 20, 40, 60), [(0, 61)]),
        (profile(0, 4, 8, type_="u32"), [(0, 10)]),
        (profile(0, 10, readable=((0, 5), (10, 20))), [(0, 1), (10, 1)]),
    ],
)
def test_reads_are_coalesced_but_never_across_what_the_device_refuses(made, blocks):
    assert [(block.address, block.count) for block in plan_blocks(made)] == blocks
    assert all(block.function == 4 for block in plan_blocks(made))


def test_a_block_never_grows_beyond_what_modbus_allows():
    made = profile(0, 60, 120, 180)
    assert [(block.address, block.count) for block in plan_blocks(made, gap_max=100)] == [(0, 121), (180, 1)]


def test_only_the_wanted_quantities_are_read():
    (block,) = plan_blocks(profile(0, 1, 2, 3), ["wind_speed_ms"])
    assert (block.address, block.count) == (2, 1)
