"""Every device profile, byte for byte: what stands in the manual is what comes over the line."""

import pytest

from contract.conversion import physical, raw_of
from contract.profiles import BLOCK_REGISTERS_MAX, load_profiles, plan_blocks
from contract.quantities import QUANTITIES, Flag
from firmware_sim.bank import RegisterBank
from firmware_sim.frames import ExceptionCode, WriteRequest
from tests.firmware_sim.builders import DEVICES, MIDDAY_MS, ask, bus, converse, profile, station, words_in

PROFILES = load_profiles(DEVICES)

# device, function, address, physical value, words on the line. The Seeed rows are the guide's own worked examples.
EXAMPLES = [
    ("seeed_orch_s4", 4, 0x0000, "air_temperature_degc", 27.98, [0x0AEE]),
    ("seeed_orch_s4", 4, 0x0000, "air_temperature_degc", -2.51, [0xFF05]),
    ("seeed_orch_s4", 4, 0x0001, "relative_humidity_pct", 68.34, [0x1AB2]),
    ("seeed_orch_s4", 4, 0x0002, "air_pressure_hpa", 1003.09, [0x0001, 0x87D5]),
    ("seeed_orch_s4", 4, 0x0004, "illuminance_lx", 391.680, [0x0005, 0xFA00]),
    ("thies_clima_sensor_us", 4, 0x88BD, "air_temperature_degc", 41.1, [0x0000, 411]),
    ("thies_clima_sensor_us", 4, 0x88BD, "air_temperature_degc", -5.2, [0xFFFF, 0xFFCC]),
    ("thies_clima_sensor_us", 4, 0x88BD, "air_temperature_degc", None, [0x7FFF, 0xFFFF]),
    ("thies_clima_sensor_us", 4, 0x88B9, "wind_speed_ms", None, [0xFFFF, 0xFFFF]),
    ("thies_clima_sensor_us", 4, 0x88C9, "air_pressure_hpa", 1003.25, [0x0001, 0x87E5]),
    ("thies_clima_sensor_us", 4, 0x88D7, "illuminance_lx", 98_300.0, [0x0000, 983]),
    ("thies_clima_sensor_us", 4, 0x8911, "rain_accumulated_mm", 12.345, [0x0000, 12345]),
    ("thies_clima_sensor_us", 4, 0x8911, "rain_accumulated_mm", 1012.345, [0x0000, 12345]),
    ("thies_clima_sensor_us", 4, 0x8913, "global_radiation_wm2", -1.5, [0xFFFF, 0xFFF1]),
    ("renke_rs_fsxcs", 3, 500, "wind_speed_ms", 12.5, [125]),
    ("renke_rs_fsxcs", 3, 503, "wind_direction_deg", 271.0, [271]),
    ("renke_rs_fsxcs", 3, 505, "air_temperature_degc", -10.1, [0xFF9B]),
    ("renke_rs_fsxcs", 3, 505, "air_temperature_degc", None, [0]),
    ("renke_rs_fsxcs", 3, 509, "air_pressure_hpa", 1013.0, [1013]),
    ("renke_rs_fsxcs", 3, 510, "illuminance_lx", 70_000.0, [0x0001, 0x1170]),
    ("renke_rs_fsxcs", 3, 515, "global_radiation_wm2", -1.5, [0]),
    ("vaisala_wxt530", 4, 0x001F, "air_temperature_degc", 41.1, [411]),
    ("vaisala_wxt530", 4, 0x001F, "air_temperature_degc", None, [32767]),
    ("vaisala_wxt530", 4, 0x0012, "wind_direction_deg", 359.97, [3599]),
    ("vaisala_wxt530", 4, 0x000E, "air_pressure_hpa", 1003.2, [10032]),
    ("lambrecht_meteo", 4, 30401, "air_temperature_degc", -0.5, [0xFFFB]),
    ("lambrecht_meteo", 4, 30401, "air_temperature_degc", None, [0xD8F1]),
    ("lambrecht_meteo", 4, 31101, "rain_accumulated_mm", 70.0, [0x0001, 0x1170]),
    ("lambrecht_meteo", 4, 31101, "rain_accumulated_mm", None, [0xFF67, 0x6981]),
    ("lambrecht_meteo", 4, 31201, "rain_intensity_mmh", 30.0, [500]),
    ("elsner_p03_modbus", 4, 0, "air_temperature_degc", 21.0, [210]),
    ("elsner_p03_modbus", 4, 5, "wind_speed_ms", 3.4, [34]),
    ("gill_maximet_gmx600", 3, 12, "air_temperature_degc", 41.0, [0x4224, 0x0000]),
    ("gill_maximet_gmx600", 3, 12, "air_temperature_degc", None, [0x7FFF, 0xFFFF]),
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_value_lies_in_the_registers_as_the_manual_says(example):
    device, function, address, quantity, value, words = example
    line = bus(station(device, unit=9, **{quantity: value}))
    [(_, frame)] = converse(line, ask(9, function, address, len(words)))
    assert words_in(frame) == words


@pytest.mark.parametrize("name", PROFILES)
def test_one_read_of_each_planned_block_brings_every_quantity_back(name):
    device = PROFILES[name]
    wanted = {
        register.quantity: {
            "air_pressure_hpa": 1003.0,
            "noise_level_db": 55.0,
            "illuminance_lx": 700.0,
            "rain_intensity_mmh": 6.0,
        }.get(register.quantity, 7.0)
        for register in device.register
    }
    line = bus(station(name, unit=1, **wanted))
    found = {}
    for block in plan_blocks(device):
        [(_, frame)] = converse(line, ask(1, block.function, block.address, block.count))
        words = words_in(frame)
        for register in block.registers:
            start = register.address - block.address
            raw = raw_of(register, device.word_order_of(register), tuple(words[start : start + register.registers]))
            found[register.quantity], flag = physical(register, raw)
            assert flag is Flag.OK
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("name", PROFILES)
def test_a_sensor_with_nothing_to_say_is_seen_as_missing_or_reads_zero(name):
    device = PROFILES[name]
    bank = RegisterBank(device)
    for register in device.register:
        words = bank.read(device.function_of(register), register.address, register.registers, {})
        value, flag = physical(register, raw_of(register, device.word_order_of(register), words))
        if register.invalid:
            assert (value, flag) == (None, Flag.MISSING)
        else:
            assert words == (0,) * register.registers


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_where_it_comes_from_and_fits_one_request(name):
    device = PROFILES[name]
    assert device.source
    assert device.notes
    assert all(register.quantity in QUANTITIES for register in device.register)
    assert all(block.count <= BLOCK_REGISTERS_MAX for block in plan_blocks(device))


def test_the_seeed_station_measures_neither_wind_nor_radiation():
    quantities = {register.quantity for register in profile("seeed_orch_s4").register}
    assert quantities == {"air_temperature_degc", "relative_humidity_pct", "air_pressure_hpa", "illuminance_lx"}


REFUSALS = [
    ("before the block", "renke_rs_fsxcs", 3, 499, 2, ExceptionCode.ILLEGAL_DATA_ADDRESS),
    ("past the block", "renke_rs_fsxcs", 3, 515, 2, ExceptionCode.ILLEGAL_DATA_ADDRESS),
    ("between two ranges", "vaisala_wxt530", 4, 0x0006, 6, ExceptionCode.ILLEGAL_DATA_ADDRESS),
    ("the other function", "renke_rs_fsxcs", 4, 500, 1, ExceptionCode.ILLEGAL_FUNCTION),
    ("holding registers it has not", "thies_clima_sensor_us", 3, 0x88B9, 1, ExceptionCode.ILLEGAL_FUNCTION),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_the_device_does_not_have_is_answered_with_an_exception(refusal):
    what, device, function, address, count, code = refusal
    [(_, frame)] = converse(bus(station(device)), ask(1, function, address, count))
    assert frame[:3] == bytes((1, function | 0x80, code)), what


def test_registers_inside_the_range_without_a_quantity_read_zero():
    [(_, frame)] = converse(bus(station(wind_speed_ms=3.0)), ask(1, 3, 500, 3))
    assert words_in(frame) == [30, 0, 0]


def test_identification_registers_tell_the_device():
    [(_, seeed)] = converse(bus(station("seeed_orch_s4")), ask(1, 4, 6, 1))
    [(_, vaisala)] = converse(bus(station("vaisala_wxt530")), ask(1, 4, 0, 1))
    assert words_in(seeed) == [4]
    assert words_in(vaisala)[0] >> 8 == 6


WRITES = [
    ("slave address", "seeed_orch_s4", WriteRequest(1, 6, 0x10, (14,)), None),
    ("address out of range", "seeed_orch_s4", WriteRequest(1, 6, 0x10, (248,)), ExceptionCode.ILLEGAL_DATA_VALUE),
    ("a measured value", "seeed_orch_s4", WriteRequest(1, 6, 0x00, (1,)), ExceptionCode.ILLEGAL_DATA_ADDRESS),
    ("many at once", "seeed_orch_s4", WriteRequest(1, 16, 0x10, (14,)), ExceptionCode.ILLEGAL_FUNCTION),
    ("many at once", "vaisala_wxt530", WriteRequest(1, 16, 2, (5, 5)), None),
    ("one good, one bad", "vaisala_wxt530", WriteRequest(1, 16, 2, (5, 11)), ExceptionCode.ILLEGAL_DATA_VALUE),
    ("nothing to write", "thies_clima_sensor_us", WriteRequest(1, 6, 0, (1,)), ExceptionCode.ILLEGAL_FUNCTION),
]


@pytest.mark.parametrize(("what", "device", "request_", "refusal"), WRITES)
def test_settings_are_written_where_the_device_has_them(what, device, request_, refusal):
    bank = RegisterBank(profile(device))
    before = bank.read(3, request_.address, len(request_.words), {})
    assert bank.write(request_) == refusal, what
    after = bank.read(3, request_.address, len(request_.words), {})
    assert after == (before if refusal else request_.words)


def test_low_word_first_devices_are_served_low_word_first(tmp_path):
    from contract.profiles import load_profile
    from firmware_sim.bus import Bus
    from firmware_sim.station import Station
    from firmware_sim.timing import LineTiming
    from tests.firmware_sim.builders import FixedWeather

    path = tmp_path / "swapped.toml"
    path.write_text(
        'name = "swapped"\ntitle = "t"\nsource = ["made up"]\nfunction = 3\nword_order = "low_first"\n'
        "[[readable]]\nfirst = 0\nlast = 3\n"
        '[[register]]\nquantity = "air_pressure_hpa"\naddress = 0\ntype = "u32"\nscale = 0.01\n'
        '[[register]]\nquantity = "illuminance_lx"\naddress = 2\ntype = "u32"\nword_order = "high_first"\n'
    )
    weather = FixedWeather(air_pressure_hpa=1003.09, illuminance_lx=70000.0)
    swapped = Station("s", 1, load_profile(path), weather)
    [(_, frame)] = converse(Bus("l", (swapped,), LineTiming(), lambda: MIDDAY_MS), ask(1, 3, 0, 4))
    assert words_in(frame) == [0x87D5, 0x0001, 0x0001, 0x1170]


def test_the_page_about_devices_lists_every_profile():
    page = (DEVICES.parents[1] / "docs" / "devices.md").read_text()
    assert [name for name in PROFILES if f"`{name}`" not in page] == []
