"""What a flag names, and what an earlier version wrote."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.wire.adopted import Adopted, kind_and_name


def test_an_object_is_named_by_its_kind_and_its_whole_name():
    assert kind_and_name("volume:pgdata") == ("volume", "pgdata")
    assert kind_and_name("image:registry.example:5000/tool:1") == ("image", "registry.example:5000/tool:1")


@pytest.mark.parametrize("text", ["pgdata", "volume:", "network:front", ":x", "image"])
def test_any_other_text_is_told(text):
    with pytest.raises(BadInput, match="give volume:NAME or image:NAME"):
        kind_and_name(text)


def test_a_file_of_an_earlier_version_says_nothing_of_images():
    assert Adopted.decode({"v": 1, "volumes": {"pgdata": "then"}}) == Adopted({"pgdata": "then"}, None)
