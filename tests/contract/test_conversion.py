"""The same table is read by the edge and served by the simulator."""

import pytest

from contract.conversion import physical, raw_from_physical, raw_of, words_of
from contract.profiles import Register, WordOrder
from contract.quantities import Flag

HIGH, LOW = WordOrder.HIGH_FIRST, WordOrder.LOW_FIRST


def register(type_: str, scale: float = 1.0, **more) -> Register:
    return Register("air_temperature_degc", 0, type_, scale, **more)


ROWS = [
    # register, word order, words on the wire, value; the worked examples of the vendors' manuals among them
    (register("s16", 0.01), HIGH, (0x0AEE,), 27.98),
    (register("s16", 0.01), HIGH, (0xFF05,), -2.51),
    (register("u16", 0.01), HIGH, (0x1AB2,), 68.34),
    (register("u32", 0.01), HIGH, (0x0001, 0x87D5), 1003.09),
    (register("u32", 0.01), LOW, (0x87D5, 0x0001), 1003.09),
    (register("s32", 0.1), HIGH, (0xFFFF, 0xFF9C), -10.0),
    (register("f32"), HIGH, (0x4224, 0x6666), 41.1),
    (register("f32"), LOW, (0x6666, 0x4224), 41.1),
    (register("u16", 0.1, offset=-50.0), HIGH, (911,), 41.1),
]


@pytest.mark.parametrize(("made", "order", "words", "value"), ROWS)
def test_registers_and_values_are_two_spellings_of_one_thing(made, order, words, value):
    got, flag = physical(made, raw_of(made, order, words))
    assert flag is Flag.OK
    assert got == pytest.approx(value, abs=1e-5)
    assert words_of(made, order, raw_from_physical(made, value)) == words


@pytest.mark.parametrize(
    ("made", "raw", "flag"),
    [
        (register("s32", 0.1, invalid=(0x7FFFFFFF,)), 0x7FFFFFFF, Flag.MISSING),
        (register("s16", 0.1, invalid=(32767,)), 32767, Flag.MISSING),
        (register("s16", 0.1, raw_min=-500, raw_max=600), 601, Flag.DEVICE_ERROR),
        (register("s16", 0.1, raw_min=-500, raw_max=600), -501, Flag.DEVICE_ERROR),
        (register("f32"), 0x7FC00000, Flag.DEVICE_ERROR),
        (register("f32"), 0x7F800000, Flag.DEVICE_ERROR),
    ],
)
def test_what_is_no_measurement_has_no_value(made, raw, flag):
    assert physical(made, raw) == (None, flag)


def test_a_value_beyond_the_register_is_clamped_and_an_absent_one_is_the_devices_marker():
    assert raw_from_physical(register("u16"), 1e9) == 65535
    assert raw_from_physical(register("u16"), -5) == 0
    assert raw_from_physical(register("s16", invalid=(32767,)), None) == 32767
    assert raw_from_physical(register("u16"), float("nan")) == 0


def test_a_raw_number_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        words_of(register("s16"), HIGH, 40_000)
