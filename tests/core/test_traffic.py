"""What the edge's answers say of its traffic: answers of a real HAProxy 3.0, and what is no answer."""

from __future__ import annotations

import pytest

from switchyard.core import edge_counts, traffic
from switchyard.core.wire.traffic import AddressTraffic, LiveTraffic, RouteTraffic, Traffic

RELEASE = "20260101T000000Z-aaaaaaa"
BLUE = f"0.0.0.0:80|web-8000|blue|{RELEASE}"
TABLE = f"""
# table: edge/counts, type: string, size:10240, used:11
0x7f0de894ea68: key=0.0.0.0:6379|edge use=0 exp=0 shard=0 gpc0=0 conn_cnt=1 conn_cur=0 http_err_cnt=0 bytes_in_cnt=75 \
bytes_out_cnt=53 gpc1=0
0x7f0de8bae1e8: key=probe:{BLUE} use=0 exp=0 shard=0 gpc0=0 conn_cnt=2 conn_cur=0 http_err_cnt=1 bytes_in_cnt=212 \
bytes_out_cnt=128 gpc1=0
0x7f0de894dfe8: key=0.0.0.0:80|edge use=0 exp=0 shard=0 gpc0=0 conn_cnt=9 conn_cur=0 http_err_cnt=3 bytes_in_cnt=840 \
bytes_out_cnt=744 gpc1=0
0x7f0de8bae028: key={BLUE}|polls use=0 exp=0 shard=0 gpc0=0 conn_cnt=2 conn_cur=0 http_err_cnt=0 bytes_in_cnt=186 \
bytes_out_cnt=151 gpc1=0
0x7f0de894ec28: key=0.0.0.0:6379|queue-8000|blue|{RELEASE}|tcp use=0 exp=0 shard=0 gpc0=1 conn_cnt=3 conn_cur=0 \
http_err_cnt=0 bytes_in_cnt=75 bytes_out_cnt=53 gpc1=0
0x7f0de894e368: key={BLUE}|0.05 use=0 exp=0 shard=0 gpc0=0 conn_cnt=3 conn_cur=0 http_err_cnt=1 bytes_in_cnt=265 \
bytes_out_cnt=192 gpc1=0
0x7f0de894e1a8: key={BLUE} use=0 exp=0 shard=0 gpc0=1 conn_cnt=7 conn_cur=0 http_err_cnt=1 bytes_in_cnt=628 \
bytes_out_cnt=616 gpc1=1
0x7f0de894e6e8: key=|web-8000|blue|{RELEASE} use=0 exp=0 shard=0 gpc0=0 conn_cnt=1 conn_cur=0 http_err_cnt=0 \
bytes_in_cnt=82 bytes_out_cnt=64 gpc1=0
0x7f0de894e528: key={BLUE}|0.25 use=0 exp=0 shard=0 gpc0=0 conn_cnt=1 conn_cur=0 http_err_cnt=0 bytes_in_cnt=86 \
bytes_out_cnt=64 gpc1=0

"""
HEAD = "counts since=1000.500 now=1100.250 before=1000.500\n"
OTHER = f"other {BLUE},7,0,628,616,1,1,1\nother {BLUE}|0.05,3,0,265,192,0,0,1\n"
BUCKETS = dict.fromkeys(edge_counts.buckets(), 0)


def counted(answer: str, live_since: float = 0.0) -> Traffic:
    reading = traffic.read(answer)
    assert reading is not None
    return traffic.traffic(reading, "blue", RELEASE, live_since)


def route(answer: str, mode: str = "http") -> RouteTraffic:
    (found,) = [each for each in counted(answer).routes if each.mode == mode]
    return found


def test_a_release_s_rows_become_one_and_neither_probes_nor_previews_are_among_them() -> None:
    answer = counted(HEAD + TABLE)
    latency = BUCKETS | {"0.05": 3, "0.25": 1}
    figures = {"requests": 7, "errors": 1, "failed": 1, "active": 0, "received": 628, "sent": 616, "polls": 2}
    assert answer.routes == (
        RouteTraffic("0.0.0.0:6379", "queue-8000", "blue", RELEASE, "tcp", 3, 0, 2, 0, 75, 53),
        RouteTraffic("0.0.0.0:80", "web-8000", "blue", RELEASE, "http", latency=latency, **figures),
    )
    assert answer.since == 1000.5


def test_a_refusal_is_told_from_an_answer_4xx_of_the_application_also_to_a_probe() -> None:
    assert counted(HEAD + TABLE).addresses == (
        AddressTraffic("0.0.0.0:6379", 1, 0, 0),
        AddressTraffic("0.0.0.0:80", 9, 0, 1),
    )


def test_the_rows_of_all_processes_are_added_up() -> None:
    both = route(HEAD + OTHER + TABLE)
    assert (both.requests, both.errors, both.failed, both.latency["0.05"]) == (14, 2, 2, 6)


def test_the_figures_of_the_live_release_look_back_to_the_rows_of_before_or_to_its_switch() -> None:
    before = f"before {BLUE},3,0,0,0,0,1,1\nbefore {BLUE}|0.05,2,0,0,0,0,0,0\n"
    assert counted(HEAD + before + TABLE).live == LiveTraffic(99.75, 4, 1, 0.04, 2, 0.25, 0, 3, 2)
    since_switch = counted(HEAD + before + TABLE, live_since=1080.25).live
    assert since_switch is not None and (since_switch.seconds, since_switch.rate) == (20.0, 0.2)
    assert counted(HEAD + TABLE, live_since=1100.0).live is None, "a rate needs a second"


@pytest.mark.parametrize(
    ("latency", "p95"),
    [
        ({}, None),
        ({"0.05": 95, "5": 5}, 0.05),
        ({"0.05": 94, "5": 6}, 5.0),
        ({"0.1": 1}, 0.1),
        ({"over": 1}, None),
        ({"30": 96, "over": 4}, 30.0),
    ],
)
def test_a_quantile_is_the_bound_that_so_many_took_no_longer_than(latency, p95) -> None:
    assert traffic.quantile(latency) == p95


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "waiting\n" + TABLE,
        "Unknown command: 'show', but maybe one of the following ones is a better match:\n  show table\n",
        "Unknown command: 'show counts'\n\nNo such table\n",
        TABLE,
        "counts since=1\n",
    ],
    ids=["down", "reloaded", "older", "no-table", "no-script", "cut"],
)
def test_what_no_edge_counted_is_unknown_and_never_zero(answer: str) -> None:
    assert traffic.read(answer) is None


@pytest.mark.parametrize(
    "line",
    [
        "other",
        "other x",
        "other a|b|blue|r,1,2",
        "other a|b|red|r,1,1,1,1,1,1,1",
        "other a|b|blue|r|x|y,1,1,1,1,1,1,1",
        "0x1: key=",
        "0x1: use=1",
        "other a|edge|x,1,1,1,1,1,1,1",
        f"other |edge,{'9' * 30},1,1,1,1,1,1",
    ],
)
def test_a_row_that_is_none_counts_nothing(line: str) -> None:
    answer = counted(f"{HEAD}{line}\n")
    assert all(each.requests == 0 for each in answer.routes) and not answer.addresses
