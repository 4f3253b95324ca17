"""Every parser of outside text, with texts to start from: whatever it is fed, it answers or refuses in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from switchyard.control import lfs
from switchyard.core import journal
from switchyard.core.compose_document import Document
from switchyard.core.dockerfile import copied, recipe
from switchyard.core.errors import SwitchyardError
from switchyard.core.lease import Lease
from switchyard.core.traffic import traffic
from switchyard.core.tree import entries
from switchyard.core.tree_pattern import problem_of
from switchyard.core.wire import events, json_text
from switchyard.core.wire.request import Request
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.channel.frames import FrameParser
from switchyard.predeploy.database.read_only import require_read_only
from switchyard.settings import bounded_yaml, yaml_file

FOUND = Path(__file__).parents[1] / "found"
"""A folder for each parser, with the inputs that once got past it."""


@dataclass(frozen=True)
class Parser:
    """One parser."""

    name: str
    parse: Callable[[bytes], object]
    seeds: Sequence[bytes]
    """Texts that it reads, to be changed here and there."""
    tokens: Sequence[bytes] = ()
    """What is put in between, beside any bytes."""

    def refuses_or_reads(self, data: bytes) -> None:
        """Raise what the parser raises, unless it is an error that a person reads."""
        try:
            self.parse(data)
        except SwitchyardError as error:
            assert str(error), "it is refused without a word"

    def kept(self) -> list[bytes]:
        """Return the inputs that once got past it."""
        return [path.read_bytes() for path in sorted((FOUND / self.name).glob("*"))]


class _Edge(Proxy):
    """An edge whose every answer is the input."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(Layout(Path("/nowhere")))
        self._answer = answer.decode(errors="replace")

    def say(self, command: str) -> str:
        return self._answer


def _edge(data: bytes) -> None:
    edge = _Edge(data)
    edge.live(), edge.backends(), edge.servers_up("a_blue"), edge.process()
    edge.connections("blue"), edge.aborted("blue")
    edge.resume("blue")
    if (reading := edge.counts()) is not None:
        traffic(reading, "blue", "r", 1.0).encode()


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode(errors="replace"))


def _frames(data: bytes) -> None:
    parser = FrameParser()
    for part in (data[:7], data[7:]):
        for _ in parser.feed(part):
            pass


def _dockerfile(text: str) -> None:
    recipe(text, None, {}, {})
    copied(text, None)


JSON = (b"[", b"]", b"{", b"}", b'"', b",", b":", b"null", b"true", b"-1", b"1e999", b"NaN", b"9" * 30, b'"\\ud800"')
YAML = (
    b"&a ",
    b"*a",
    b"<<: ",
    b"- ",
    b": ",
    b"\n",
    b"  ",
    b"{",
    b"[",
    b"!!",
    b"!!int ",
    b"!!timestamp ",
    b"? ",
    b"|\n",
)
SETTINGS = b"""app:
  name: shop
  routes: [{service: web, port: 8000, listen: 80}]
  migrations: {service: db, files: "migrations/*.sql"}
hosts:
  prod: {machines: [{name: a, address: 10.0.0.1}], env: {files: [.env]}}
"""
ENTRY = (
    b'{"v":1,"seq":1,"before":"0000000000000000","attempt":"20260101T000000Z-deploy-1a2b3c4d","release":null,'
    b'"host":"prod","step":"deploy","what":"live","exit":0,"who":"a","was":null,"why":"","wall":1.5,"boot":2.5}'
)
COMPOSE = (
    b'{"name":"shop","services":{"web":{"image":"a:1","build":{"context":".","args":{"A":"1"}},"ports":[{"target":80,'
    b'"published":"80"}],"volumes":[{"type":"bind","source":"./a","target":"/a"}],"environment":{"A":"1"},'
    b'"depends_on":{"db":{"condition":"service_healthy"}},"healthcheck":{"test":["CMD","a"]}}},"volumes":{"data":{}},'
    b'"networks":{"default":{}},"secrets":{"a":{"file":"./a"}}}'
)
STATISTICS = b"# pxname,svname\na_blue,web1,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0,UP,1\na_blue,BACKEND,0,0,1"
COUNTS = (
    b"counts since=1.5 now=9.5 before=1.5\nother a|web-80|blue|r|0.05,1,0,10,10,0,0,0\n"
    b"before a|web-80|blue|r,1,0,1,1,0,0,0\n0x1: key=a|web-80|blue|r use=0 gpc0=0 conn_cnt=1 conn_cur=0 "
    b"http_err_cnt=1 bytes_in_cnt=1 bytes_out_cnt=1 gpc1=0\n0x2: key=a|edge use=0 conn_cnt=1 conn_cur=0"
)
REQUEST = b'{"v":1,"verb":"x","app":"a","root":"~"}'
EVENT = b'{"v":1,"event":"progress","text":"a"}'
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"
PARSERS = (
    Parser("settings", _text(lambda text: yaml_file.parse(text, "invoke.yaml")), [SETTINGS], YAML),
    Parser("yaml", _text(lambda text: bounded_yaml.compose(text, "a.yaml")), [SETTINGS, b"a: 2024-01-01"], YAML),
    Parser("json", json_text.parse, [COMPOSE, ENTRY], JSON),
    Parser("compose", lambda data: Document.decode(json_text.parse(data)), [COMPOSE], JSON),
    Parser("dockerfile", _text(_dockerfile), [b'FROM a AS b\nARG V=1\nCOPY --chown=a ["x", "y"]\nADD <<E f\nE\n']),
    Parser("git-names", lambda data: entries(b"100644 blob " + b"a" * 40 + b"\t" + data), [b"a/b.txt", b"A/.GIT/x"]),
    Parser("patterns", _text(problem_of), [b"migrations/*.sql"], [b"../", b"**/", b"/"]),
    Parser("journal", lambda data: journal.read(data.decode(errors="replace").splitlines()), [ENTRY + b"\n"], JSON),
    Parser("lease", lambda data: Lease.decode(json_text.parse(data)), [b'{"v":1,"number":3,"attempt":"a"}'], JSON),
    Parser("frames", _frames, [b'{"say": "receive", "bytes": 3}\nabc{"say": "beat"}\n'], [*JSON, b"\n"]),
    Parser(
        "request",
        lambda data: Request.decode(json_text.parse(data)),
        [REQUEST],
        JSON,
    ),
    Parser("events", lambda data: events.decode(json_text.parse(data)), [EVENT], JSON),
    Parser(
        "edge",
        _edge,
        [STATISTICS, b"0x1 live blue\nPid: 12\n4 a_blue 1 web1 10.0.0.1 2 8 1", COUNTS],
        [b",", b" ", b"\n", b"|", b"="],
    ),
    Parser(
        "pointers",
        lambda data: lfs.parse(data),
        [POINTER],
    ),
    Parser("sql", _text(require_read_only.__wrapped__), [b"SELECT a.b, f(1) FROM a WHERE x = 'y'"]),
)


@st.composite
def inputs(draw: st.DrawFn, parser: Parser) -> bytes:
    """Draw one of a parser's texts with some changes, or any bytes."""
    data = draw(st.sampled_from([*parser.seeds, b""]))
    pieces = st.one_of(st.binary(max_size=8), st.sampled_from([*parser.tokens, b"\0", b"\xff", "é\u2028".encode()]))
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.integers(0, 12)))
        data = data[:begin] + draw(pieces) * draw(st.sampled_from([1, 1, 1, 2, 200])) + data[end:]
    return data
