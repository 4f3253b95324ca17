"""What a release is made of: its images built or pulled, looked at, and pinned."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

from switchyard.core import commands, names
from switchyard.core.compose_document import pin
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.files import read_object, write, write_json
from switchyard.host.attempt import Attempt

_BROKEN, _NO_PIP, _NO_PYTHON = 3, 4, 127
_PIP_CHECK = f"""
import importlib.util, subprocess, sys
if importlib.util.find_spec("pip") is None:
    sys.exit({_NO_PIP})
code = subprocess.call([sys.executable, "-m", "pip", "check"])
sys.exit({_BROKEN} if code == 1 else code and 5)
"""


def build(attempt: Attempt, colour: str | None) -> None:
    """Builds or pulls every image, checks Python ones, tags them, and pins the documents to their ids."""
    store, release, app = attempt.store, attempt.release, attempt.app
    folder = store.release(release)
    document = store.releases.document(release, "build")
    if document.services:
        attempt.run(commands.build(attempt.target()))
    images: dict[str, str] = {}
    for service in document.services:
        images[service] = require_image(names.tag(app.name, service, release))
    for service, image in attempt.record.pulls.items():
        if engine.image_id(image) is None:
            attempt.run(commands.pull(image))
        images[service] = require_image(image)
        attempt.run(commands.tag(images[service], names.tag(app.name, service, release)))
    built = {images[service]: service for service in document.services}
    looks: list[Callable[..., object]] = [
        partial(_pip_check, attempt, service, image) for image, service in built.items()
    ]
    for one in names.COLOURS:
        path = folder / f"{one}.json"
        write_json(path, pin(read_object(path), images))
        argv = commands.compose(names.project(app.name, one), str(path), "config", "--quiet")
        looks.append(partial(process.run, argv))
    _at_once(attempt, looks)
    standins = tuple(sorted({image for image in attempt.record.pulls.values() if _is_standin(image)}))
    store.releases.update(release, images=images, standins=standins)


def _at_once(attempt: Attempt, looks: Iterable[Callable[..., object]]) -> None:
    """Commands that change nothing, side by side; the first that fails is told. What ends the attempt ends them."""
    ended = threading.Event()

    def tick() -> None:
        if ended.is_set():
            raise SwitchyardError("its attempt has ended")

    with ThreadPoolExecutor() as pool:
        try:
            running = [pool.submit(look, tick=tick) for look in looks]
            while wait(running, timeout=process.TICK_EVERY).not_done:
                attempt.tick()
        except RuntimeError as error:  # a thread that could not be started
            raise SwitchyardError(process.NO_PROCESS.format(program="a look at the build", error=error)) from None
        finally:
            ended.set()
    for done in running:
        done.result()


def require_image(name: str) -> str:
    """The id of an image that must be here by now."""
    found = engine.image_id(name)
    if found is None:
        raise SwitchyardError(f"image {name} is not here after its build or pull")
    return found


def _is_standin(image: str) -> bool:
    return names.STANDIN in engine.image_labels(image)


def _pip_check(attempt: Attempt, service: str, image: str, *, tick: Callable[[], None]) -> None:
    """Broken dependencies in a built Python image; an image without Python has none. What could not run is no pass."""
    mark = attempt.store.root / "checked" / image.removeprefix("sha256:")
    if mark.exists():
        return
    argv = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", _PIP_CHECK]
    code, output = process.run(argv, within=120, check=False, log=attempt.log, tick=tick)
    if code == _BROKEN:
        raise SwitchyardError(f"{service}: pip check found broken dependencies in its image:\n{output.strip()[-1500:]}")
    if code in (0, _NO_PYTHON):
        write(mark, f"{code}\n")
        return
    why = "it has no pip" if code == _NO_PIP else f"ended with {code}: {output.strip()[-300:] or 'it said nothing'}"
    attempt.emit("progress", text=f"not checked: the Python dependencies in the image of {service} ({why})")
