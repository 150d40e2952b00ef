"""The house rules that a machine can hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def tracked_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.splitlines()
    if not names:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "name", ["bootstrap.lock", "edge.lock", "run.lock", "dev.lock", "central/web/frontend/package-lock.json"]
)
def test_a_lock_pins_hashes_and_names_no_host(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r'"resolved"\s*:\s*"http', text)
    if name.endswith(".lock"):
        assert "://" not in text
        pinned = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
    else:
        assert text.count('"integrity"') > 10


def test_the_edge_install_is_the_light_one():
    names = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "edge.lock").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"minimalmodbus", "pyserial", "aiomqtt", "paho-mqtt", "msgspec"} <= names
    assert not names & {"numpy", "numba", "fastapi", "scipy", "pvlib", "rasterio"}
    assert len(names) < 20


def test_the_readme_has_a_line_for_every_room():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for room in ["contract/", "edge/", "central/", "firmware-sim/", "config/", "systemd/", "tests/", "bench/", "docs/"]:
        assert room in readme, f"README.md has no line for {room}"
    for command in ["make run", "make test"]:
        assert command in readme


def test_the_documents_a_page_points_at_exist():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} points at {target}, which is not there"


def test_asyncapi_is_what_the_types_say():
    done = subprocess.run([sys.executable, "scripts/asyncapi", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/asyncapi.yaml is out of date: run scripts/asyncapi"


def test_the_repository_carries_no_fetched_data_or_bundles():
    for path in tracked_files():
        is_told = path.suffix == ".npz" and (path.parent / "PROVENANCE.md").exists()  # made here, and by what
        assert is_told or path.suffix not in {".gml", ".gz", ".npz", ".pb", ".zip", ".whl", ".db", ".sqlite"}, path
        assert path.stat().st_size < 1_000_000, f"{path} is too large to be ours"


@pytest.mark.parametrize("path", sorted((ROOT / "bench").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_can_still_be_started(path):
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{path.stem}", "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
