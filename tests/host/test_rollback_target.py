"""The release that a rollback goes to."""

from __future__ import annotations

import pytest

from switchyard.core.errors import Refused
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.rollback_target import choose
from tests.harness.release_record import record

RECORDS = [
    record(7, "good"),
    record(6, "live"),
    record(5, "failed"),
    record(4, "bad"),
    record(3, "unverified"),
    record(2, "good"),
]


def live(record: ReleaseRecord) -> LiveRelease:
    return LiveRelease("blue", record.id, record.number, record.commit, "", record.state, None, None, None, None)


@pytest.mark.parametrize("number,target", [(6, "R3"), (3, "R2"), (None, "R7")])
def test_the_way_back_is_the_newest_sound_release_before_the_live_one(number, target):
    current = next((live(record) for record in RECORDS if record.number == number), None)
    assert choose(RECORDS, current, None).id == target


@pytest.mark.parametrize("to,target", [("R4", "R4"), ("R7", "R7"), ("5abc", "R5"), ("2a", "R2")])
def test_the_way_back_can_be_named_by_release_or_commit(to, target):
    assert choose(RECORDS, live(RECORDS[1]), to).id == target


def test_where_there_is_no_way_back_it_is_refused():
    with pytest.raises(Refused, match=r"nothing to go back to: .* \(live is R2\)"):
        choose(RECORDS, live(RECORDS[-1]), None)
    with pytest.raises(Refused, match="nothing to go back to"):
        choose([record(2, "bad"), record(1, "failed")], None, None)
    with pytest.raises(Refused, match=r"no kept release is called 'R1'; kept are: R7, R6, R5, R4, R3, R2$"):
        choose(RECORDS, live(RECORDS[1]), "R1")
    with pytest.raises(Refused, match="kept are: none"):
        choose([], None, "R1")


def test_failed_and_bad_releases_are_passed_over_unless_they_are_named():
    records = [record(5, "good"), record(4, "failed"), record(3, "bad"), record(2, "unverified"), record(1, "good")]
    current = live(records[0])
    assert choose(records, current, None).id == "R2"
    assert choose(records, current, "R3").id == "R3"
    assert choose(records, current, "1abc").id == "R1"
    with pytest.raises(Refused, match="nothing to go back to"):
        choose(records[:3], current, None)
    with pytest.raises(Refused, match="kept are: R5"):
        choose(records, current, "R9")
