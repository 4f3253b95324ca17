"""Text from outside, such as a commit's subject or a container's output: without control characters, and cut."""

from __future__ import annotations

import re

GONE = "•••"
"""Stands for what nobody may read."""
LINES_MOST = 20
"""Lines of a reason that somebody reads: the first one, and the last ones."""
LINE_MOST = 600
"""Characters of one such line."""
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, and what moves the cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]?"
)
_LOGIN = re.compile(r"(://[^\s/?#@:]*:)[^\s/?#@]+(?=@)|(?<=https://)[^\s/?#@:]{8,}(?=@)")
"""The password of an address, or the token in place of its user."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls, marks that turn the direction of writing, and what has no width. Joiners of scripts and emoji stay."""


def plain(text: str) -> str:
    """Return the text as a terminal may show it: no control character but the newline and the tab."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _INVISIBLE.search(text) is None:
        return text
    return _INVISIBLE.sub("", _SEQUENCE.sub("", text))


def without_passwords(text: str) -> str:
    """Return the text without the passwords of addresses: those show by their form alone."""
    return _LOGIN.sub(rf"\g<1>{GONE}", text) if "://" in text else text


def shortened(text: str) -> str:
    """Return the first line and the last ones, none of them long. Cut last, when nothing secret is left."""
    lines = text.strip().split("\n")
    if len(lines) > LINES_MOST:
        lines = [lines[0], f"… {len(lines) - LINES_MOST} lines left out", *lines[1 - LINES_MOST :]]
    half = LINE_MOST // 2
    return "\n".join(line if len(line) <= LINE_MOST else f"{line[:half]} … {line[-half:]}" for line in lines)
