"""What one summer's temperatures say of another summer's WBGT: our open-sky WBGT against the Ministry's, month by month.

    python bench/wbgt_climatology.py WBGT_2020.csv AMEDAS_2023.csv.gz

The Ministry's hourly series (columns obs_time_jst, wbgt_c) and the AMeDAS temperatures (obs_time_jst, amdno, temp_c,
precip_1h_mm) are of different years, and the second holds no humidity, wind or radiation. So hours cannot be compared one by
one; means by month and hour of the day can. Assumed for every hour: dew point = the day's lowest temperature; wind 2 m/s;
0.7 of the cloudless radiation, 0.2 in hours with rain. The Ministry's regression is put beside ours with the same assumptions,
so that what is due to them, and to the other summer, is seen apart from what is due to the method.
"""

import argparse
import csv
import gzip
import math
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np

from central.heat.comfort.ministry import ministry_wbgt
from central.heat.comfort.wbgt import station_wbgt
from central.heat.radiation.clearness import haurwitz_wm2
from central.heat.sun import sun_position

KUMAGAYA = "43056"
LAT, LON = 36.150, 139.380


def magnus(degc: float) -> float:
    return 6.112 * math.exp(17.62 * degc / (243.12 + degc))


def read_ministry(path: Path) -> list[tuple[datetime, float]]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [(datetime.fromisoformat(row["obs_time_jst"]), float(row["wbgt_c"])) for row in rows if row["wbgt_c"]]


def modelled(path: Path) -> list[tuple[datetime, float, float]]:
    """Time, our WBGT, the regression's WBGT."""
    with gzip.open(path, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["amdno"] == KUMAGAYA and row["temp_c"]]
    lowest: dict[str, float] = defaultdict(lambda: math.inf)
    for row in rows:
        lowest[row["obs_time_jst"][:10]] = min(lowest[row["obs_time_jst"][:10]], float(row["temp_c"]))
    result = []
    for row in rows:
        at, air = datetime.fromisoformat(row["obs_time_jst"]), float(row["temp_c"])
        sun = sun_position(round(at.timestamp() * 1000), LAT, LON)
        radiation = haurwitz_wm2(sun) * (0.2 if float(row["precip_1h_mm"] or 0.0) > 0.0 else 0.7)
        humidity = min(100.0, 100.0 * magnus(lowest[row["obs_time_jst"][:10]]) / magnus(air))
        ours = station_wbgt(air, humidity, 2.0, radiation, 1009.0, sun)
        result.append((at, ours, float(ministry_wbgt(air, humidity, 2.0, radiation))))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ministry", type=Path)
    parser.add_argument("amedas", type=Path)
    arguments = parser.parse_args()
    observed, model = read_ministry(arguments.ministry), modelled(arguments.amedas)
    for month in sorted({at.month for at, _ in observed} & {at.month for at, _, _ in model}):
        there = [(at.hour, value) for at, value in observed if at.month == month]
        here = [(at.hour, ours, theirs) for at, ours, theirs in model if at.month == month]
        days = np.array(
            [
                (
                    np.mean([value for hour, value in there if hour == h]),
                    np.mean([ours for hour, ours, _ in here if hour == h]),
                    np.mean([theirs for hour, _, theirs in here if hour == h]),
                )
                for h in sorted({hour for hour, _ in there} & {hour for hour, _, _ in here})
            ]
        )
        ours, regression = days[:, 1] - days[:, 0], days[:, 2] - days[:, 0]
        method = np.array([a - b for _, a, b in here])
        share = {
            limit: (
                100 * np.mean([value >= limit for _, value in there]),
                100 * np.mean([a >= limit for _, a, _ in here]),
                100 * np.mean([b >= limit for _, _, b in here]),
            )
            for limit in (28, 31)
        }
        hits = {
            limit: (
                sum(a >= limit and b >= limit for _, a, b in here),
                sum(a < limit <= b for _, a, b in here),
                sum(b < limit <= a for _, a, b in here),
            )
            for limit in (28, 31)
        }
        print(
            f"month={month} hours={len(there)}/{len(here)} mean day: ours bias {ours.mean():+.2f} RMSE "
            f"{np.sqrt((ours**2).mean()):.2f}, regression bias {regression.mean():+.2f} RMSE "
            f"{np.sqrt((regression**2).mean()):.2f}; ours - regression, same hours: bias {method.mean():+.2f} RMSE "
            f"{np.sqrt((method**2).mean()):.2f}; "
            + "; ".join(
                f">= {limit}: Ministry {share[limit][0]:.1f} %, ours {share[limit][1]:.1f} %, regression "
                f"{share[limit][2]:.1f} %, ours against regression hits/misses/false {'/'.join(map(str, hits[limit]))}"
                for limit in (28, 31)
            )
        )


if __name__ == "__main__":
    main()
