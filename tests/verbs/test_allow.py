"""``inv allow`` parses what its flags name, and names each mistake."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.wire.allowance import Allowance
from switchyard.verbs.allow import allow, parse


def test_the_flags_are_one_allowance_in_one_spelling():
    send = "https://X.test:443/path=A,B SCORES_URL=C https://x.test=D"
    expected = Allowance(("T",), {"https://x.test": ("A", "B", "D"), "SCORES_URL": ("C",)}, ("~/a",))
    assert parse(("T",), send, ("~/a",)) == expected
    assert not parse((), "", ())


def test_every_mistake_is_told_at_once():
    with pytest.raises(BadInput) as caught:
        parse(("A-B",), "x.test=A https://x.test https://u@x.test=A URL=1", ())
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "--send x.test=A",
        "--send https",
        "--send https",
        "--env A-B",
        "--send 1",
    ]


def test_what_is_printed_for_an_allowance_is_read_back():
    allowance = Allowance(("T",), {"https://x.test:8443": ("A",), "URL": ()}, ("~/a",))
    assert allowance.flags() == "--env T --send 'https://x.test:8443=A URL=' --files '~/a'"
    assert parse(("T",), "https://x.test:8443=A URL=", ("~/a",)) == allowance


def test_an_object_without_its_kind_is_told_before_any_host_is_asked(tmp_path):
    with pytest.raises(BadInput, match="--objects pgdata: give volume:NAME or image:NAME"):
        allow(tmp_path, "prod", Allowance(), objects=("pgdata",), take_back=False, reason="why")
