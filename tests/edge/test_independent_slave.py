"""A slave that none of us wrote: pymodbus serves registers on a pseudo terminal, our bus reads them."""

import asyncio
import contextlib
import os
import threading
import tty

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from contract.profiles import Profile, Readable, Register
from tests.edge.test_bus import polling

PROFILE = Profile(
    name="independent",
    title="",
    source=(),
    function=4,
    register=(
        Register("air_temperature_degc", 10, "s16", 0.1),
        Register("air_pressure_hpa", 11, "u32", 0.01),
        Register("wind_speed_ms", 0, "f32", function=3),
    ),
    readable=(Readable(10, 12), Readable(0, 1, function=3)),
    response_time_max_s=0.5,
)


@contextlib.contextmanager
def pymodbus_slave(units):
    """The path of a port on which pymodbus answers as these units."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    master, line = os.openpty()
    tty.setraw(master)
    tty.setraw(line)
    stop = threading.Event()
    bridge = threading.Thread(target=_bridge, args=(ours, master, stop))
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve():
        registers = [
            SimData(0, values=[0x4060, 0x0000], datatype=DataType.REGISTERS),
            SimData(10, values=[0xFF9C, 0x0001, 0x8B9E], datatype=DataType.REGISTERS),
        ]
        server = ModbusSerialServer(
            [SimDevice(unit, simdata=registers) for unit in units],
            port=os.ttyname(theirs),
            baudrate=115_200,
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        started.set()
        await asyncio.to_thread(stop.wait)
        await server.shutdown()

    server_thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    bridge.start()
    server_thread.start()
    try:
        assert started.wait(10.0)
        yield os.ttyname(line)
    finally:
        stop.set()
        server_thread.join()
        bridge.join()
        loop.close()
        for descriptor in (ours, theirs, master, line):
            os.close(descriptor)


def _bridge(one, other, stop):
    """Carries bytes between two pseudo terminals, as a wire does."""
    import select

    while not stop.is_set():
        for source in select.select([one, other], [], [], 0.05)[0]:
            os.write(other if source == one else one, os.read(source, 4096))


def test_pymodbus_is_read_by_our_bus():
    with pymodbus_slave([3, 4]) as port, polling(port, [3, 4, 9], profile=PROFILE, interval_s=0.5) as (bus, sink):
        sink.wait(lambda sweeps: {"s3", "s4"} <= {sample.station for _, samples in sweeps for sample in samples})
    for station in ("s3", "s4"):
        sample = sink.samples(station)[0]
        assert sample.values == {
            "air_temperature_degc": -10.0,
            "air_pressure_hpa": pytest.approx(1012.78),
            "wind_speed_ms": 3.5,
        }
        assert sample.flags == {}
    # For a unit it does not serve, pymodbus answers with an exception of its own.
    assert bus.health()[2].last_error == "exception_4"
    assert sink.samples("s9") == []
