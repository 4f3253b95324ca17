"""What logins to any kind of server have in common."""

from __future__ import annotations

import pytest

from switchyard.predeploy.configuration.logins import Login, distinct, variable_of


def test_a_login_that_two_services_use_is_tried_once_and_names_both():
    one = Login("web (DB_PASSWORD)", "app", "x", "shop")
    other = Login("worker (DSN)", "app", "x", "shop")
    assert list(distinct([one, other, one])) == [Login("web (DB_PASSWORD), worker (DSN)", "app", "x", "shop")]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"PASSWORD": "x"}, "PASSWORD"),
        ({"PASSWORD": "", "PASSWORD_FILE": "/x"}, "PASSWORD_FILE"),
        ({"PASSWORD": "x", "PASSWORD_FILE": "/x"}, "PASSWORD"),
        ({}, "PASSWORD"),
    ],
)
def test_the_variable_that_sets_a_value_is_named_before_the_one_of_its_file(variables, name):
    assert variable_of("PASSWORD", variables) == name
