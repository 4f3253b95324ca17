"""Attacks on what an application uses and did not create: an object of another one, or one that replaced its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core import image_names
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.pull_policy import Answer
from switchyard.core.wire.adopted import Adopted
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine, ledger, registry
from switchyard.host.adapters.engine import Origin
from switchyard.host.adapters.ledger import Ledger
from switchyard.host.adapters.store import Store
from switchyard.host.release_images import Needed, choose_images
from tests.harness.attack import Attack, promises
from tests.harness.release_record import RECORD

FIRST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
ONE, TWO = ("sha256:" + digit * 64 for digit in "12")
NAMES = ("pgdata", "shop_db", "a_b_c", "media", "shared.files")
LIVED = replace(RECORD, state="good", since=1.0)
NONE: Mapping[str, Origin] = {}
Folder = Callable[[Path], bool]


def request(app: str = "shop", *objects: str) -> Request:
    return Request("allow", app, "~/apps/shop", host="prod", adopt=objects)


def _store(folder: Path, *, lived: bool) -> Store:
    store = Store(folder / "root")
    store.prepare()
    if lived:
        store.releases.write(LIVED)
    return store


def _show(patch: pytest.MonkeyPatch, volumes: Mapping[str, Origin], images: Mapping[str, Origin] = NONE) -> None:
    """Let the engine have these objects. An image is there by its id, too."""
    everything = {**images, **{origin.id: origin for origin in images.values()}}
    patch.setattr(engine, "volume_origin", volumes.get)
    patch.setattr(engine, "image_origin", everything.get)
    patch.setattr(engine, "image_id", lambda name: everything[name].id if name in everything else None)
    patch.setattr(engine, "image_digests", lambda name: ())
    patch.setattr(engine, "containers", lambda *labels: [])


def uses(folder: Path, app: str, before: Mapping[str, Origin], now: Mapping[str, Origin], *allowed: str) -> bool:
    """Deploy with what there was before, and return whether the application then uses what there is now."""
    store = _store(folder, lived=False)
    with pytest.MonkeyPatch.context() as patch:
        try:
            _show(patch, before)
            store.ledger.adopt(before)
            store.releases.write(replace(LIVED, name=app))
            _show(patch, now)
            if allowed:
                store.ledger.accept(request(app, *allowed))
            return not store.ledger.reasons(request(app), now)
        except SwitchyardError:
            return False


def others(app: str, other: str, name: str) -> Folder:
    return lambda folder: uses(folder, app, {}, {name: Origin(other, FIRST)})


def own(app: str, name: str) -> Folder:
    return lambda folder: uses(folder, app, {}, {name: Origin(app, FIRST)})


def replaced(name: str, by: Origin, *allowed: str) -> Folder:
    return lambda folder: uses(folder, "shop", {name: Origin("", FIRST)}, {name: by}, *allowed)


def kept(name: str) -> Folder:
    return replaced(name, Origin("", FIRST))


def later(name: str, *allowed: str) -> Folder:
    return lambda folder: uses(folder, "shop", {}, {name: Origin("", FIRST)}, *allowed)


def damaged(data: bytes) -> Folder:
    """Make the ledger forget by damaging it."""

    def gets_through(folder: Path) -> bool:
        found, store = {"pgdata": Origin("", FIRST)}, _store(folder, lived=False)
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, found)
            store.ledger.adopt(found)
        (store.root / "adopted.json").write_bytes(data)
        return uses(folder, "shop", {}, {"pgdata": Origin("", LATER)})

    return gets_through


def adopted_again(folder: Path) -> bool:
    """Overwrite the record by adopting the replacement."""
    first, second = {"pgdata": Origin("", FIRST)}, {"pgdata": Origin("", LATER)}
    uses(folder, "shop", first, second)
    return uses(folder, "shop", second, second)


def allowed_of_another(folder: Path) -> bool:
    return replaced("pgdata", Origin("blog", LATER), "volume:pgdata")(folder)


def runs(
    name: str, before: Origin | None, now: Origin, policy: str = "", answer: Answer | None = None, *allowed: str
) -> Folder:
    """Deploy with an image of a name, and deploy again with what the name leads to now, where a registry is away."""

    def gets_through(folder: Path) -> bool:
        store = _store(folder, lived=before is None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                registry, "ask", lambda name, within: answer or Answer(failure="unreachable", text="no route")
            )
            try:
                if before is not None:
                    _show(patch, {}, {name: before})
                    store.ledger.take_image(request(), name, before.id)
                    store.releases.write(LIVED)
                _show(patch, {}, {name: now})
                if allowed:
                    store.ledger.accept(request("shop", *allowed))
                chosen = choose_images(
                    store,
                    Needed({"tool": name}, {"tool": policy}, {}),
                    None,
                    strange=lambda image: store.ledger.image_reason(request(), image),
                )
                runs_it = now.id in [pin.image for pin in chosen.pins.values()]
                return runs_it or bool(answer and answer.digest and chosen.pins)
            except SwitchyardError:
                return False

    return gets_through


def pulled(app: str) -> Folder:
    """Pull an image by its digest that carries the label of an application."""

    def gets_through(folder: Path) -> bool:
        store = _store(folder, lived=True)
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, {}, {"tool:1": Origin(app, FIRST, ONE)})
            try:
                store.ledger.take_image(request(), "tool:1", ONE)
            except Refused:
                return False
        return True

    return gets_through


def forgotten(key: str) -> Folder:
    """Delete the ledger of a live release, and use a volume or an image that the release does not use."""

    def gets_through(folder: Path) -> bool:
        store = _store(folder, lived=False)
        store.releases.write(replace(LIVED, volumes=("pgdata",), pulls={"tool": "tool:1"}, images={"tool": ONE}))
        with pytest.MonkeyPatch.context() as patch:
            _show(patch, {"pgdata": Origin("", FIRST), "x": Origin("", FIRST)}, {"tool:1": Origin("", FIRST, ONE)})
            store.ledger.adopt()
            if key == "tool:1":
                _show(patch, {}, {"tool:1": Origin("", LATER, TWO)})
                return not store.ledger.image_reason(request(), key)
            return not store.ledger.reasons(request(), [key])

    return gets_through


def remembered(folder: Path) -> bool:
    """Return whether what the live release uses is recorded once on a host of an older version."""
    return forgotten("pgdata")(folder)


def trust_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "_reason", lambda *_: "")


def trust_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_nothing(*_: str) -> str:
        return ""

    trust_all(monkeypatch)
    monkeypatch.setattr(ledger, "_of_another", raise_nothing)
    monkeypatch.setattr(ledger, "Refused", _Ignored)
    monkeypatch.setattr(ledger, "_require", lambda app, kind, name: Origin("", LATER))


class _Ignored(SwitchyardError):
    """Stands for a refusal that is gone."""


def take_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "take_image", lambda *_: None)


def forget_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path, kind: type[Adopted]) -> Adopted | None:
        try:
            return kind.decode(json.loads(path.read_text()))
        except (OSError, ValueError, SwitchyardError):
            return None

    monkeypatch.setattr(ledger, "read_message", read)
    trust_all(monkeypatch)


MEETING = (("a", "a_b", "a_b_c"), ("a_b", "a", "a_b_c"), ("shop", "shop2", "shop_db"), ("shop", "db", "pgdata"))
DAMAGED = (b"", b"{", b"[]", b'{"v": 1, "volumes": []}', b'{"v": 2, "volumes": {}}', b"\xff", b'{"v": 1, "images": []}')
USED, OTHER = Origin("", FIRST, ONE), Origin("", LATER, TWO)
IMAGES = ("tool:1", "tool", "registry.example:5000/team/tool:1", "team/tool@sha256:")
AWAY = {
    "is unreachable": Answer(failure="unreachable", text="no route"),
    "does not have it": Answer(failure="absent"),
    "denies it": Answer(failure="denied", text="no"),
    "wants another login": Answer(failure="login", text="no"),
}

ATTACKS = [
    *(
        Attack(f"{app} uses {name} of {other}", others(app, other, name), own(app, name), trust_all)
        for app, other, name in MEETING
    ),
    *(
        Attack(f"replace {name} by a new one", replaced(name, Origin("", LATER)), kept(name), trust_all)
        for name in NAMES
    ),
    *(
        Attack(f"replace {name} by another application's", replaced(name, Origin("blog", FIRST)), kept(name), trust_all)
        for name in NAMES
    ),
    *(
        Attack(f"add {name}, which nobody allowed", later(name), later(name, f"volume:{name}"), trust_all)
        for name in NAMES
    ),
    *(
        Attack(f"damage the ledger so that it forgets: {data!r}", damaged(data), kept("pgdata"), forget_damage)
        for data in DAMAGED
    ),
    Attack("adopt the replacement over the record", adopted_again, kept("pgdata"), trust_all),
    Attack("allow a volume of another application", allowed_of_another, later("pgdata", "volume:pgdata"), trust_labels),
    *(
        Attack(
            f"move the tag {name} where the registry {how}",
            runs(name, USED, OTHER, "", answer),
            runs(name, USED, USED) if how == "wants another login" else runs(name, USED, USED, "", answer),
            trust_all,
        )
        for name in IMAGES[:3]
        for how, answer in AWAY.items()
        if how != "wants another login"
    ),
    *(
        Attack(
            f"move a tag with pull_policy {policy}",
            runs("tool:1", USED, OTHER, policy),
            runs("tool:1", USED, USED, policy),
            trust_all,
        )
        for policy in ("never", "missing", "if_not_present")
    ),
    Attack(
        "name an image that somebody else left on the host",
        runs("tool:1", None, OTHER),
        runs("tool:1", None, OTHER, "", None, "image:tool:1"),
        trust_all,
    ),
    Attack(
        "replace an image by a newer one",
        runs("tool:1", USED, OTHER),
        runs("tool:1", USED, OTHER, "", None, "image:tool:1"),
        trust_all,
    ),
    Attack(
        "replace an image, and a registry has another",
        runs("tool:1", USED, OTHER),
        runs("tool:1", USED, OTHER, "missing", Answer("sha256:" + "a" * 64)),
        trust_all,
    ),
    Attack(
        "tag another application's build as an image",
        runs("tool:1", USED, Origin("blog", FIRST, ONE)),
        runs("tool:1", USED, USED),
        trust_all,
    ),
    Attack(
        "tag an earlier build of its own as an image",
        runs("tool:1", USED, Origin("shop", FIRST, TWO)),
        runs("tool:1", USED, USED),
        trust_all,
    ),
    Attack("pull an image with another application's label", pulled("blog"), pulled(""), take_any),
    Attack("use a volume that an older host never used", forgotten("x"), remembered, trust_all),
    Attack("move the tag of an image that an older host runs", forgotten("tool:1"), remembered, trust_all),
]

test_refused, test_twin, test_defence = promises(ATTACKS)


def test_a_refusal_names_the_command_that_allows_it(tmp_path: Path) -> None:
    store = _store(tmp_path, lived=True)
    with pytest.MonkeyPatch.context() as patch:
        _show(patch, {"media": Origin("", FIRST)}, {"tool:1": OTHER})
        (volume,) = store.ledger.reasons(request(), ["media"])
        image = store.ledger.image_reason(request(), "tool:1")
    assert volume.endswith("inv allow --host prod --objects volume:media --reason WHY")
    assert image.endswith("inv allow --host prod --objects image:tool:1 --reason WHY")
    assert image_names.canonical("tool:1") == "docker.io/library/tool:1"
