"""Takes a release in: its commit, files, documents and env; refuses what must not go live before anything is built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from switchyard.core.compose_document import Document, changed_keys, services_of, volumes_of
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.journal import Author, OverriddenEntry
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host import backup as aside
from switchyard.host.adapters import process
from switchyard.host.adapters.files import read_document, read_words, write, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.facts import live_release
from switchyard.host.neighbours import refuse_strangers


class Unchanged(SwitchyardError):
    """What is asked for is live already."""

    exit = 0


class Unsettled(Exception):
    """What is asked for is live already, but an attempt died before it was verified or its singletons ran."""


def _is_unsettled(attempt: Attempt, record: ReleaseRecord) -> bool:
    attempt.release = record.id
    site = attempt.site()
    attempt.release = ""
    return record.state != "good" or site.slot(site.live).single in ("none", "stopped")


def receive(attempt: Attempt, pack: Path) -> None:
    """Unpacks the pack into a release folder; ``received`` in its release.json is written last."""
    with open(pack, "rb") as file:
        header: dict[str, Any] = json.loads(file.readline())
        _objects(attempt, header, file)
    pack.unlink()
    env_digest = attempt.store.digest(header["env"])
    settings = attempt.store.digest(
        json.dumps([header["app"], header["colours"], header["shared"]], sort_keys=True).replace(header["id"], "")
    )
    if attempt.verb == "deploy":
        try:
            _refuse(attempt, header, env_digest, settings)
        except Unsettled as error:
            attempt.release, attempt.switched = str(error), True
            attempt.emit("progress", text=f"{error} is live already, but not settled: going on with it")
            return
        _require_checked(attempt, header)
    store, release = attempt.store, header["id"]
    folder = store.release(release)
    folder.mkdir(mode=0o700)
    _export(attempt, header["commit"], folder / "files")
    write(folder / "env", header["env"])
    write_json(folder / "values.json", header["values"])
    write_json(folder / "compose.json", header["compose"])
    if header["checks"]:
        write_json(folder / "checks.json", header["checks"])
    for name, document in {**header["colours"], "shared": header["shared"], "build": header["build"]}.items():
        write_json(folder / f"{name}.json", document)
    kept = (
        "id",
        "commit",
        "subject",
        "app",
        "routes",
        "kinds",
        "front",
        "handover",
        "oneshots",
        "volumes",
        "data",
        "shared_files",
        "pulls",
        "env_keys",
        "notes",
    )
    record = {
        "v": 1,
        "name": attempt.request["app"],
        "number": store.releases.next_number(),
        "state": "prepared",
        "created": round(time.time(), 3),
        **{key: header[key] for key in kept},
        "shared": sorted(header["shared"].get("services", {})),
        "shared_objects": {name: _object(attempt, header["commit"], name) for name in header["shared_files"]},
        "env_digest": env_digest,
        "settings": settings,
        "shared_unchanged": bool(attempt.request.get("shared_unchanged")),
        "received": True,
    }
    write_json(folder / "release.json", record)
    attempt.release = release


def _require_checked(attempt: Attempt, header: dict[str, Any]) -> None:
    """Only the very tree that was checked goes on; what was overridden stands in the journal with its reason."""
    checks = header["checks"]
    if checks is None and attempt.request.get("back"):
        return
    tree = process.run(_git(attempt, "rev-parse", f"{header['commit']}^{{tree}}"))[1].strip()
    if checks is None or checks["tree"] != tree:
        raise Refused(f"predeploy did not check {header['commit'][:10]}: its result is of another tree")
    if checks["overridden"]:
        author: Author = {**attempt.author, "release": header["id"]}
        attempt.store.journal.append(OverriddenEntry(**author, why=checks["overridden"]))


def _git(attempt: Attempt, *words: str) -> list[str]:
    return ["git", "--git-dir", str(attempt.store.repo), *words]


def _objects(attempt: Attempt, header: dict[str, Any], pack: BufferedReader) -> None:
    if not (attempt.store.repo / "HEAD").exists():
        process.run(["git", "init", "--quiet", "--bare", str(attempt.store.repo)])
    # What the commit keeps out of archives is part of the release all the same.
    write(attempt.store.repo / "info" / "attributes", "* -export-ignore -export-subst\n")
    if pack.peek(1):
        os.lseek(pack.fileno(), pack.tell(), os.SEEK_SET)  # where git begins, however far this has read ahead
        argv = _git(attempt, "index-pack", "--stdin", "--fix-thin")
        code, said = process.run(argv, stdin=pack, check=False, tick=attempt.tick)
        if code != 0:
            raise SwitchyardError(f"git could not take the commit in: {said.strip()}")
    process.run(_git(attempt, "update-ref", f"refs/switchyard/{header['id']}", header["commit"]))


def _object(attempt: Attempt, commit: str, path: str) -> str:
    """The id of a file or folder of a commit, by its content."""
    return process.run(_git(attempt, "rev-parse", f"{commit}:{path}"))[1].strip()


def _refuse(attempt: Attempt, header: dict[str, Any], env_digest: str, settings: str) -> None:
    """Unchanged, bad, older than what is live, a changed shared service, addresses that the edge does not hold."""
    request, store = attempt.request, attempt.store
    aside.refuse_unfinished(store)
    live = live_release(store, request["app"])
    record = store.releases.record(live.id) if live else None
    same = [r for r in store.releases.records() if r.commit == header["commit"] and r.env_digest == env_digest]
    if record in same and record is not None and record.settings == settings and not request.get("force"):
        if _is_unsettled(attempt, record):
            raise Unsettled(record.id)
        attempt.release = record.id
        raise Unchanged(f"{record.id} is live already, with the same commit, env and settings: nothing to do")
    bad = [r for r in same if r.state == "bad"]
    if bad and not request.get("force"):
        raise Refused(
            f"{header['commit'][:10]} with this env is bad: {bad[0].id} was rolled back from. "
            "Deploy another commit, or this one with --force"
        )
    if record is not None and not request.get("allow_downgrade"):
        code, _ = process.run(
            _git(attempt, "merge-base", "--is-ancestor", record.commit, header["commit"]), check=False
        )
        if code != 0:
            raise Refused(
                f"{header['commit'][:10]} is not a descendant of {record.commit[:10]}, which is live "
                f"({record.id}): somebody deployed something newer. Merge it, or give --allow-downgrade"
            )
    refuse_strangers(request["app"], Document.decode(header["shared"]))
    _refuse_shared(attempt, header)
    published = store.published_routes()
    if published is not None:
        held = {(route.service, route.port, route.address, route.listen) for route in published}
        new = [r for r in header["routes"] if (r["service"], r["port"], r["address"], r["listen"]) not in held]
        if new:
            words = ", ".join(f"{r['service']}:{r['port']} on {r['address']}:{r['listen']}" for r in new)
            raise Refused(
                f"the edge does not hold {words}: it would have to be recreated, which interrupts every "
                f"route for a moment. Do it with: inv edge.apply --host {request.get('host', 'NAME')}"
            )


def _refuse_shared(attempt: Attempt, header: dict[str, Any]) -> None:
    path = attempt.store.shared / "wanted.json"
    if not path.exists() or attempt.request.get("shared_unchanged"):
        return
    objects = {name: _object(attempt, header["commit"], name) for name in header["shared_files"]}
    changed = shared_changes(attempt, read_document(path), Document.decode(header["shared"]), objects)
    if changed:
        raise Refused(
            "shared services changed, and a deploy never touches them: "
            + "; ".join(f"{name}: {', '.join(keys)}" for name, keys in changed.items())
            + f". Carry it out with: inv shared.apply --host {attempt.request.get('host', 'NAME')}, or deploy with "
            "--shared-unchanged to leave them as they run"
        )


def shared_changes(
    attempt: Attempt, applied: Document, wanted: Document, objects: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the shared services that differ from what runs, each with its keys, files and volumes that do.

    A new service is no change. ``objects`` maps each mounted file to its git object.
    """
    known = read_words(attempt.store.shared / "files.json")
    files = [name for name, object_id in objects.items() if known.get(name, object_id) != object_id]
    mounted = volumes_of(applied.raw)
    volumes = [name for name, volume in volumes_of(wanted.raw).items() if mounted.get(name, volume) != volume]
    keys_of = changed_keys(services_of(applied.raw), services_of(wanted.raw))
    changes: dict[str, list[str]] = {}
    for name in applied.services:
        if name not in wanted.services:
            changes[name] = ["is gone"]
            continue
        mounts = json.dumps(wanted.services[name].setting("volumes") or ())
        keys = keys_of.get(name, [])
        keys += [f"file {file}" for file in files if f"/files/{file}" in mounts]
        keys += [f"volume {volume}" for volume in volumes if f'"source": "{volume}"' in mounts]
        if keys:
            changes[name] = keys
    return changes


def _export(attempt: Attempt, commit: str, into: Path) -> None:
    """The commit's files, written aside and renamed."""
    aside = into.with_name("files.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    argv, pipe = _git(attempt, "archive", "--format=tar", commit), subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe, env=process.environment()) as git:
        assert git.stderr is not None
        try:
            with tarfile.open(fileobj=git.stdout, mode="r|") as archive:
                for member in archive:
                    archive.extract(member, aside)
                    attempt.tick()
        except tarfile.TarError:
            said = git.stderr.read().decode(errors="replace").strip()
            raise SwitchyardError(f"git could not export {commit[:10]}: {said}") from None
    # git dates every file with its commit, and BuildKit takes a file of the same size and date for the same file:
    # two commits of one second would build the first one's content. Each export gets a date of its own.
    for path in aside.rglob("*"):
        os.utime(path, follow_symlinks=False)
    aside.rename(into)
