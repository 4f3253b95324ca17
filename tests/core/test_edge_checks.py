"""How the edge checks containers, as text."""

import pytest

from switchyard.core import edge_checks


@pytest.mark.parametrize(("backends", "interval"), [(1, 300), (4, 300), (5, 750), (20, 3000), (64, 3000)])
def test_many_backends_are_checked_less_often_each(backends, interval):
    assert edge_checks.words(backends).startswith(f"check inter {interval}ms downinter 300ms ")
