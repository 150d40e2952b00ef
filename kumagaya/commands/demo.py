"""`kumagaya demo`: the whole city on this machine."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "demo",
        help="the whole city on this machine: stations, broker, edge, central, web page",
        description="Eight simulated weather stations, a message broker, the edge agent, central and the web page, until Ctrl-C.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address the page is served on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, metavar="N", help="its port (default: %(default)s)")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where everything is kept (default: ~/.local/share/kumagaya/demo)"
    )
    parser.add_argument(
        "--city",
        type=Path,
        metavar="PATH",
        help="PLATEAU CityGML tile (.gml, .gml.gz) or folder (default: built-in downtown)",
    )
    parser.add_argument(
        "--weather",
        type=Path,
        metavar="FILE",
        help="measured series to replay (default: a weather model of the record day)",
    )
    parser.add_argument(
        "--walking",
        type=Path,
        metavar="FILE",
        help="streets of OpenStreetMap for cool ways, an Overpass answer (.json, .json.gz); needs --city",
    )
    parser.add_argument("--start", metavar="TIME", help="city time it begins with, such as 2018-07-23T10:00+09:00")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="X", help="city seconds a second (default: %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=2018, help="of the weather model (default: %(default)s)")
    parser.add_argument("--lenient", action="store_true", help="take what is no number in --weather for a gap")
    parser.add_argument("--no-faults", action="store_true", help="stations that never misbehave")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from kumagaya.demo import city, options

    return city.run(
        options.Options(
            host=arguments.host,
            port=arguments.port,
            data_dir=arguments.data_dir or options.default_data_dir(),
            city=arguments.city,
            walking=arguments.walking,
            weather=arguments.weather,
            start=None if arguments.start is None else options.parse_start(arguments.start),
            speed=arguments.speed,
            seed=arguments.seed,
            faults=not arguments.no_faults,
            lenient=arguments.lenient,
        ),
        Console(),
    )
