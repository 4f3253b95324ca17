"""The variables of a compose file, read from its own text."""

from __future__ import annotations

import pytest

from switchyard.predeploy.engine.compose_source import Variable, variables_in


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("plain", []),
        ("$$NAME costs $$5", []),
        ("$NAME", [Variable("NAME", required=True, may_be_empty=True)]),
        ("${NAME}", [Variable("NAME", required=True, may_be_empty=True)]),
        ("${NAME:?set it}", [Variable("NAME", required=True, may_be_empty=False)]),
        ("${NAME?set it}", [Variable("NAME", required=True, may_be_empty=True)]),
        ("${NAME:-x}", [Variable("NAME", required=False, may_be_empty=True)]),
        ("${NAME+x}", [Variable("NAME", required=False, may_be_empty=True)]),
        (
            "${ONE:-${OTHER:?}}",
            [
                Variable("ONE", required=False, may_be_empty=True),
                Variable("OTHER", required=True, may_be_empty=False),
            ],
        ),
    ],
)
def test_a_variable_is_required_unless_it_has_a_default(text, variables):
    assert list(variables_in(text)) == variables
