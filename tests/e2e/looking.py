"""What tests of the page look with."""

import shutil
import time

import numpy as np
from playwright.sync_api import Page
from rasterio.io import MemoryFile

from tests.processes import MOSQUITTO

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
MISSING = next(
    (f"{name} is not installed" for name, found in (("mosquitto", MOSQUITTO), ("chromium", CHROMIUM)) if found is None),
    None,
)


def wait_until(page: Page, expression: str, timeout_s: float = 30.0) -> None:
    """Asks again and again: the page's own security policy forbids what `wait_for_function` would do."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {expression}"
        page.wait_for_timeout(100)


def pixels(page: Page) -> np.ndarray:
    """What the map shows, as height x width x 3."""
    with MemoryFile(page.locator('[data-testid="map"]').screenshot()) as file, file.open() as picture:
        return np.moveaxis(picture.read([1, 2, 3]), 0, -1).astype(int)
