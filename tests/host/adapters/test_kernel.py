"""What the kernel knows of this machine."""

from __future__ import annotations

import os
import socket
import subprocess

from switchyard.host.adapters import kernel


def test_the_start_of_a_process_is_that_of_this_very_process_and_none_once_it_is_gone():
    assert kernel.process_start(os.getpid()) == kernel.process_start(os.getpid()) is not None
    child = subprocess.Popen(["true"])
    child.wait()
    assert kernel.process_start(child.pid) is None


def test_a_process_that_ended_and_is_not_reaped_is_gone():
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert kernel.process_start(child.pid) is None


def test_the_clock_only_rises_and_the_boot_stays():
    before = kernel.now()
    assert kernel.now() >= before > 0 and kernel.boot_id() == kernel.boot_id()


def test_a_listening_port_is_seen_and_a_closed_one_is_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in kernel.listening_ports()
    assert port not in kernel.listening_ports()


def test_some_memory_is_available():
    assert kernel.memory_available() > 1 << 20
