"""allow.json is written by its verb, and read as what nobody else may write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.wire.allowance import Allowance
from switchyard.core.wire.answers import Allowed
from switchyard.host.adapters.files import DamagedFile
from switchyard.host.queries.allowed import allowed
from switchyard.host.verbs.allow import allow

KEY = Allowance(env=("KEY",))


def test_what_is_allowed_stays_until_it_is_taken_back(holder):
    holder.request = replace(holder.request, allow=KEY)
    assert allow(holder).outcome == "allowed" and allow(holder).outcome == "unchanged"
    assert allowed(holder.store, holder.request) == Allowed(KEY, ())
    assert (holder.store.root / "allow.json").stat().st_mode & 0o777 == 0o600
    holder.request = replace(holder.request, allow=Allowance(send={"URL": ("A",)}))
    allow(holder)
    holder.request = replace(holder.request, allow=KEY, take_back=True)
    assert allow(holder).outcome == "allowed"
    assert holder.store.allowance() == Allowance(send={"URL": ("A",)})


@pytest.mark.parametrize("damage", ["link", "mode", "text"])
def test_a_file_that_somebody_else_may_write_allows_nothing(holder, tmp_path, damage):
    holder.store.set_allowance(KEY)
    path = holder.store.root / "allow.json"
    if damage == "link":
        path.rename(tmp_path / "elsewhere.json")
        path.symlink_to(tmp_path / "elsewhere.json")
    elif damage == "mode":
        path.chmod(0o622)
    else:
        path.write_text('{"v": 1, "evn": []}')
    with pytest.raises(DamagedFile, match=r"allow\.json"):
        holder.store.allowance()


def test_an_object_is_allowed_as_it_is_now_and_allow_json_stays(holder, fake_engine):
    fake_engine.know("/volumes/media", {"Name": "media", "CreatedAt": "then"})
    holder.request = replace(holder.request, adopt=("volume:media",))
    assert allow(holder).outcome == "allowed" and allow(holder).outcome == "unchanged"
    assert allowed(holder.store, holder.request) == Allowed(Allowance(), ("volume:media",))
    assert '"media": "then"' in (holder.store.root / "adopted.json").read_text()
    assert not (holder.store.root / "allow.json").exists()
