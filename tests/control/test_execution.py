"""One remote execution whose connection breaks, or that says nothing for long."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from switchyard.control import execution as module
from switchyard.control.execution import Execution
from switchyard.control.public_address import Address, look
from switchyard.core.app import App
from switchyard.core.errors import NotChecked
from switchyard.core.wire.events import Received
from switchyard.core.wire.request import Request


def on(session: Any) -> Execution:
    """An execution on a connection whose only session is this one."""
    return Execution("prod1", "/r", SimpleNamespace(transport=SimpleNamespace(open_session=lambda **_: session)))


def running(output: bytes) -> Execution:
    """An execution of a host program that prints this."""
    answers = io.BytesIO(output)
    return on(SimpleNamespace(exec_command=lambda _: None, makefile=lambda _: answers, sendall=lambda _: None))


def test_a_host_that_says_nothing_for_an_hour_is_no_longer_followed(monkeypatch):
    monkeypatch.setattr(module, "SILENT_WITHIN", 0.01)
    with pytest.raises(NotChecked, match=r"no word from the host program for 0 min. It goes on"):
        running(b"").next_event()


def test_an_execution_whose_output_has_ended_stays_ended_for_who_is_interrupted_while_following_it_again():
    execution = running(b'have\n{"v": 1, "event": "received", "at": 1.0, "release": "R2"}\n{"torn')
    execution.begin(Request("deploy", "web", "/r"))
    assert [execution.next_event() for _ in range(3)] == [Received("R2"), None, None]


def test_an_event_that_the_control_node_does_not_know_is_an_error_that_names_it():
    execution = running(b"have\n" + json.dumps({"v": 1, "event": "party"}).encode() + b"\n")
    execution.begin(Request("deploy", "web", "/r"))
    with pytest.raises(NotChecked, match="prod1: the host program sent an event that cannot be read: event: 'party'"):
        execution.next_event()


@pytest.mark.parametrize("error", [EOFError(), OSError("Socket is closed"), paramiko.SSHException("timed out")])
def test_a_connection_that_breaks_while_something_is_said_is_lost_and_no_traceback(error):
    """paramiko raises each of these, EOFError where the other side has reset the connection that it writes to."""

    def broken(*_: Any, **__: Any) -> Any:
        raise error

    execution = on(SimpleNamespace(exec_command=lambda _: None, makefile=lambda _: None, sendall=broken))
    with pytest.raises(NotChecked, match=r"prod1: the connection was lost: \S"):
        execution.write(b"word")
    execution.beat()
    connection = SimpleNamespace(transport=SimpleNamespace(open_session=broken, open_channel=broken))
    with pytest.raises(NotChecked, match=r"prod1: the connection was lost: \S"):
        Execution("prod1", "/r", connection)
    verdict, why = look(Address("127.0.0.1", 8000, "/", forwarded=True), connection, App("web"), "1-abc")
    assert verdict == "unverified"
    assert why.startswith("the control node cannot reach http://127.0.0.1:8000/: ") and len(why.split(": ", 1)[1]) > 0


@pytest.mark.parametrize(
    "answer,message",
    [
        (b"python 3.8.10\n", "prod1: python3 is 3.8.10 there. Install Python 3.10 or newer"),
        (b"root [Errno 13] Permission denied\n", "prod1: the SSH user cannot write to /r: .*Permission denied"),
    ],
)
def test_a_program_that_does_not_start_says_what_the_machine_lacks(answer, message):
    with pytest.raises(Exception, match=message):
        running(answer).begin(Request("deploy", "web", "/r"))
