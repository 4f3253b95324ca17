"""What the edge counts: the lines of its configuration that count, and the maps that they read.

A row of the table has a key of parts between bars: an address, what it leads to, a colour, its release, and what of it
the row counts. A table does not outlive its process, and a process that a reload replaced counts on while it ends:
``edge_script`` carries its rows over.
"""

from __future__ import annotations

from switchyard.core.app import Route
from switchyard.core.haproxy import word

TABLE = "edge/counts"
"""The table is one of disabled peers: once a reload replaced its process, HAProxy empties that of a backend."""
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds: the upper bounds of the histogram's buckets. One more bucket holds what took longer."""
OVER = "over"
"""The bucket of what took longer than every bound."""
WEBSOCKETS, EVENTS, POLLS, TCP, EDGE = "websockets", "events", "polls", "tcp", "edge"
"""Other parts of a row's key: three for what is open for as long as it likes, and so stands apart from the histogram;
connections in TCP mode; and connections of an address, whatever they lead to."""
PROBE_HEADER = "X-Switchyard-Probe"
"""Carries a secret of the attempt. A request that has it is not counted, and no application sees it."""
POLL_HEADER = "X-Switchyard-Long-Poll"
"""By this header an application says that an answer waited for news on purpose."""
PROBES = "probes"
"""The map of the secrets that probes carry."""
PROBE = "probe:"
"""Begins the address in rows of probes. In those of previews it is empty."""

_LOCAL = "edge"
_ADDRESS, _RELEASE, _PART = 3, 4, 5
"""The stick counters of a connection's row and of a request's two. Those below are free for limits per source."""


def bucket(bound: float) -> str:
    """Return what a row's key calls the bucket up to a bound."""
    return f"{bound:g}"


def buckets() -> list[str]:
    """Return what the keys call the buckets, in their order."""
    return [*map(bucket, BOUNDS), OVER]


def buckets_map() -> str:
    """Return the map of milliseconds to buckets. A time that equals a bound is in the bucket below it."""
    lines, least = [], 0
    for bound in BOUNDS:
        most = round(bound * 1000)
        lines.append(f"{least}:{most} {bucket(bound)}\n")
        least = most + 1
    return "".join(lines)


def probes_map(secret: str) -> str:
    """Return the map of the secrets that probes carry: one, or none."""
    return f"{word(secret)} {PROBE}\n" if secret else ""


def global_lines(home: str) -> str:
    """Return the lines of the section ``global``. An edge whose HAProxy has no Lua counts, and nobody reads it."""
    return f"""  tune.stick-counters {_PART + 1}
  localpeer {_LOCAL}
  stats maxconn 100
  .if feature(LUA)
    lua-load {home}/cfg/counts.lua
  .endif
"""


def table() -> str:
    """Return the section of the table."""
    columns = "conn_cnt,conn_cur,bytes_in_cnt,bytes_out_cnt,gpc0,gpc1,http_err_cnt"
    peers, name = TABLE.split("/")
    return (
        f"peers {peers}\n  disabled\n  server {_LOCAL}\n  table {name} type string len 255 size 10k store {columns}\n"
    )


def frontend(address: str, home: str, *, is_http: bool) -> list[str]:
    """Return the lines that count an address's connections, and tell probes. A preview has none of them."""
    probe = f"req.hdr({PROBE_HEADER}),map({home}/maps/{PROBES}.map)"
    lines = [
        f"  tcp-request session set-var(sess.address) str({word(address)})",
        f"  tcp-request session track-sc{_ADDRESS} str({word(address)}|{EDGE}) table {TABLE}",
    ]
    if is_http:
        lines.append(f"  http-request set-var(txn.probe) {probe} if {{ {probe} -m found }}")
        lines.append(f"  http-request del-header {PROBE_HEADER}")
    return lines


def backend(route: Route, colour: str, release: str, home: str) -> list[str]:
    """Return the lines that count what reaches a backend. ``release`` is the format of its release."""
    key = f"%[var(txn.probe)]%[var(sess.address)]|{word(route.name)}|{word(colour)}|{release}"
    return _tcp(key) if route.mode == "tcp" else _http(key, home)


def _tcp(key: str) -> list[str]:
    """Return the lines of a backend in TCP mode: connections, and those that reached the application."""
    return [
        f'  tcp-request content set-var-fmt(txn.counted) "{key}|{TCP}"',
        f"  tcp-request content track-sc{_RELEASE} var(txn.counted) table {TABLE}",
        f"  tcp-response content sc-inc-gpc0({_RELEASE})",  # its first evaluation: the connection is made
    ]


def _http(key: str, home: str) -> list[str]:
    """Return the lines of a backend in HTTP mode.

    The time of an answer is the wait for a place, for the connection, and for the headers of the answer.
    """
    return [
        f'  http-request set-var-fmt(txn.counted) "{key}"',
        f"  http-request track-sc{_RELEASE} var(txn.counted) table {TABLE}",
        "  http-request set-var(txn.polls) bool(true) if { url_param(transport) -m str polling } METH_GET",
        "  http-response set-var(txn.queue) req.timer.queue",
        "  http-response set-var(txn.connect) bc.timer.connect",
        "  http-response set-var(txn.part) res.timer.hdr,add(txn.queue),add(txn.connect),"
        f"map_int({home}/cfg/buckets.map,{OVER})",
        f"  http-response set-var(txn.part) str({POLLS}) if {{ var(txn.polls) -m bool }}",
        f"  http-response set-var(txn.part) str({POLLS}) if {{ res.hdr({POLL_HEADER}) -m found }}",
        f"  http-response set-var(txn.part) str({EVENTS}) if {{ res.hdr(content-type) -i -m beg text/event-stream }}",
        f"  http-response set-var(txn.part) str({WEBSOCKETS}) if {{ status 101 }}",
        '  http-response set-var-fmt(txn.parted) "%[var(txn.counted)]|%[var(txn.part)]"',
        f"  http-response track-sc{_PART} var(txn.parted) table {TABLE}",
        f"  http-response sc-inc-gpc0({_RELEASE}) if {{ status ge 500 }}",
        f"  http-after-response sc-inc-gpc1({_RELEASE}) if !{{ var(txn.parted) -m found }}",
    ]
