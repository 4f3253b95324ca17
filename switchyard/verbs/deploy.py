"""``inv deploy``: a commit goes live on a host, or nothing changes."""

from __future__ import annotations

from pathlib import Path

from switchyard.control.deploy_options import DeployOptions, confirm_overrides
from switchyard.control.deployed_hosts import remember_host
from switchyard.control.deployment import CommitChecks, Deployment
from switchyard.control.machine_attempt import Ended
from switchyard.control.machines import MachineReport
from switchyard.control.receipt import early_end
from switchyard.control.release import Release
from switchyard.control.screen import Screen
from switchyard.control.shipment import Shipment, open_shipment
from switchyard.core.errors import SwitchyardError
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.verbs import predeploy


def deploy_and_remember(checkout: Path, host_name: str, options: DeployOptions) -> int:
    """Deploy, and remember the host for a rollback without ``--host``."""
    code = deploy(checkout, host_name, options)
    remember_host(checkout, host_name)
    return code


def deploy(checkout: Path, host_name: str, options: DeployOptions) -> int:
    """Check a commit, prepare every machine of a host, then switch each one. Return the exit code."""
    confirm_overrides(options)
    predeploy.require_known(check_options(options))
    with open_shipment(checkout, host_name, options) as shipment:
        machines, contents = shipment.read_machines_and_commit()
        release = shipment.prepare_release(machines, contents)
        is_live = shipment.require_fit(machines, release, options)
        checks = CommitChecks() if is_live else check_commit(shipment, machines, release, options)
        if checks.exit:
            return stop_before_sending(checks, shipment.screen)
        deployment = Deployment(shipment, release, checks, options, is_live=is_live)
        try:
            deployment.start()
            deployment.take_leases()
            deployment.send_release()
            deployment.prepare()
            deployment.switch()
        except (Ended, SwitchyardError, KeyboardInterrupt) as error:
            deployment.stop(error)
        return deployment.report()


def check_options(options: DeployOptions) -> CheckOptions:
    """Return the flags of a deploy that concern its checks."""
    return CheckOptions(
        skip=options.skip, allow_unknown=options.allow_unknown, reason=options.reason, drop_env=options.drop_env
    )


def check_commit(
    shipment: Shipment, machines: list[MachineReport], release: Release, options: DeployOptions
) -> CommitChecks:
    """Run the checks on a clean export of the commit; on the way back to an older one, run none."""
    if options.back:
        return CommitChecks()
    verdicts = predeploy.check_commit(
        shipment.host,
        [HostMachine(machine.channel, machine.answer) for machine in machines],
        release.commit,
        release.variables,
        check_options(options),
        shipment.screen,
    )
    return CommitChecks(verdicts.exit, verdicts.sentence, verdicts.record(), verdicts.summary())


def stop_before_sending(checks: CommitChecks, screen: Screen) -> int:
    """Say that the checks stop the deploy. Return the exit code."""
    screen.say("nothing was sent to the host", "bold")
    screen.finish(early_end(checks.exit, checks.sentence, outcome="refused", checks=checks.summary))
    return checks.exit
