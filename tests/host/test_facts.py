"""What a host reports of itself."""

from __future__ import annotations

from switchyard.core.journal import StepEntry
from switchyard.host.adapters.store import Store
from switchyard.host.facts import image_volumes, usual_seconds


def test_the_usual_time_of_a_step_is_the_median_of_the_last_times_here(tmp_path):
    store = Store(tmp_path)
    store.prepare()

    def note(what: str, seconds: float) -> None:
        author = {"attempt": "A1", "release": None, "host": None}
        store.journal.append(StepEntry(**author, step="build", colour=None, what=what, seconds=seconds))

    for seconds in (0.1, 0.1, 0.1, 3, 5, 4, 100, 1):
        note("done", seconds)
    note("failed", 900)
    assert usual_seconds(store) == {"build": 4.0}


def test_what_images_declare_is_told_by_each_of_their_names_our_own_builds_apart(fake_engine):
    tags = (["redis:8", "redis:latest"], ["switchyard/shop/web:R1"], ["python:3"], None)
    fake_engine.know("/images/json", [{"RepoTags": names} for names in tags])
    fake_engine.know("/images/redis%3A8/json", {"Config": {"Volumes": {"/data": {}}}})
    fake_engine.know("/images/python%3A3/json", {"Config": {"Volumes": None}})
    assert image_volumes() == {"redis:8": ("/data",), "redis:latest": ("/data",)}
    assert not any("switchyard" in path for path in fake_engine.asked("GET"))
