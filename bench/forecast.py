"""How well the blended forecast does on weather that really was, against persistence and climatology.

    python bench/forecast.py            # AMeDAS Kumagaya, July to December 2023, air temperature; DTU July 2018, all quantities

Walks forward: at each hour only what was measured before it is known. The first days train, the rest is scored. Data that is not
beside the repository is left out with a line that says so.
"""

import argparse
import csv
import gzip
import math
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.forecast_weather import (
    CLIMATOLOGY_DAYS,
    MS_PER_HOUR,
    History,
    climatology,
    forecast,
    hour_of_day,
)

SHARED = Path(os.environ.get("KUMAGAYA_SHARED", Path(__file__).resolve().parents[2] / "shared"))
LEADS_H = (1, 2, 3, 6, 9, 12, 18, 24)
KUMAGAYA_AMEDAS = "43056"


def amedas(path: Path) -> History:
    """Hourly air temperature of Kumagaya, gaps as NaN."""
    with gzip.open(path, "rt") as file:
        rows = [
            (round(datetime.fromisoformat(row["obs_time_jst"]).timestamp() * 1000), float(row["temp_c"]))
            for row in csv.DictReader(file)
            if row["amdno"] == KUMAGAYA_AMEDAS and row["temp_c"]
        ]
    begins_ms = min(at_ms for at_ms, _ in rows)
    values = np.full(max(at_ms - begins_ms for at_ms, _ in rows) // MS_PER_HOUR + 1, np.nan)
    for at_ms, value in rows:
        values[(at_ms - begins_ms) // MS_PER_HOUR] = value
    return History(begins_ms, {"air_temperature_degc": values})


def score(history: History, quantity: str, train_h: int, months: tuple[int, ...] | None = None) -> None:
    """Prints RMSE by lead: the blend, persistence, yesterday's value, climatology."""
    known = history.values[quantity]
    squares: dict[str, dict[int, list[float]]] = {
        name: {lead: [] for lead in LEADS_H} for name in ("blend", "persist", "yesterday", "climate")
    }
    for now in range(train_h, len(known)):
        now_ms = history.begins_ms + now * MS_PER_HOUR
        if not math.isfinite(known[now]):
            continue
        if months and datetime.fromtimestamp(now_ms / 1000, UTC).month not in months:
            continue
        leads = [lead for lead in LEADS_H if now + lead < len(known) and math.isfinite(known[now + lead])]
        if not leads:
            continue
        valid_ms = [now_ms + lead * MS_PER_HOUR for lead in leads]
        past = History(history.begins_ms, {quantity: known[: now + 1]})
        blend = forecast(past, {quantity: known[now]}, now_ms, valid_ms)[quantity]
        begin = max(0, now + 1 - 24 * CLIMATOLOGY_DAYS)
        table = climatology(quantity, known[begin : now + 1], history.begins_ms + begin * MS_PER_HOUR)
        for value, lead, at_ms in zip(blend, leads, valid_ms, strict=True):
            truth = known[now + lead]
            squares["blend"][lead].append((value - truth) ** 2)
            squares["persist"][lead].append((known[now] - truth) ** 2)
            squares["climate"][lead].append((table[hour_of_day(at_ms)] - truth) ** 2)
            if math.isfinite(known[now + lead - 24]):
                squares["yesterday"][lead].append((known[now + lead - 24] - truth) ** 2)
    print(f"| lead h | n | {' | '.join(f'{name} RMSE' for name in squares)} |")
    print("|---" * (2 + len(squares)) + "|")
    for lead in LEADS_H:
        cells = [f"{math.sqrt(np.mean(per[lead])):.2f}" if per[lead] else "-" for per in squares.values()]
        print(f"| {lead} | {len(squares['blend'][lead])} | {' | '.join(cells)} |")


def dtu(path: Path) -> tuple[History, float, float]:
    """DTU Lyngby, July 2018, as hourly values; the hour of the day is made local by moving the clock."""
    lat, lon, altitude_offset_h = 55.79064, 12.52505, 2
    sums: dict[int, dict[str, list[float]]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            text = next(value for name, value in row.items() if "time" in name.lower() or name == "")
            moment = datetime.fromisoformat(text.replace(" ", "T") + ("" if "+" in text else "+00:00"))
            at_ms = round(moment.timestamp() * 1000)
            hour = (at_ms + MS_PER_HOUR // 2) // MS_PER_HOUR
            cells = sums.setdefault(hour, {})
            found = {
                name: _number(row, name) for name in ("air_temperature", "relative_humidity", "wind_speed_avg", "GHI")
            }
            temperature, humidity = found["air_temperature"], found["relative_humidity"]
            if temperature is not None and humidity is not None and temperature != 0.0 and humidity > 1.0:
                gamma = math.log(humidity / 100.0) + 17.62 * temperature / (243.12 + temperature)
                cells.setdefault("air_temperature_degc", []).append(temperature)
                cells.setdefault("dew_point_degc", []).append(243.12 * gamma / (17.62 - gamma))
                radiation = found["GHI"]
                clear = clear_sky_wm2(sun_position(at_ms, lat, lon), temperature, humidity, 1010.0)
                if radiation is not None and clear > 50.0:
                    cells.setdefault("clearness", []).append(radiation / clear)
            if found["wind_speed_avg"] is not None:
                cells.setdefault("wind_speed_ms", []).append(found["wind_speed_avg"])
    first, last = min(sums), max(sums)
    values = {}
    for quantity in ("air_temperature_degc", "dew_point_degc", "wind_speed_ms", "clearness"):
        series = np.full(last - first + 1, np.nan)
        for hour, cells in sums.items():
            if len(cells.get(quantity, ())) >= 20:
                series[hour - first] = np.mean(cells[quantity])
        values[quantity] = series
    # hour_of_day reckons in Japan's time: 7 hours ahead of Denmark's summer time.
    return History((first - (9 - altitude_offset_h)) * MS_PER_HOUR, values), lat, lon


def _number(row: dict[str, str], name: str) -> float | None:
    text = row.get(name)
    if not text:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    path = SHARED / "data/weather/jma_amedas_hourly_kumagaya_area_2023.csv.gz"
    if path.exists():
        history = amedas(path)
        train_h = 24 * 20
        print("\nKumagaya, AMeDAS 2023, air temperature [K], all months after the first 20 days")
        score(history, "air_temperature_degc", train_h)
        print("\nThe same, August and September alone")
        score(history, "air_temperature_degc", train_h, (8, 9))
    else:
        print(f"left out: {path} is not there")
    path = SHARED / "data/weather/dtu_1min_2018_07.csv.gz"
    if path.exists():
        history, _, _ = dtu(path)
        for quantity in history.values:
            print(f"\nLyngby, DTU July 2018, {quantity}, after the first 10 days")
            score(history, quantity, 24 * 10)
    else:
        print(f"left out: {path} is not there")


if __name__ == "__main__":
    main()
