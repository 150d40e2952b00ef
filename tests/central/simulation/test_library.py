"""Frames on disk and in the store: found while they are kept, gone completely afterwards."""

import numpy as np
import pytest

from central.simulation.frames import LAYERS, quantise
from central.simulation.library import (
    KEEP_EVERY_MS,
    FrameLibrary,
    FrameMeta,
    LayerSummary,
    frame_id,
    meta_dict,
    meta_of,
    outlived,
)
from central.store.door import Frame
from central.store.sqlite import open_store
from tests.central.simulation.small_city import JST_14_MS, HandClock


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "central.db", HandClock())
    yield store
    store.close()


@pytest.fixture
def library(store, tmp_path):
    return FrameLibrary(store, tmp_path / "frames", recent_max=3)


def frame_of(at_ms, level=30.0):
    field = np.full((4, 5), level, np.float32)
    layer = quantise(LAYERS["wbgt"], field, np.ones(field.shape, bool))
    meta = FrameMeta(
        weather={"air_temperature_degc": 38.0, "radiation_source": "measured"},
        assumed=[],
        stations_used=["kmg-01"],
        step_ms=1.5,
        corners=[(139.0, 36.1), (139.1, 36.1), (139.1, 36.0), (139.0, 36.0)],
        bounds={"west": 139.0, "south": 36.0, "east": 139.1, "north": 36.1},
        width=5,
        height=4,
        pixel_size_m=2.0,
        layers={"wbgt": LayerSummary(layer.offset, layer.step, layer.minimum, layer.mean, layer.maximum)},
        band_share={"severe_warning": 1.0},
    )
    return Frame(frame_id(at_ms), at_ms, at_ms + 5, meta_dict(meta)), layer


def test_names_are_the_moment_and_sort_like_it():
    assert frame_id(JST_14_MS) == "20180723T050000000Z"
    assert frame_id(JST_14_MS + 7) == "20180723T050000007Z"


def test_what_is_kept_is_found(library):
    frame, layer = frame_of(JST_14_MS)
    library.keep(frame, [layer])
    found = library.latest()
    assert (found.id, found.at_ms, found.computed_at_ms) == (frame.id, frame.at_ms, frame.computed_at_ms)
    assert meta_of(found) == meta_of(frame)
    assert meta_of(found).corners[0] == (139.0, 36.1)
    assert library.frame(frame.id) == found
    assert library.layer(frame, "wbgt").value_at(0, 0) == pytest.approx(30.0)


def test_another_process_reads_the_files(library, store, tmp_path):
    frame, layer = frame_of(JST_14_MS, 31.5)
    library.keep(frame, [layer])
    other = FrameLibrary(store, tmp_path / "frames")
    read = other.layer(other.latest(), "wbgt")
    assert np.array_equal(read.level, layer.level)
    assert (read.offset, read.step) == (layer.offset, layer.step)


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "20180723T050000000Z/..", "20180723T05000000Z", "x" * 300]
)
def test_a_name_that_is_no_frame_finds_nothing(library, name):
    assert library.frame(name) is None
    assert library.png_path(name, "wbgt") is None


def test_an_unknown_layer_finds_nothing(library):
    frame, layer = frame_of(JST_14_MS)
    library.keep(frame, [layer])
    assert library.png_path(frame.id, "../wbgt") is None
    assert library.layer(frame, "utci") is None


def test_a_damaged_picture_is_no_layer(library, store, tmp_path):
    frame, layer = frame_of(JST_14_MS)
    library.keep(frame, [layer])
    library.png_path(frame.id, "wbgt").write_bytes(b"\x89PNG\r\n\x1a\n cut")
    assert FrameLibrary(store, tmp_path / "frames").layer(frame, "wbgt") is None


def test_pruning_takes_files_and_descriptions(library, tmp_path):
    frames = []
    for number in range(6):
        frame, layer = frame_of(JST_14_MS + number * 1000)
        library.keep(frame, [layer])
        frames.append(frame.id)
    (tmp_path / "frames" / ".20180723T050000000Z.77").mkdir()
    assert library.prune() == 3
    left = {path.name for path in (tmp_path / "frames").iterdir()}
    assert left == set(frames[3:])
    assert {frame.id for frame in library.page(100).frames} == left


class TestOutlived:
    def test_nothing_outlives_nothing(self):
        assert outlived([], 3) == []

    def test_the_recent_stay(self):
        frames = [(f"f{age}", 10_000_000 - age) for age in range(3)]
        assert outlived(frames, 3) == []

    def test_of_the_older_one_in_ten_minutes_stays(self):
        newest_ms = 1000 * KEEP_EVERY_MS
        frames = [(f"f{minute}", newest_ms - minute * 60_000) for minute in range(60)]
        gone = outlived(frames, 5)
        kept = [name for name, _ in frames if name not in gone]
        # Five recent ones; then the last of each slot of ten minutes that holds none of those.
        assert kept == ["f0", "f1", "f2", "f3", "f4", "f11", "f21", "f31", "f41", "f51"]

    def test_after_a_day_none_stays(self):
        day_ms = 24 * 3_600_000
        assert outlived([("new", 2 * day_ms), ("old", day_ms - 1)], 1) == ["old"]

    def test_frames_of_a_future_that_was_abandoned_go(self):
        """A demonstration that starts again at the same morning finds the evening of the one before."""
        assert outlived([("morning", 1_000_000), ("evening before", 9_000_000)], 1) == ["evening before"]

    def test_pruning_twice_changes_nothing(self):
        frames = [(f"f{minute}", 10**9 - minute * 60_000) for minute in range(300)]
        gone = set(outlived(frames, 20))
        left = [frame for frame in frames if frame[0] not in gone]
        assert outlived(left, 20) == []
