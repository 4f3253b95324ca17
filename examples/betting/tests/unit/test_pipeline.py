"""Files of games: which ones the pipeline reads, and which it refuses, naming the line."""

import json
import socket

import pytest
from tools import serve_files

from betting import pipeline

HEADER = "id,sport,home,away,home_score,away_score\n"
ROW = {"id": "1", "sport": "hockey", "home": "A", "away": "B", "home_score": 3, "away_score": 2}


def games(name: str, content: str | bytes) -> list[pipeline.Game]:
    """Return the games that the pipeline reads from a file of this name, over HTTP."""
    data = content if isinstance(content, bytes) else content.encode()
    with serve_files({name: data}) as url:
        return pipeline.check(url + name, pipeline.rows(url + name, pipeline.download(url + name)))


def refusal(name: str, content: str | bytes) -> str:
    with pytest.raises(pipeline.PipelineError) as refused:
        games(name, content)
    return str(refused.value)


def test_in_a_csv_file_the_score_tells_the_winner() -> None:
    read = games("/g.csv", HEADER + 'a,hockey,Rangers,"Bruins, Boston",3,2\r\nb,tennis,Y,Z,0,2\n')
    assert read == [
        pipeline.Game("a", "hockey", "Rangers", "Bruins, Boston", True, 2),
        pipeline.Game("b", "tennis", "Y", "Z", False, 3),
    ]


def test_each_row_of_a_json_file_has_its_line() -> None:
    text = "[\n" + json.dumps(ROW) + ",\n\n" + json.dumps({**ROW, "id": 2}, indent=1) + "]"
    assert [(game.id, game.line) for game in games("/g.json", text)] == [("1", 2), ("2", 4)]


def test_a_byte_order_mark_is_not_part_of_the_first_field() -> None:
    assert games("/g.csv", ("\ufeff" + HEADER + "a,hockey,A,B,3,2\n").encode())[0].id == "a"


def test_a_draw_is_a_game_that_the_home_team_did_not_win() -> None:
    (draw,) = games("/g.csv", HEADER + "a,soccer,A,B,1,1\n")
    assert draw.home_won is False


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,hockey,A,B,3", "a whole number"),
        ("a,hockey,A,B,3,2,1", "and nothing else"),
        ("a,curling,A,B,3,2", "not 'curling'"),
        ("a,hockey,A,A,3,2", "two different teams"),
        (",hockey,A,B,3,2", "an id"),
        ("a,hockey,A\0,B,3,2", "line"),
        ("a,hockey,A,B,three,2", "not 'three'"),
        ("a,hockey,A,B,-1,2", "not '-1'"),
        ("a,hockey,A,B,2,2", "hockey has no draws"),
        ("good,hockey,A,B,3,2", "good is already on line 2"),
        ('a,hockey,"A"x,B,3,2', "not CSV"),
    ],
)
def test_the_error_of_a_bad_row_names_file_and_line(row: str, words: str) -> None:
    error = refusal("/g.csv", HEADER + "good,hockey,A,B,3,2\n" + row + "\n")
    assert "/g.csv, line 3: " in error and words in error and "stored" in error


@pytest.mark.parametrize("row", [7, {}, {**ROW, "extra": 1}, {**ROW, "home_score": True}, {**ROW, "home": ["A"]}])
def test_the_error_of_a_bad_object_names_file_and_line(row: object) -> None:
    assert "/g.json, line 2: " in refusal("/g.json", "[\n" + json.dumps(row) + "]")


def test_the_error_lists_twenty_bad_rows_and_counts_the_others() -> None:
    lines = refusal("/g.csv", HEADER + "a,curling,A,B,3,2\n" * 25).splitlines()
    assert len(lines) == 22
    assert lines[-2:] == ["and 5 more", "no game of this file was stored"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("/g.json", '[\n{"id": }]', "line 2: not JSON"),
        ("/g.json", '{"id": "1"}', "expected a list of games"),
        ("/g.json", "[ ]", "the file contains no games"),
        ("/g.csv", HEADER, "the file contains no games"),
        ("/g.csv", "id,sport\n1,hockey\n", "line 2: a game has id, sport, home"),
        ("/g.csv", HEADER.encode() + b"\xff,hockey,A,B,3,2\n", "line 2: not UTF-8"),
    ],
)
def test_a_file_that_is_not_a_list_of_games_is_refused(name: str, content: str | bytes, words: str) -> None:
    assert words in refusal(name, content)


def test_a_file_that_is_too_large_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "LIMIT", 10)
    assert "larger than 10 bytes" in refusal("/g.csv", HEADER)


def test_a_file_that_breaks_off_is_not_mistaken_for_a_shorter_one() -> None:
    with (
        serve_files({"/g.csv": HEADER.encode()}, headers={"Content-Length": "100"}) as url,
        pytest.raises(pipeline.PipelineError, match="nothing was stored, try again"),
    ):
        pipeline.download(f"{url}/g.csv")


def test_a_missing_file_is_an_error() -> None:
    with serve_files({}) as url, pytest.raises(pipeline.PipelineError, match="404"):
        pipeline.download(f"{url}/g.csv")


def test_a_source_that_does_not_answer_in_time_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/g.csv"
        with pytest.raises(pipeline.PipelineError, match="timed out"):
            pipeline.download(url)


@pytest.mark.parametrize("url", ["", "g.csv", "file:///etc/passwd", "ftp://127.0.0.1/g.csv"])
def test_only_http_and_https_are_downloaded(url: str) -> None:
    with pytest.raises(pipeline.PipelineError, match="http or https"):
        pipeline.download(url)
