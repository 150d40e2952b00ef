"""Where compiled kernels are kept: one folder for each state of the sources."""

import os
import time

import pytest

from central.heat.compiled import KEPT_S, cache_folder, digest_of


def test_any_change_of_any_source_is_another_state(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "sub" / "b.py").write_text("y = 1")
    before = digest_of(tmp_path)
    assert digest_of(tmp_path) == before
    (tmp_path / "sub" / "b.py").write_text("y = 2")
    changed = digest_of(tmp_path)
    (tmp_path / "sub" / "b.py").rename(tmp_path / "b.py")
    assert len({before, changed, digest_of(tmp_path)}) == 3


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
