"""A file is there whole or not at all."""

import os
import threading

import pytest

from contract.errors import UserError
from contract.whole_file import asked_for, whole_file


def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(tmp_path):
    path = tmp_path / "frame.npz"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("writer", [whole_file, asked_for])
def test_what_breaks_off_leaves_the_old_file_and_nothing_beside_it(tmp_path, writer):
    path = tmp_path / "frame.npz"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), writer(path) as part:
        part.write_text("half")
        _ = 1 / 0
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_person_is_told_which_file_and_why(tmp_path):
    nowhere = tmp_path / "nowhere" / "frame.npz"
    with pytest.raises(UserError, match=r"nowhere/frame\.npz: cannot be written: No such"), asked_for(nowhere) as part:
        part.write_text("new")
    folder = tmp_path / "frame.npz"
    folder.mkdir()
    with pytest.raises(UserError, match=r"frame\.npz: cannot be written: Is a directory"), asked_for(folder) as part:
        part.write_text("new")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "frame.npz"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with whole_file(pipe) as part:
        part.write_text("new")
    reader.join(5.0)
    assert read == ["new"]
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_link_is_written_through_and_stays_a_link(tmp_path):
    (tmp_path / "here.npz").write_text("old")
    link = tmp_path / "frame.npz"
    link.symlink_to("here.npz")
    with whole_file(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "here.npz").read_text() == "new"
