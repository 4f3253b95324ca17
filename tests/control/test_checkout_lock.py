"""One verb at a time: the next one says on whom it waits, waits, and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from switchyard.control.checkout_lock import hold
from switchyard.control.deployed_hosts import last_host, remember_host
from switchyard.core.errors import BadInput

HOLDER = """
import sys
from pathlib import Path
from switchyard.control.checkout_lock import hold
with hold(Path(sys.argv[1]), "nobody"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_who_comes_second_names_the_first_waits_and_goes_on(tmp_path, how):
    with holder(tmp_path / "state" / "lock") as process:
        lines: list[str] = []

        def say(text: str) -> None:
            lines.append(text)
            if how == "ends":
                assert process.stdin is not None
                process.stdin.close()
            else:
                os.kill(process.pid, signal.SIGKILL)

        with hold(tmp_path / "state" / "lock", "another predeploy of shop", say):
            assert lines == [f"waiting for another predeploy of shop to end (process {process.pid})"]
    with hold(tmp_path / "state" / "lock", "nobody", lines.append):
        assert len(lines) == 1


def test_control_c_ends_the_wait(tmp_path):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    with holder(tmp_path / "lock"):
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt), hold(tmp_path / "lock", "another"):
            pass
    signal.signal(signal.SIGALRM, before)


REMEMBERS = """
import sys
from pathlib import Path
from switchyard.control.deployed_hosts import remember_host
for number in range(30):
    remember_host(Path(sys.argv[1]), f"{sys.argv[2]}{number}")
"""


def test_hosts_that_two_deploys_of_a_checkout_record_at_once_are_both_remembered(tmp_path):
    hosts = "".join(f"  {name}: {{machines: [{{name: m, address: 192.0.2.1}}]}}\n" for name in ("a7", "b29"))
    (tmp_path / "invoke.yaml").write_text(f"hosts:\n{hosts}")
    argv = [sys.executable, "-c", REMEMBERS, str(tmp_path)]
    both = [subprocess.Popen([*argv, name]) for name in ("a", "b")]
    assert [process.wait(60) for process in both] == [0, 0]
    with pytest.raises(BadInput, match="candidates: a7, b29"):
        last_host(tmp_path)
    assert len((tmp_path / ".switchyard" / "deployed.json").read_text().split(",")) == 60


def test_a_damaged_record_of_hosts_is_no_traceback_and_the_next_deploy_writes_it_anew(tmp_path):
    (tmp_path / "invoke.yaml").write_text("hosts:\n  prod: {machines: [{name: m, address: 192.0.2.1}]}\n")
    (tmp_path / ".switchyard").mkdir()
    (tmp_path / ".switchyard" / "deployed.json").write_text('["pro')
    with pytest.raises(BadInput, match="candidates: prod"):
        last_host(tmp_path)
    remember_host(tmp_path, "prod")
    assert last_host(tmp_path) == "prod"
