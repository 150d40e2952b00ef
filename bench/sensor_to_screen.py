"""How long a change at a sensor takes to become a number and a colour on somebody's screen.

The whole city runs in real time (speed 1) with all its real parts: simulated stations on ptys at 9600 baud, edge, mosquitto,
central, Chromium. Every round a new temperature is put on all eight stations through the simulator's control socket, at a moment
spread evenly over the polling second; then the page is asked, every few milliseconds, for two things:

- number: the marker of station kmg-01 shows the new temperature;
- map: the page has drawn a frame whose air temperature is the new one. (Screenshots before and after prove that the pixels are
  others; they are not part of the time, because one takes half a second itself where no GPU is.)

    python bench/sensor_to_screen.py [--rounds 30]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from firmware_sim.control import SetValues, ask
from kumagaya.demo.city import Running, get_json, started
from kumagaya.demo.options import Options
from kumagaya.demo.supervisor import free_port
from tests.e2e.looking import CHROMIUM, FLAGS
from tests.e2e.test_page import colour_of

TIMEOUT_S = 20.0
GOLDEN = 0.6180339887
"""Multiples of it, cut to [0, 1), are spread evenly."""


def marker_shows(page: Page, text: str) -> bool:
    return text in page.locator('[data-testid="station-kmg-01"]').first.inner_text()


def wait(condition, since: float) -> float:
    while not condition():
        if time.monotonic() - since > TIMEOUT_S:
            raise TimeoutError("the change did not arrive")
        time.sleep(0.005)
    return time.monotonic() - since


def frame_shows(page: Page, url: str, value: float, seen: dict[str, bool]) -> bool:
    name = page.evaluate("window.kumagaya.shownFrameId")
    if name and name not in seen:
        frame = get_json(f"{url}/v1/heat/frames/{name}")
        seen[name] = frame is not None and abs(frame["weather"]["air_temperature_degc"] - value) < 0.3
    return seen.get(name, False)


def measure(page: Page, city: Running, rounds: int) -> tuple[list[float], list[float]]:
    numbers, maps = [], []
    for index in range(rounds):
        # Far apart, so that the old map and the new one cannot be mistaken; tenths tell one round from the next.
        value = (24.0 if index % 2 else 38.0) + (index % 10) / 10
        page.wait_for_timeout(2500 + 1000 * (index * GOLDEN % 1.0))
        before = colour_of(page)
        seen: dict[str, bool] = {}
        changed = time.monotonic()
        for number in range(1, 9):
            ask(city.folders.lines, SetValues(f"kmg-0{number}", {"air_temperature_degc": value}))
        numbers.append(wait(lambda value=value: marker_shows(page, f"{value:.1f}"), changed))
        maps.append(wait(lambda value=value, seen=seen: frame_shows(page, city.url, value, seen), changed))
        moved = abs(colour_of(page) - before).max()
        if moved <= 10:
            raise SystemExit(f"the frame is said to be shown, but the map's mean colour moved by {moved:.1f} only")
        print(f"  round {index + 1}: number {numbers[-1]:.2f} s, map {maps[-1]:.2f} s", flush=True)
    return numbers, maps


def told(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{name}: median {statistics.median(values):.2f} s, p95 {p95:.2f} s, max {ordered[-1]:.2f} s ({len(values)} rounds)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kumagaya-bench-") as folder, sync_playwright() as playwright:
        options = Options("127.0.0.1", free_port(), Path(folder), None, None, None, 1.0, 2018, faults=False)
        with started(options, Console(stderr=True)) as (city, _):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(city.url)
            page.wait_for_selector('[data-testid="map"] canvas')
            page.wait_for_timeout(5000)
            numbers, maps = measure(page, city, arguments.rounds)
            browser.close()
    print(told("sensor -> number on the page", numbers))
    print(told("sensor -> pixels of the map", maps))


if __name__ == "__main__":
    main()
