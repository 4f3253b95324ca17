"""Reading the edge's counts: HAProxy's own table, and what the script of the edge adds to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from switchyard.core import edge_counts, names
from switchyard.core.wire.traffic import AddressTraffic, LiveTraffic, RouteTraffic, Traffic

COMMAND = f"show counts;show table {edge_counts.TABLE}"
"""One call of the runtime API."""
QUANTILE = 0.95
LEAST = 1.0
"""Seconds that a rate looks back at least."""
_DIGITS_MOST = 18
_KEY, _WHOLE = "key", ""
"""What HAProxy calls a row's key, and the part of the row that counts all of a release."""


class _Row(NamedTuple):
    """One row of the table, in the order of the script's columns."""

    total: int = 0
    active: int = 0
    received: int = 0
    sent: int = 0
    first: int = 0
    """``gpc0``: answers 500 and above, or connections that reached the application."""
    second: int = 0
    """``gpc1``: answers that the edge made."""
    refused: int = 0
    """``http_err_cnt``."""


_Rows = dict[str, _Row]
_Key = tuple[str, str, str, str]
"""An address, what it leads to, a colour and its release."""
_COLUMNS = ("conn_cnt", "conn_cur", "bytes_in_cnt", "bytes_out_cnt", "gpc0", "gpc1", "http_err_cnt")


class Reading(NamedTuple):
    """What one call answered."""

    since: float
    now: float
    earlier: float
    """When the rows of ``before`` were current."""
    rows: Mapping[str, _Row]
    before: Mapping[str, _Row]


def read(answer: str) -> Reading | None:
    """Return what the edge counted; None where the answer is of an edge that does not count, or does not know yet."""
    times = (-1.0, 0.0, 0.0)
    rows: _Rows = {}
    before: _Rows = {}
    for line in answer.splitlines():
        kind, *words = line.split(" ")
        if kind == "counts" and len(words) == 3:
            since, now, earlier = (_seconds(word.partition("=")[2]) for word in words)
            times = (since, now, earlier)
        elif kind in ("other", "before"):
            _add(rows if kind == "other" else before, *_of_script(words))
        elif kind.startswith("0x"):
            _add(rows, *_of_table(words))
    return Reading(*times, rows, before) if times[0] >= 0 else None


def _of_script(words: list[str]) -> tuple[str, _Row]:
    name, *numbers = " ".join(words).split(",")
    return name, _Row(*map(_number, numbers)) if len(numbers) == len(_COLUMNS) else _Row()


def _of_table(words: list[str]) -> tuple[str, _Row]:
    values = {name: value for name, _, value in (word.partition("=") for word in words)}
    return values.get(_KEY, ""), _Row(*(_number(values.get(column, "")) for column in _COLUMNS))


def _add(rows: _Rows, key: str, row: _Row) -> None:
    rows[key] = _Row(*map(sum, zip(rows.get(key, _Row()), row, strict=True)))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MOST else 0


def _seconds(text: str) -> float:
    whole, _, part = text.partition(".")
    return _number(whole) + _number(part[:3]) / 1000


def traffic(reading: Reading, live: str = "", release: str = "", live_since: float = 0.0) -> Traffic:
    """Return what the edge counted, with the figures of the live release, which went live at ``live_since``."""
    routes = _routes(reading.rows)
    began = max(reading.earlier, live_since)
    of_live = [route for route in routes if (route.colour, route.release) == (live, release)]
    before = {(route.address, route.leads, route.colour, route.release): route for route in _routes(reading.before)}
    return Traffic(
        since=reading.since,
        live=_live(of_live, before, reading.now - began) if reading.now - began >= LEAST else None,
        routes=tuple(routes),
        addresses=tuple(_addresses(reading.rows)),
    )


def _live(routes: Iterable[RouteTraffic], before: Mapping[_Key, RouteTraffic], seconds: float) -> LiveTraffic:
    """Return the figures of the routes since ``before``."""
    requests, failed, connections, unconnected, websockets = 0, 0, 0, 0, 0
    latency: Counter[str] = Counter()
    for route in routes:
        earlier = before.get((route.address, route.leads, route.colour, route.release))
        total = route.requests - (earlier.requests if earlier else 0)
        bad = route.failed + route.errors - (earlier.failed + earlier.errors if earlier else 0)
        if route.mode == "http":
            requests, failed = requests + max(0, total), failed + max(0, bad)
        else:
            connections, unconnected = connections + max(0, total), unconnected + max(0, bad)
        websockets += route.open_websockets
        latency += Counter(route.latency) - Counter(earlier.latency if earlier else {})
    return LiveTraffic(
        seconds=round(seconds, 3),
        requests=requests,
        failed=failed,
        rate=round(requests / seconds, 3),
        timed=latency.total(),
        p95=quantile(latency),
        websockets=websockets,
        connections=connections,
        unconnected=unconnected,
    )


def quantile(latency: Mapping[str, int], share: float = QUANTILE) -> float | None:
    """Return the bound that this share of the answers took no longer than; None without any, or above the last."""
    needed, seen = share * sum(latency.values()), 0
    for bound in edge_counts.BOUNDS if needed else ():
        seen += latency.get(edge_counts.bucket(bound), 0)
        if seen >= needed:
            return bound
    return None


def _routes(rows: Mapping[str, _Row]) -> list[RouteTraffic]:
    """Return what each release got, without rows of probes and previews."""
    parts: dict[_Key, _Rows] = {}
    for key, row in rows.items():
        address, *words = key.split("|")
        if len(words) in (3, 4) and words[1] in names.COLOURS and address and not address.startswith(edge_counts.PROBE):
            leads, colour, release, part = (*words, "")[:4]
            _add(parts.setdefault((address, leads, colour, release), {}), part, row)
    return [_route(key, parts[key]) for key in sorted(parts)]


def _route(key: _Key, parts: Mapping[str, _Row]) -> RouteTraffic:
    address, leads, colour, release = key
    if edge_counts.TCP in parts:
        row = parts[edge_counts.TCP]
        failed = max(0, row.total - row.first)
        figures = (row.total, 0, failed, row.active, row.received, row.sent)
        return RouteTraffic(address, leads, colour, release, "tcp", *figures)
    row = parts.get(_WHOLE, _Row())
    websockets = parts.get(edge_counts.WEBSOCKETS, _Row())
    figures = (row.total, row.first, row.second, row.active, row.received, row.sent)
    return RouteTraffic(
        *(address, leads, colour, release, "http"),
        *figures,
        latency={name: parts.get(name, _Row()).total for name in edge_counts.buckets()},
        websockets=websockets.total,
        open_websockets=websockets.active,
        events=parts.get(edge_counts.EVENTS, _Row()).total,
        polls=parts.get(edge_counts.POLLS, _Row()).total,
    )


def _addresses(rows: Mapping[str, _Row]) -> list[AddressTraffic]:
    """Return what came to each address. A refusal counts on the connection's row, and so does a 4xx of a release."""
    connections: _Rows = {}
    answered: Counter[str] = Counter()
    for key, row in rows.items():
        address, *words = key.split("|")
        address = address.removeprefix(edge_counts.PROBE)
        if words == [edge_counts.EDGE] and address:
            connections[address] = row
        elif len(words) == 3:
            answered[address] += row.refused
    return [
        AddressTraffic(address, row.total, row.active, max(0, row.refused - answered[address]))
        for address, row in sorted(connections.items())
    ]
