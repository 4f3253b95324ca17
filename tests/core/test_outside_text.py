"""Text from outside: without control characters, and cut last."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from switchyard.core.outside_text import GONE, LINE_MOST, LINES_MOST, plain, shortened, without_passwords


@given(st.text())
def test_no_control_character_is_left_but_the_newline_and_the_tab(text):
    left = {character for character in plain(text) if unicodedata.category(character) in ("Cc", "Cs")}
    assert left <= {"\n", "\t"}
    assert plain(plain(text)) == plain(text)


def test_what_people_write_stays():
    text = "Größe\t日本語 👩‍💻 می‌خواهم [bold]x[/]\n"
    assert plain(text) == text
    assert plain("10 %\r20 %\r\nend") == "10 %\n20 %\nend"
    assert plain("a\x1b]0;never ended\nthe next line") == "a\nthe next line"


def test_a_long_text_keeps_its_first_line_and_its_last_ones():
    lines = [f"line {number}" for number in range(100)]
    shown = shortened("\n".join(lines)).split("\n")
    assert shown[0] == "line 0" and shown[-1] == "line 99" and len(shown) == LINES_MOST + 1
    assert shown[1] == "… 80 lines left out"
    assert len(shortened("x" * 5000)) < LINE_MOST + 10
    assert shortened("short\n") == "short"


def test_passwords_of_addresses_show_by_their_form():
    assert without_passwords("at https://ann:hunter2@example.com/x") == f"at https://ann:{GONE}@example.com/x"
    assert without_passwords("https://ghp_0123456789@github.com") == f"https://{GONE}@github.com"
    text = "ssh://git@host/x, http://host:8080/@scope/x and a@b.example"
    assert without_passwords(text) == text
