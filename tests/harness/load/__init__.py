"""Open-loop load: each request goes out once, at its fixed time, whatever the answers do.

Websockets stay open beside it. By hand:

    python -m tests.harness.load http://127.0.0.1:8000 --get /ratings --seconds 10
"""

from __future__ import annotations

from tests.harness.load.http import Load
from tests.harness.load.http2 import Http2Load
from tests.harness.load.summary import Record, Summary
from tests.harness.load.websocket import Holders, HoldersSummary

__all__ = ["Holders", "HoldersSummary", "Http2Load", "Load", "Record", "Summary"]
