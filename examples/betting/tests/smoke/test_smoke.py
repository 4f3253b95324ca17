"""What a release must do first: import, rate a game of each sport, answer through the API, and read a file."""

import importlib
import json
import urllib.request
from pathlib import Path

import pytest
from tools import accepts, ended, free_port, serve_files, wait_for

from betting.elo import SPORTS

ROOT = Path(__file__).resolve().parents[2]
GAMES = b"id,sport,home,away,home_score,away_score\nz,hockey,A,B,3,2\n"


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


def test_the_pipeline_takes_its_address_from_the_command_line_or_the_environment(start, db) -> None:
    with serve_files({"/games.csv": GAMES}) as url:
        assert ended(start("betting.pipeline", f"{url}/games.csv")) == (0, f"{url}/games.csv: 1 new games, 0 known\n")
        assert ended(start("betting.pipeline", GAMES_URL=f"{url}/games.csv"))[1].endswith("0 new games, 1 known\n")


def test_the_pipeline_exits_with_the_reason_for_its_failure(start, db) -> None:
    words = ("betting.pipeline", "http://127.0.0.1:9/games.csv")
    no_source, no_database = start(*words), start(*words, PGHOST="/nonexistent")
    code, output = ended(no_source)
    assert code == 1 and "nothing was stored, try again" in output and "Traceback" not in output
    code, output = ended(no_database)
    assert code == 1 and "the database does not answer" in output and "Traceback" not in output
