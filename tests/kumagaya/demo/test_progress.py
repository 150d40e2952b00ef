import io
import json

from rich.console import Console

from kumagaya.demo.progress import STAGES, ProgressFile, shown


def test_lines_are_read_once_and_a_half_written_one_waits(tmp_path):
    path = tmp_path / "progress.jsonl"
    file = ProgressFile(path)
    assert list(file.news()) == []
    line = json.dumps({"stage": "city", "share": 0.5, "message": "reading"})
    path.write_text(line + "\n" + line[:10])
    assert list(file.news()) == [("city", 0.5, "reading")]
    assert list(file.news()) == []
    with path.open("a") as more:
        more.write(line[10:] + "\n")
    assert list(file.news()) == [("city", 0.5, "reading")]


def test_where_there_is_no_terminal_each_stage_is_one_line():
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=False)) as report:
        report("city", 0.2)
        report("city", 1.0)
        report("city", 1.0)
    assert out.getvalue().splitlines() == [f"  ready: {STAGES['city']}"]


def test_on_a_terminal_the_bars_come_in_order():
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=True, width=100)) as report:
        report("places", 0.0)
        report("geometry", 0.5)
    text = out.getvalue()
    assert STAGES["city"] in text
    assert STAGES["geometry"] in text
    assert STAGES["frame"] not in text
