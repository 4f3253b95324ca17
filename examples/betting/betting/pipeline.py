"""Download a file of games, check every row, and store all of them or none. The worker rates them.

``python3 -m betting.pipeline [URL]`` downloads the file at URL, by default at GAMES_URL.

The file is CSV with a header line, or a JSON list of objects: id, sport, home, away, home_score, away_score. The source
chooses the ids, so that a file which is processed twice stores no game twice.
"""

import csv
import io
import json
import os
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import psycopg

from betting.elo import SPORTS

SECONDS = 10.0
"""How long to wait for a connection, and for the next bytes of the file."""
LIMIT = 50_000_000
"""The size of the largest file, in bytes."""
SHOWN = 20
"""How many bad rows an error lists; it counts the others."""
FIELDS = ("id", "sport", "home", "away", "home_score", "away_score")

# The worker rates games by the time of their creation, so each row of a file gets a later one.
STORE = (
    "INSERT INTO games (id, sport, home, away, home_won, created) "
    "SELECT id, sport, home, away, home_won, now() + number * interval '1 microsecond' "
    "FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[]) "
    "WITH ORDINALITY AS file (id, sport, home, away, home_won, number) ON CONFLICT (id) DO NOTHING"
)
CONFLICTS = (
    "SELECT id FROM games JOIN unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[]) "
    "AS file (id, sport, home, away, home_won) USING (id) "
    "WHERE (games.sport, games.home, games.away, games.home_won) "
    "IS DISTINCT FROM (file.sport, file.home, file.away, file.home_won)"
)


class PipelineError(Exception):
    """A file was not stored. The text says why, and lists the bad rows."""


@dataclass(frozen=True)
class Game:
    """A checked row, with its line in the file."""

    id: str
    sport: str
    home: str
    away: str
    home_won: bool
    line: int


def process(url: str, db: psycopg.Connection) -> tuple[int, int]:
    """Download, check and store a file. Return the number of new games and that of games stored before."""
    games = check(url, rows(url, download(url)))
    return store(url, games, db)


def download(url: str) -> str:
    """Return the text of a file."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise PipelineError(f"{url}: not an http or https address")
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            data = answer.read(LIMIT + 1)
            if len(data) > LIMIT:
                raise PipelineError(f"{url}: larger than {LIMIT} bytes; split the file")
            if answer.length:
                raise PipelineError(f"{url}: the last {answer.length} bytes are missing; nothing was stored, try again")
    except (OSError, HTTPException) as error:
        raise PipelineError(f"{url}: {error}; nothing was stored, try again") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PipelineError(f"{url}, line {line}: not UTF-8; nothing was stored") from None


def rows(url: str, text: str) -> Iterator[tuple[int, Any]]:
    """Yield each row with its line. A file whose name ends with .json is JSON; any other is CSV."""
    return (json_rows if urllib.parse.urlsplit(url).path.endswith(".json") else csv_rows)(url, text)


def csv_rows(url: str, text: str) -> Iterator[tuple[int, Any]]:
    reader, line = csv.DictReader(io.StringIO(text, newline=""), strict=True), 1
    try:
        for row in reader:
            line = reader.line_num
            yield line, row
    except csv.Error as error:
        raise PipelineError(f"{url}, line {line + 1}: not CSV: {error}; nothing was stored") from None


def json_rows(url: str, text: str) -> Iterator[tuple[int, Any]]:
    """Decode the rows one by one, since the decoder does not tell at which line a row begins."""
    try:
        if not isinstance(json.loads(text), list):
            raise json.JSONDecodeError("expected a list of games", text, 0)
    except json.JSONDecodeError as error:
        raise PipelineError(f"{url}, line {error.lineno}: not JSON: {error.msg}; nothing was stored") from None
    decoder, at = json.JSONDecoder(), row_after(text, text.index("[") + 1)
    while text[at] != "]":
        row, end = decoder.raw_decode(text, at)
        yield text.count("\n", 0, at) + 1, row
        at = row_after(text, end)


def row_after(text: str, at: int) -> int:
    """Return where the next row begins, or the list ends."""
    while text[at] in " \t\r\n,":
        at += 1
    return at


def check(url: str, rows: Iterator[tuple[int, Any]]) -> list[Game]:
    """Return the games of a file. Raise if any row is bad."""
    games: dict[str, Game] = {}
    bad = []
    for line, row in rows:
        try:
            game = read(line, row)
            if game.id in games:
                raise ValueError(f"{game.id} is already on line {games[game.id].line}")
            games[game.id] = game
        except ValueError as error:
            bad.append(f"{url}, line {line}: {error}")
    if bad:
        more = [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
        raise PipelineError("\n".join([*bad[:SHOWN], *more, "no game of this file was stored"]))
    if not games:
        raise PipelineError(f"{url}: the file contains no games")
    return list(games.values())


def read(line: int, row: Any) -> Game:
    """Read one game. Raise ``ValueError`` with what is wrong with it."""
    if not isinstance(row, dict) or set(row) != set(FIELDS):
        raise ValueError(f"a game has {', '.join(FIELDS)} and nothing else")
    if not all(isinstance(value, str | int) for value in row.values()):
        raise ValueError("every field of a game is text or a whole number")
    name, sport, home, away = (str(row[field]).strip() for field in FIELDS[:4])
    home_score, away_score = score(row["home_score"]), score(row["away_score"])
    if not (name and home and away) or home == away:
        raise ValueError("a game has an id and two different teams")
    if "\0" in name + home + away:
        raise ValueError("a name contains no zero byte")
    if sport not in SPORTS:
        raise ValueError(f"sports are {', '.join(SPORTS)}, not {sport!r}")
    if home_score == away_score and not SPORTS[sport].draw_margin:
        raise ValueError(f"{sport} has no draws")
    return Game(name, sport, home, away, home_score > away_score, line)


def score(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,4}", str(value).strip(), re.ASCII):
        raise ValueError(f"a score is a whole number from 0 to 9999, not {value!r}")
    return int(value)


def store(url: str, games: list[Game], db: psycopg.Connection) -> tuple[int, int]:
    """Store the games in one transaction. Raise if one is already stored with another result."""
    columns = [[getattr(game, field) for game in games] for field in ("id", "sport", "home", "away", "home_won")]
    with db.transaction():
        new = db.execute(STORE, columns).rowcount
        conflicts = {name for (name,) in db.execute(CONFLICTS, columns)}
        if conflicts:
            bad = [
                f"{url}, line {game.line}: {game.id} is stored with another result"
                for game in games
                if game.id in conflicts
            ]
            raise PipelineError("\n".join([*bad[:SHOWN], f"{len(bad)} in all; no game of this file was stored"]))
    return new, len(games) - new


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GAMES_URL", "")
    try:
        with psycopg.connect() as db:
            new, known = process(url, db)
    except PipelineError as error:
        sys.exit(str(error))
    except psycopg.OperationalError as error:
        sys.exit(f"the database does not answer: {error}")
    print(f"{url}: {new} new games, {known} known")


if __name__ == "__main__":
    main()
