"""Where compiled kernels are kept: one folder for each state of the sources."""

import os
import time

import pytest

from central.heat.compiled import KEPT_S, cache_folder, digest_of


def test_any_change_of_any_source_is_another_state(tmp_path):
    heat = tmp_path / "heat"
    heat.mkdir()
    (heat / "a.py").write_text("x = 1")
    (heat / "b.py").write_text("y = 1")
    states = [digest_of(heat, tmp_path)]
    assert digest_of(heat, tmp_path) == states[0]
    (heat / "b.py").write_text("y = 2")
    states.append(digest_of(heat, tmp_path))
    (heat / "b.py").rename(heat / "c.py")
    states.append(digest_of(heat, tmp_path))
    assert len(set(states)) == 3


def test_of_other_rooms_only_kernels_count(tmp_path):
    (tmp_path / "heat").mkdir()
    (tmp_path / "page.py").write_text("x = 1")
    before = digest_of(tmp_path / "heat", tmp_path)
    (tmp_path / "page.py").write_text("x = 2")
    assert digest_of(tmp_path / "heat", tmp_path) == before
    (tmp_path / "areas.py").write_text("from central.heat.compiled import kernel")
    assert digest_of(tmp_path / "heat", tmp_path) != before


def test_the_first_folder_that_can_be_written_is_taken(tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert cache_folder([blocked, tmp_path / "free"], "abc", time.time()) == tmp_path / "free" / "kernels-abc"
    assert cache_folder([blocked], "abc", time.time()) is None


@pytest.mark.parametrize(("unused_s", "stays"), [(KEPT_S - 3600.0, True), (KEPT_S + 3600.0, False)])
def test_folders_of_other_sources_stay_for_a_week(tmp_path, unused_s, stays):
    now_s = time.time()
    old = tmp_path / "kernels-old"
    old.mkdir()
    os.utime(old, (now_s - unused_s, now_s - unused_s))
    cache_folder([tmp_path], "new", now_s)
    assert old.exists() is stays
    assert (tmp_path / "kernels-new").is_dir()
