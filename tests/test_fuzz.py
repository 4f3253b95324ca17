"""Whatever somebody else writes, a parser reads it or refuses it in words. ``nox -s fuzz`` looks for more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.harness.parsers import PARSERS, Parser, inputs

PARSED = pytest.mark.parametrize("parser", PARSERS, ids=[parser.name for parser in PARSERS])


@PARSED
def test_an_input_that_once_got_past_a_parser_does_not_any_more(parser: Parser) -> None:
    for data in [*parser.seeds, *parser.kept()]:
        parser.refuses_or_reads(data)


@PARSED
def test_a_parser_reads_or_refuses_what_it_is_fed(parser: Parser) -> None:
    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(inputs(parser))
    def feed(data: bytes) -> None:
        parser.refuses_or_reads(data)

    feed()


def test_a_parser_that_ends_in_a_traceback_is_found() -> None:
    with pytest.raises(IndexError):
        Parser("broken", lambda data: data[5], [b"abcdef"]).refuses_or_reads(b"a")
