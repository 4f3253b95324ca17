"""The tail of a file: whole lines only, however they are written."""

from __future__ import annotations

from pathlib import Path

from switchyard.host.channel.tail import Tail


def test_a_line_comes_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text("first\nsec")
    with open(path) as file, open(path, "a", buffering=1) as writer:
        tail = Tail(file)
        assert (tail.next_line(), tail.next_line(), tail.next_line()) == ("first\n", None, None)
        writer.write("ond\nthird\n")
        writer.flush()
        assert (tail.next_line(), tail.next_line(), tail.next_line()) == ("second\n", "third\n", None)
