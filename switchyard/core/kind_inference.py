"""Which kind each service of a Compose document is, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.images import keeps_state, runs_once
from switchyard.core.kinds import EXCLUSIVE, HANDOVER, IGNORED, ONESHOT, PLAIN, ROUTED, SHARED, ServiceKind
from switchyard.core.state_keeping import NO_FACTS, ImageFacts, server_of_state, written_state

MIGRATES = re.compile(
    r"(?:^|[^a-z])(?:migrat(?:e|es|ion|ions|or)|makemigrations|alembic|flyway|liquibase|dbmate|goose|sqitch|seed|"
    r"create_?all|init-?db|initdb|db:(?:prepare|setup|create)|db-(?:init|setup)|collectstatic|createsuperuser|"
    r"create-?topics?|createbuckets?)(?:$|[^a-z])"
)
"""Words of commands, images and names of services that prepare something and end."""
WORKS = re.compile(
    r"(?:^|[^a-z])(?:workers?|scheduler|beat|consumers?|cron(?:job)?|crond|poller|sidekiq|rqworker|rq|celery|celeryd|"
    r"resque|dramatiq|huey|arq|supercronic|ofelia|solid_queue|good_job|queue:work|horizon)(?:$|[^a-z])"
)
"""Words of commands and names of services that take jobs, or start them by the clock."""
WATCHES = re.compile(r"(?:^|[^a-z])(?:flower|dashboard|ui|exporter|monitor)(?:$|[^a-z])")
"""Words of commands and names of services that only show what workers do."""


def infer(document: Document, app: App, images: ImageFacts = NO_FACTS) -> tuple[dict[str, ServiceKind], list[str]]:
    """Return the kind of each service that a release runs, and a problem for each whose kind only its owner knows."""
    services = {name: service for name, service in document.enabled.items() if name not in app.left_out}
    completed = {
        needed
        for service in services.values()
        for needed, dependency in service.depends_on.items()
        if dependency.condition == "service_completed_successfully"
    }
    routed = {entry.service for entry in app.routes or ()}
    kinds: dict[str, ServiceKind] = {}
    unknown = app.kinds.keys() - services.keys() - {*app.left_out}
    problems = [f"app.kinds.{name}: the compose file has no service of this name" for name in unknown]
    for name, service in services.items():
        kind = _kind(service, app, images, completed, routed)
        if kind is None:
            choices = "; or ".join(_choices(service, app, images)).replace(":", "   #", 1)
            problems.append(
                f"service {name}: the compose file does not say whether two of it may run at once. Add to "
                f"invoke.yaml:\n  app:\n    kinds:\n      {name}: {choices}"
            )
        else:
            kinds[name] = kind
    return kinds, problems


def _kind(service: Service, app: App, images: ImageFacts, completed: set[str], routed: set[str]) -> ServiceKind | None:
    if service.name in app.kinds:
        return ServiceKind(app.kinds[service.name], "the settings say so")
    if service.name in routed:
        return ServiceKind(ROUTED.name, "a route of the settings leads to it")
    if service.name in completed:
        return ServiceKind(ONESHOT.name, "another service waits for it to complete successfully")
    reason = server_of_state(service, app, images)
    if reason:
        return ServiceKind(SHARED.name, reason)
    if service.ports and not _may_keep_state(service, app, images) and not _works(service, images):
        return ServiceKind(ROUTED.name, "it publishes a port")
    return None


def _may_keep_state(service: Service, app: App, images: ImageFacts) -> bool:
    """Return whether a service may be a server on state of its own: two on one volume destroy its data.

    What the application builds and publishes is taken for its web service, unless it builds on a server of state.
    """
    recipe = images.recipes.get(service.name)
    if _runs_once(service, images):
        return True
    is_built = service.build is not None and not (recipe is not None and keeps_state(recipe.base))
    return not is_built and bool(written_state(service, app, images))


def _runs_once(service: Service, images: ImageFacts) -> bool:
    """Return whether the image of a service, or what its build starts from, is known to run once."""
    recipe = images.recipes.get(service.name)
    return runs_once(recipe.base if recipe is not None else service.image or "")


def _choices(service: Service, app: App, images: ImageFacts) -> Iterator[str]:
    """Yield the kinds that a service may have, the likeliest first, each with what it means."""
    state = written_state(service, app, images)
    once = _ends_by_itself(service, images)
    one = f"{HANDOVER.name}: at most one runs"
    kept = ", ".join(state) or "which the file does not name"
    shared = f"{SHARED.name}: it keeps state ({kept}), and no deploy restarts it"
    if once:
        yield f"{ONESHOT.name}: {once}, so it runs once per release, before its services start"
    if service.ports and _works(service, images):
        yield f"{one}, and its published port has to go, since two colours cannot hold it"
        yield f"{ROUTED.name}: both colours run it at once, as long as the old one stands by"
        return
    if service.ports:
        only = f"{EXCLUSIVE.name}: users reach it, and at most one runs: requests wait while it is replaced"
        yield from (only, shared) if _runs_once(service, images) else (shared, only)
        yield f"{ROUTED.name}: both colours run it, and both write to that"
    elif state:
        yield from (one, shared) if service.build is not None else (shared, one)
    else:
        yield one
        yield f"{PLAIN.name}: both colours"
    yield f"{IGNORED.name}: no release runs it"


def _ends_by_itself(service: Service, images: ImageFacts) -> str:
    """Return what suggests that a service does its work and ends; empty where nothing does."""
    policy = service.deploy.restart_policy
    restart = str(service.setting("restart") or "")
    if policy is not None:
        restart = {"none": "no", "on-failure": "on-failure"}.get(policy.condition, "always")
    if restart == "no" or restart.startswith("on-failure"):
        return f"its restart is {restart}"
    return "its command prepares something and ends" if _mentions(MIGRATES, service, images) else ""


def _works(service: Service, images: ImageFacts) -> bool:
    """Return whether a service takes jobs, or starts them by the clock: two at once do them twice."""
    return _mentions(WORKS, service, images) and not _mentions(WATCHES, service, images)


def _mentions(words: re.Pattern[str], service: Service, images: ImageFacts) -> bool:
    texts = (service.name, service.image_name, _command(service, images))
    return any(words.search(text.lower()) for text in texts)


def _command(service: Service, images: ImageFacts) -> str:
    """Return what a service's containers run, as far as the file and its Dockerfile tell."""
    recipe = images.recipes.get(service.name)
    own = " ".join([*service.entrypoint, *service.command])
    return (own or (recipe.command if recipe is not None else "")).lower()
