"""Parameters of the common drivers."""

from __future__ import annotations

from switchyard.predeploy.database.query_parameters import numbered


def test_parameters_of_drivers_become_the_servers_own() -> None:
    for text, becomes in (
        ("a = %s AND b = %s", "a = $1 AND b = $2"),
        ("a = %(x)s OR b = %(x)s OR c = %(y)s", "a = $1 OR b = $1 OR c = $2"),
        ("a = :x AND b::text = ':no' -- :no %s", "a = $1 AND b::text = ':no' -- :no %s"),
        ("a % 2 = $1 AND a %% 2 = 0", "a % 2 = $1 AND a % 2 = 0"),
    ):
        assert numbered(text) == becomes
