"""`kumagaya sim`: simulated hardware on pseudo terminals."""

import argparse
import json
import math
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError

if TYPE_CHECKING:
    from firmware_sim.city import City
    from firmware_sim.config import SimConfig

DEFAULT_DIRECTORY = "data/lines"
DEFAULT_CONFIG = "config/sim-city.toml"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sim", help="simulated hardware on pseudo terminals")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    city = verbs.add_parser("city", help="all lines and stations of a city")
    city.add_argument("--config", type=Path, default=Path(DEFAULT_CONFIG), help=f"default: {DEFAULT_CONFIG}")
    city.add_argument(
        "--dir", type=Path, help="where ports and control socket appear, instead of the file's `directory`"
    )
    city.add_argument("--served-log", type=Path, metavar="DIR", help="keep every usable answer, one file a station")
    city.add_argument(
        "--replay", type=Path, metavar="FILE", help="measured weather instead of the file's [weather] source"
    )
    city.add_argument("--lenient", action="store_true", help="take values in FILE that are no numbers for gaps")
    city.set_defaults(run=_city)

    station = verbs.add_parser("station", help="one station for a bench")
    station.add_argument("--profile", required=True, help="name of a device profile")
    station.add_argument("--profiles", type=Path, default=Path("config/devices"), help="folder of profiles")
    station.add_argument("--unit", type=int, help="address on the line; default: the device's factory setting")
    station.add_argument("--pty", type=Path, required=True, help="path of the port to make")
    station.add_argument("--baud", type=int, help="default: the device's factory setting")
    station.add_argument("--id", default="bench", help="name of the station (default: bench)")
    station.add_argument("--seed", type=int, default=0, help="of the weather model")
    station.add_argument("--served-log", type=Path, metavar="DIR")
    station.set_defaults(run=_station)

    fault = verbs.add_parser("fault", help="let a running station misbehave")
    fault.add_argument("station")
    fault.add_argument("kind", help="silence, crc, late, exception, echo, stuck, noise_before, noise_after, truncated, "
                       "wrong_unit; or `clear`")  # fmt: skip
    fault.add_argument("--for", dest="for_s", type=float, metavar="S", help="seconds; default: until cleared")
    fault.add_argument("--probability", type=float, default=1.0)
    fault.add_argument("--late", dest="late_s", type=float, default=1.5, metavar="S", help="how late a late answer is")
    fault.add_argument("--code", type=int, default=4, help="of an exception answer")
    _add_directory(fault)
    fault.set_defaults(run=_fault)

    setting = verbs.add_parser("set", help="hold a running station's quantity at a value")
    setting.add_argument("station")
    setting.add_argument(
        "values", nargs="+", metavar="QUANTITY=VALUE", help="a number, `invalid`, or `weather` to let go"
    )
    _add_directory(setting)
    setting.set_defaults(run=_set)

    status = verbs.add_parser("status", help="what the running stations are doing")
    status.add_argument("--json", action="store_true", help="everything, as JSON")
    _add_directory(status)
    status.set_defaults(run=_status)


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path(DEFAULT_DIRECTORY),
        help=f"directory or control socket of the running simulator (default: {DEFAULT_DIRECTORY})",
    )


def _city(arguments: argparse.Namespace) -> int:
    import msgspec

    from firmware_sim.config import load_config

    config = load_config(arguments.config)
    if arguments.dir is not None:
        config = msgspec.structs.replace(config, directory=str(arguments.dir))
    if arguments.served_log is not None:
        config = msgspec.structs.replace(config, served_log=str(arguments.served_log))
    if arguments.replay is not None:
        weather = msgspec.structs.replace(config.weather, source="replay", file=str(arguments.replay))
        config = msgspec.structs.replace(config, weather=weather)
    if arguments.lenient:
        config = msgspec.structs.replace(config, weather=msgspec.structs.replace(config.weather, lenient=True))
    return _serve(config)


def _station(arguments: argparse.Namespace) -> int:
    import msgspec

    from contract.profiles import load_profile
    from firmware_sim.config import SimConfig

    profile = load_profile(arguments.profiles / f"{arguments.profile}.toml")
    wanted: dict[str, Any] = {
        "directory": str(arguments.pty.parent),
        "profiles": str(arguments.profiles),
        "control": f"{arguments.pty.name}.sock",
        "served_log": None if arguments.served_log is None else str(arguments.served_log),
        "weather": {"seed": arguments.seed},
        "line": [
            {
                "name": arguments.pty.name,
                "baud": arguments.baud or profile.baud,
                "parity": profile.parity,
                "stop_bits": profile.stop_bits,
                "station": [
                    {"id": arguments.id, "unit": arguments.unit or profile.unit_address, "profile": profile.name}
                ],
            }
        ],
    }
    try:
        config = msgspec.convert(wanted, SimConfig)
    except msgspec.ValidationError as error:
        raise UserError(str(error), where="kumagaya sim station") from None
    return _serve(config)


def _serve(config: "SimConfig") -> int:
    from firmware_sim.city import run

    stop_event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_event.set())

    def announce(city: "City") -> None:
        for name, port in city.ports.items():
            print(f"{name}: {port}", flush=True)
        print(f"{len(city.stations)} stations answer; stop with Ctrl-C", flush=True)

    run(config, stop_event, on_open=announce)
    return 0


def _fault(arguments: argparse.Namespace) -> int:
    from firmware_sim.control import ClearFault, SetFault, ask
    from firmware_sim.faults import FaultKind

    if arguments.kind == "clear":
        answer = ask(arguments.dir, ClearFault(arguments.station))
        print(f"{arguments.station}: {answer['cleared']} faults switched off")
        return 0
    try:
        kind = FaultKind(arguments.kind)
    except ValueError:
        raise UserError(f"unknown fault {arguments.kind!r}", hint=f"known: {', '.join(FaultKind)}, clear") from None
    request = SetFault(
        arguments.station,
        kind,
        for_s=arguments.for_s,
        probability=arguments.probability,
        late_s=arguments.late_s,
        exception_code=arguments.code,
    )
    ask(arguments.dir, request)
    until = "until cleared" if arguments.for_s is None else f"for {arguments.for_s:g} s"
    print(f"{arguments.station}: {kind} {until}")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    from firmware_sim.control import SetValues, ask

    values: dict[str, float | None] = {}
    release: list[str] = []
    for word in arguments.values:
        name, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"{word!r} is not QUANTITY=VALUE", hint="such as air_temperature_degc=39.5")
        if text == "weather":
            release.append(name)
            continue
        try:
            number = None if text == "invalid" else float(text)
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise UserError(f"{text!r} is no number", where=name, hint="a number, `invalid` or `weather`")
        values[name] = number
    ask(arguments.dir, SetValues(arguments.station, values, tuple(release)))
    print(f"{arguments.station}: {' '.join(arguments.values)}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from firmware_sim.control import AskStatus, ask

    status = ask(arguments.dir, AskStatus())
    if arguments.json:
        print(json.dumps(status, indent=2))
        return 0
    for line in status["lines"]:
        print(f"{line['name']}  {line['port']}  {line['baud']} baud")
        for station in line["stations"]:
            temperature = station["values"].get("air_temperature_degc")
            shown = "    - degC" if temperature is None else f"{temperature:5.1f} degC"
            faults = ",".join(station["faults_on"]) or "no fault"
            print(
                f"  {station['id']:<12} unit {station['unit']:<3} {station['profile']:<24} {shown}  "
                f"{station['requests']} requests, {station['answers']} answers, {faults}"
            )
    return 0
