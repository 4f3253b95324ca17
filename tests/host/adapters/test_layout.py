"""An older Switchyard refuses a layout that a newer one made."""

from __future__ import annotations

import pytest

from switchyard.core.errors import Refused
from switchyard.host.adapters.files import write
from switchyard.host.adapters.layout import LAYOUT, Layout
from switchyard.host.adapters.store import Store


def test_a_newer_layout_is_refused(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    write(store.root / "layout", "2\n")
    with pytest.raises(Refused, match="has layout 2, newer than this Switchyard knows"):
        store.prepare()


def test_a_root_that_is_not_there_yet_is_created_and_marked(tmp_path):
    layout = Layout(tmp_path / "root")
    layout.require_layout()
    layout.create()
    layout.mark()
    assert (layout.root / "layout").read_text() == f"{LAYOUT}\n" and layout.data.is_dir()
