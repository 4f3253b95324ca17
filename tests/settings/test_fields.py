"""The reference of the settings."""

from __future__ import annotations

import re
from pathlib import Path

from switchyard.settings import load
from switchyard.settings.fields import known_keys
from tests.harness.settings import checkout


def test_the_reference_names_every_setting_and_what_it_shows_is_taken(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "invoke.yaml").read_text()
    words = set(re.findall(r"\w+", text))
    assert known_keys() <= words, known_keys() - words
    shown = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# ") and line[2:3] in (" ", "a", "h"))
    shown = shown[shown.index("app:") :]
    app, hosts = load.load(checkout(tmp_path, shown))
    assert app is not None and app.migrations is not None and set(hosts) == {"prod"}
