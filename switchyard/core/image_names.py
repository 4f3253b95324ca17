"""What the names of images stand for. Two spellings of one image have the same canonical form."""

from __future__ import annotations

HUB = "docker.io"
"""The registry of a name without one."""
HUB_NAMES = (HUB, "index.docker.io", "registry-1.docker.io")


def canonical(name: str) -> str:
    """Return the full form of a name: ``docker.io/library/app:latest`` for ``app``. A digest takes the tag's place."""
    repository, separator, rest = _parts(name)
    return f"{repository}{separator}{rest}" if separator else f"{repository}:latest"


def registry(name: str) -> str:
    """Return the registry of a name."""
    return _parts(name)[0].split("/")[0]


def digest(name: str) -> str:
    """Return the digest of a name; empty where it has none."""
    _, separator, rest = _parts(name)
    return rest if separator == "@" else ""


def with_digest(name: str, digest: str) -> str:
    """Return the name of an image by its digest, as Docker writes it: without a tag."""
    return f"{_short(_parts(name)[0])}@{digest}"


def as_context(name: str) -> str:
    """Return the name as BuildKit looks it up among a build's further contexts: short, and without ``:latest``."""
    repository, separator, rest = _parts(name)
    return _short(repository) if (separator, rest) == (":", "latest") else f"{_short(repository)}{separator}{rest}"


def _parts(name: str) -> tuple[str, str, str]:
    """Return the repository with its registry, then ``:`` with the tag, ``@`` with the digest, or two empty texts."""
    name, _, digest = name.partition("@")
    folder, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    repository = folder + slash + last
    first, _, rest = repository.partition("/")
    is_registry = bool(rest) and (any(sign in first for sign in ".:") or first == "localhost")
    host, path = (first, rest) if is_registry else (HUB, repository)
    if host in HUB_NAMES:
        host, path = HUB, path if "/" in path else f"library/{path}"
    return f"{host}/{path}", "@" if digest else colon, digest or tag


def _short(repository: str) -> str:
    return (
        repository.removeprefix(f"{HUB}/").removeprefix("library/") if repository.startswith(f"{HUB}/") else repository
    )
