"""What an edge that an older Switchyard created lacks, by its published document."""

from __future__ import annotations

import pytest

from switchyard.core import edge, edge_container
from switchyard.core.app import Route
from switchyard.core.edge_container import HARDENED, describe, lacking
from switchyard.core.held_routes import held_for
from switchyard.core.wire.message import Json

HELD = held_for([Route("web", 80, 8080)], 1)


def document(image: str = "sha256:abc", first_port: int = 20000) -> dict[str, Json]:
    previews = {name: first_port + number for number, name in enumerate(edge.preview_names(HELD))}
    return edge.document("shop", HELD, previews, home="/srv/edge", user="1000:1000", image=image, engine="26.1")


def changed(**keys: Json) -> dict[str, Json]:
    """Return a document whose service has these keys instead; None removes one."""
    made = document()
    service = {**made["services"]["edge"], **keys}  # type: ignore[index,call-overload]
    return {**made, "services": {"edge": {key: value for key, value in service.items() if value is not None}}}


def test_an_edge_of_today_lacks_nothing_whatever_its_image_and_previews() -> None:
    assert lacking(document("sha256:older", 30000), document()) == ()


@pytest.mark.parametrize("key", HARDENED)
def test_each_wall_that_is_missing_is_named(key: str) -> None:
    lacks = lacking(changed(**{key: None}), document())
    assert lacks == (key,)
    assert describe(lacks, "prod").startswith(f"the edge is not hardened ({key}). inv edge.apply --host prod")


def test_what_is_new_for_another_reason_is_told_by_its_key_and_is_no_missing_wall() -> None:
    assert lacking(changed(volumes=[], former=True), document()) == ("volumes", "former")
    assert describe(("volumes",), "prod").startswith("the edge is of an older Switchyard (volumes).")


@pytest.mark.parametrize("damaged", [[], {"services": []}, {"services": {"edge": "x"}}])
def test_of_a_damaged_document_nothing_is_guessed(damaged: Json) -> None:
    assert lacking(damaged, document()) == ()


def test_the_edge_runs_as_the_ssh_user_and_never_as_root() -> None:
    assert edge_container.user(1000) == 1000
    assert edge_container.user(0) == edge_container.NOBODY
