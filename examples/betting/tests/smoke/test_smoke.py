"""What a release is asked first: it imports, every sport rates, and the API answers."""

import importlib
import json
import urllib.request
from pathlib import Path

import pytest
from tools import accepts, ended, free_port, wait_for

from betting.elo import SPORTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("module", sorted(file.stem for file in (ROOT / "betting").glob("[a-z]*.py")))
def test_every_module_can_be_imported_without_settings(module: str, monkeypatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    importlib.import_module(f"betting.{module}")


@pytest.mark.parametrize("sport", SPORTS)
def test_every_sport_rates_a_game(sport: str) -> None:
    elo = type(SPORTS[sport])()
    assert elo.after(elo.start, elo.start, True)[0] > elo.start


def test_the_dashboards_script_compiles() -> None:
    compile((ROOT / "dashboard" / "app.py").read_text(), "app.py", "exec")


def test_the_api_answers_and_its_check_agrees(start, db) -> None:
    port = free_port()
    process = start("betting.api", PORT=str(port))
    wait_for(lambda: accepts(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
    assert ended(start("betting.check", PORT=str(port))) == (0, "")
    process.terminate()
    assert ended(process) == (0, "")
    assert ended(start("betting.check", PORT=str(port)))[0] == 1
