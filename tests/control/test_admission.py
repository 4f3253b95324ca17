"""A machine is told enough of a commit to judge its release before anything of it is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.control import admission
from switchyard.control.admission import ask_admission, shared_objects
from switchyard.control.commit import Commit
from switchyard.control.commit_files import CommitFiles, Entry
from switchyard.control.deploy_options import DeployOptions
from switchyard.core.wire.answers import Admission
from tests.harness.answering_host import AnsweringChannel
from tests.harness.committed_shop import create
from tests.harness.git import git
from tests.harness.machine_answers import live_release
from tests.harness.unsent_release import release


@pytest.mark.parametrize(("known", "descends"), [(True, True), (None, True), (False, False)])
def test_a_machine_hears_whether_the_commit_descends_and_the_flags_and_its_reasons_name_it(
    monkeypatch, known, descends
):
    monkeypatch.setattr(admission, "descends", lambda *_: known)
    channel = AnsweringChannel("prod1", Admission(False, ("a bad commit",), {}, ("a note",)))
    answer = ask_admission(channel, release(), live_release(), DeployOptions(allow_downgrade=True))
    assert (answer.reasons, answer.notes) == (("prod1: a bad commit",), ("a note",))
    (request,) = channel.requests
    assert (request.verb, request.descends, request.allow_downgrade) == ("admission", descends, True)
    assert request.pack.id == "R2"


def test_files_of_shared_services_are_named_by_their_objects_and_what_git_lfs_replaces_is_left_out(tmp_path):
    top = create(tmp_path, {"init.sql": "one", "conf/a": "two", "models/small": "three", "models/big": "pointer"})
    of = release()
    large = CommitFiles("d" * 40, large={"models/big": (Entry("models/big", "100644", "e" * 40), tmp_path / "big")})
    contents = replace(of.contents, commit=Commit(top, ".", git(top, "rev-parse", "HEAD"), "", ()), files=large)
    split = replace(of.split, shared_files=("init.sql", "conf", "models", "models/big"))
    objects = shared_objects(replace(of, contents=contents, split=split))
    assert objects == {"init.sql": git(top, "rev-parse", "HEAD:init.sql"), "conf": git(top, "rev-parse", "HEAD:conf")}
