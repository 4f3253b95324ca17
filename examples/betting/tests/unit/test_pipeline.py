"""Files of games: what is read, and what is refused with its line."""

import json
import socket

import pytest
from tools import serve_files

from betting import pipeline

HEADER = "id,sport,home,away,home_score,away_score\n"
ROW = {"id": "1", "sport": "hockey", "home": "A", "away": "B", "home_score": 3, "away_score": 2}


def games(name: str, content: str | bytes) -> list[pipeline.Game]:
    """What the pipeline reads from a file of this name, over HTTP."""
    data = content if isinstance(content, bytes) else content.encode()
    with serve_files({name: data}) as url:
        return pipeline.check(url + name, pipeline.rows(url + name, pipeline.download(url + name)))


def refusal(name: str, content: str | bytes) -> str:
    with pytest.raises(pipeline.PipelineError) as refused:
        games(name, content)
    return str(refused.value)


def test_csv_is_read_with_the_winner_by_the_score() -> None:
    found = games("/g.csv", HEADER + 'a,hockey,Rangers,"Bruins, Boston",3,2\r\nb,tennis,Y,Z,0,2\n')
    assert found == [
        pipeline.Game("a", "hockey", "Rangers", "Bruins, Boston", True, 2),
        pipeline.Game("b", "tennis", "Y", "Z", False, 3),
    ]


def test_json_is_read_with_the_line_of_each_row() -> None:
    text = "[\n" + json.dumps(ROW) + ",\n\n" + json.dumps({**ROW, "id": 2}, indent=1) + "]"
    assert [(game.id, game.line) for game in games("/g.json", text)] == [("1", 2), ("2", 4)]


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    assert games("/g.csv", ("\ufeff" + HEADER + "a,hockey,A,B,3,2\n").encode())[0].id == "a"


def test_a_draw_is_a_game_that_home_did_not_win() -> None:
    (draw,) = games("/g.csv", HEADER + "a,soccer,A,B,1,1\n")
    assert draw.home_won is False


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,hockey,A,B,3", "a whole number"),
        ("a,hockey,A,B,3,2,1", "and nothing else"),
        ("a,curling,A,B,3,2", "not 'curling'"),
        ("a,hockey,A,A,3,2", "two different teams"),
        (",hockey,A,B,3,2", "an id"),
        ("a,hockey,A\0,B,3,2", "line"),
        ("a,hockey,A,B,three,2", "not 'three'"),
        ("a,hockey,A,B,-1,2", "not '-1'"),
        ("a,hockey,A,B,2,2", "hockey knows no draw"),
        ("good,hockey,A,B,3,2", "good stands on line 2 already"),
        ('a,hockey,"A"x,B,3,2', "not CSV"),
    ],
)
def test_a_bad_row_is_told_with_file_and_line(row: str, told: str) -> None:
    said = refusal("/g.csv", HEADER + "good,hockey,A,B,3,2\n" + row + "\n")
    assert "/g.csv, line 3: " in said and told in said and "stored" in said


@pytest.mark.parametrize("row", [7, {}, {**ROW, "extra": 1}, {**ROW, "home_score": True}, {**ROW, "home": ["A"]}])
def test_a_bad_object_is_told_with_file_and_line(row: object) -> None:
    assert "/g.json, line 2: " in refusal("/g.json", "[\n" + json.dumps(row) + "]")


def test_all_bad_rows_are_told_and_the_list_has_an_end() -> None:
    said = refusal("/g.csv", HEADER + "a,curling,A,B,3,2\n" * 25).splitlines()
    assert len(said) == 22
    assert said[-2:] == ["and 5 more", "nothing of this file was stored"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("/g.json", '[\n{"id": }]', "line 2: not JSON"),
        ("/g.json", '{"id": "1"}', "a list of games is expected"),
        ("/g.json", "[ ]", "no games in it"),
        ("/g.csv", HEADER, "no games in it"),
        ("/g.csv", "id,sport\n1,hockey\n", "line 2: a game has id, sport, home"),
        ("/g.csv", HEADER.encode() + b"\xff,hockey,A,B,3,2\n", "line 2: not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(name: str, content: str | bytes, told: str) -> None:
    assert told in refusal(name, content)


def test_a_file_that_is_too_large_is_not_read_to_its_end(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "LIMIT", 10)
    assert "larger than 10 bytes" in refusal("/g.csv", HEADER)


def test_a_file_that_breaks_off_is_not_taken_for_a_shorter_one() -> None:
    with (
        serve_files({"/g.csv": HEADER.encode()}, headers={"Content-Length": "100"}) as url,
        pytest.raises(pipeline.PipelineError, match="nothing was stored, try again"),
    ):
        pipeline.download(f"{url}/g.csv")


def test_a_missing_file_is_told() -> None:
    with serve_files({}) as url, pytest.raises(pipeline.PipelineError, match="404"):
        pipeline.download(f"{url}/g.csv")


def test_a_source_that_does_not_answer_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/g.csv"
        with pytest.raises(pipeline.PipelineError, match="timed out"):
            pipeline.download(url)


@pytest.mark.parametrize("url", ["", "g.csv", "file:///etc/passwd", "ftp://127.0.0.1/g.csv"])
def test_only_http_is_downloaded(url: str) -> None:
    with pytest.raises(pipeline.PipelineError, match="http or https"):
        pipeline.download(url)
