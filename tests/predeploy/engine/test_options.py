"""Which checks the command line asks for."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.engine.options import CheckOptions, chosen, is_named, require_known
from tests.harness.check_runs import check, passes

LINT = check("lint", passes)


def test_a_check_is_chosen_by_its_name_and_by_its_group():
    assert chosen([LINT], CheckOptions()) == [LINT]
    assert chosen([LINT], CheckOptions(only=("code",))) == [LINT]
    assert chosen([LINT], CheckOptions(only=("unit",))) == []
    assert is_named(LINT, ["lint"]) and not is_named(LINT, ["lin"])


def test_an_unknown_name_gets_the_nearest_known_one():
    with pytest.raises(BadInput, match="no check is called 'lnt'; did you mean lint"):
        require_known(CheckOptions(skip=("lnt",), reason="x"), [LINT])


@pytest.mark.parametrize("options", [CheckOptions(skip=("lint",)), CheckOptions(allow_unknown=("lint",))])
def test_an_override_needs_a_reason(options):
    with pytest.raises(BadInput, match="need --reason"):
        require_known(options, [LINT])
