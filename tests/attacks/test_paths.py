"""Nothing is written, removed or run outside of the folder that it belongs to, on either side."""

from __future__ import annotations

import grp
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from switchyard.control import host_program
from switchyard.control.commit_files import export
from switchyard.core import tree as core_tree
from switchyard.core.errors import SwitchyardError
from switchyard.core.extraction import extract
from switchyard.core.tree import FILE, LINK, Entry
from switchyard.host import backup, ownership
from switchyard.host.adapters import contained, files, process
from switchyard.host.adapters.contained import lay
from switchyard.host.repository import Repository
from tests.harness import crafted
from tests.harness.attack import Attack, promises

BLOB, TREE, SYMLINK = b"100644", b"40000", b"120000"
Part = tuple[bytes, bytes, bytes | Sequence["Part"]]
"""Mode, name, and the content of a file or link, or the parts of a folder."""


def laid(top: Path, parts: Sequence[Part]) -> str:
    """Store the tree of these parts."""
    entries = []
    for mode, name, content in parts:
        made = crafted.blob(top, content) if isinstance(content, bytes) else laid(top, content)
        entries.append((mode, name, made))
    return crafted.tree(top, entries)


def exports(parts: Sequence[Part], *, host: bool) -> Callable[[Path], bool]:
    """Return whether a tree of a commit is written: by the control node, or by a host."""

    def gets_through(folder: Path) -> bool:
        top = crafted.repository(folder / "repository")
        files = laid(top, parts)
        made = crafted.commit(top, files)
        try:
            if host:
                Repository(top / ".git", lambda: None).export(files, folder / "files")
            else:
                export(top, made, folder / "files")
        except SwitchyardError:
            return False
        return True

    return gets_through


def named(name: str, parts: Sequence[Part], honest: Sequence[Part], *, host: bool = False) -> Attack:
    """Build an attack by the names and modes of a tree. Without its defence, the listing passes."""

    def passes(parts: Sequence[Part]) -> Callable[[Path], bool]:
        def gets_through(folder: Path) -> bool:
            top = crafted.repository(folder / "listed")
            argv = ["git", "-C", str(top), "ls-tree", "-r", "-z", "--full-tree", laid(top, parts)]
            try:
                core_tree.entries(subprocess.run(argv, check=True, capture_output=True).stdout)
            except SwitchyardError:
                return False
            return True

        return gets_through

    written, listed = exports(honest, host=host), passes(parts)
    refused = exports(parts, host=host)

    def through(folder: Path) -> bool:
        return listed(folder) or refused(folder)

    return Attack(name, through, written, lambda monkeypatch: monkeypatch.setattr(core_tree, "problems", lambda _: ()))


FOLDER: Sequence[Part] = ((BLOB, b"authorized_keys", b"key"),)
HONEST: Sequence[Part] = ((TREE, b"folder", FOLDER), (SYMLINK, b"link", b"folder"))
NAMES = [
    named("link and folder of one name", [(SYMLINK, b"a", b"/tmp"), (TREE, b"a", FOLDER)], HONEST),
    named("link and folder of one name on a host", [(SYMLINK, b"a", b"/tmp"), (TREE, b"a", FOLDER)], HONEST, host=True),
    named("folder and link of one name", [(TREE, b"a", FOLDER), (SYMLINK, b"a", b"/tmp")], HONEST),
    named("two files of one name", [(BLOB, b"a", b"1"), (BLOB, b"a", b"2")], [(BLOB, b"a", b"1"), (BLOB, b"b", b"1")]),
    named("link and folder that differ in case", [(TREE, b"A", FOLDER), (SYMLINK, b"a", b"/tmp")], HONEST),
    named("files that differ in case", [(BLOB, b"README", b"1"), (BLOB, b"readme", b"2")], HONEST, host=True),
    named(
        "names that differ in the form of accents",
        [(TREE, "e\u0301".encode(), FOLDER), (SYMLINK, "é".encode(), b"/")],
        [(BLOB, "é".encode(), b"")],
    ),
    named("folder called ..", [(TREE, b"..", FOLDER)], [(TREE, b"...", FOLDER)]),
    named("folder called .", [(TREE, b".", FOLDER)], [(TREE, b".a", FOLDER)]),
    named("repository below", [(TREE, b".git", [(BLOB, b"config", b"")])], [(TREE, b".github", FOLDER)]),
    named("repository in capitals", [(TREE, b".GIT", FOLDER)], [(BLOB, b".gitignore", b"")]),
    named("repository by its short name", [(TREE, b"git~1", FOLDER)], [(TREE, b"git~2", FOLDER)]),
    named("repository by an ignored character", [(TREE, ".g\u200cit".encode(), FOLDER)], [(TREE, b".gi", FOLDER)]),
    named("repository with a space", [(TREE, b".git ", FOLDER)], [(TREE, b"git ", FOLDER)]),
    named("repository after a backslash", [(BLOB, b"a\\.git\\config", b"")], [(BLOB, b"a\\b", b"")]),
    named("repository in a folder on a host", [(TREE, b"a", [(TREE, b".git", FOLDER)])], HONEST, host=True),
    named("name that no file system takes", [(BLOB, b"n" * 256, b"")], [(BLOB, b"n" * 255, b"")]),
]


def special(name: str, mode: bytes) -> Attack:
    """Build an attack by the mode of an entry; honest are the modes that old programs wrote.

    A git that knows no such mode lists it as a submodule, which no release may have.
    """

    def gets_through(folder: Path) -> bool:
        try:
            return bool(core_tree.entries(b"%s blob %s\tname\0" % (mode, b"0" * 40)))
        except SwitchyardError:
            return False

    return Attack(
        name,
        gets_through,
        exports([(b"100664", b"a", b"x"), (b"100775", b"b", b"x")], host=False),
        lambda monkeypatch: monkeypatch.setattr(core_tree, "SUBMODULE", mode),
    )


SPECIAL = [special("device", b"060644"), special("pipe", b"010644"), special("socket", b"140644")]


def extracts(swap: bool, *, at: str = "a", onto: str = "outside") -> Callable[[Path], bool]:
    """Return whether a file is written outside, where somebody puts a link in the way meanwhile."""

    def gets_through(folder: Path) -> bool:
        top = folder / "top"
        for name in ("top", "outside", "aside"):
            (folder / name).mkdir()
        (folder / "outside" / "b").mkdir()

        def contents() -> Iterator[tuple[Entry, Sequence[bytes]]]:
            yield Entry(b"first", FILE, ""), (b"1",)
            if swap:
                if (top / at).exists():
                    (top / at).rename(folder / "aside" / "it")
                (top / at).symlink_to(folder / onto)
            yield Entry(b"a/b/c", FILE, ""), (b"2",)
            yield Entry(b"a/b/link", LINK, ""), (b"c",)

        try:
            extract((b"a", b"a/b"), contents(), os.fsencode(top), os)
        except SwitchyardError:
            return False
        if swap:
            return (folder / "outside" / "b" / "c").exists() or (folder / "outside" / "c").exists()
        return (top / "a/b/link").read_text() == "2"

    return gets_through


def follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow links, and write over what is there."""
    monkeypatch.setattr(os, "O_NOFOLLOW", 0)
    monkeypatch.setattr(os, "O_EXCL", 0)
    monkeypatch.setattr(contained, "_FOLDER", os.O_DIRECTORY)
    monkeypatch.setattr(contained, "_FILE", os.O_NONBLOCK)


def written_over(target: str) -> Callable[[Path], bool]:
    def gets_through(folder: Path) -> bool:
        (folder / "top").mkdir()
        (folder / "outside").write_text("mine")
        (folder / "top" / target).symlink_to(folder / "outside")
        try:
            extract((), [(Entry(b"a", FILE, ""), (b"theirs",))], os.fsencode(folder / "top"), os)
        except SwitchyardError:
            return False
        return (folder / "outside").read_text() != "mine" or (folder / "top" / "a").read_text() == "theirs"

    return gets_through


EXTRACTION = [
    Attack("link in place of a folder meanwhile", extracts(True), extracts(False), follows),
    Attack("link in place of a deep folder meanwhile", extracts(True, at="a/b"), extracts(False), follows),
    Attack("link in place of a file", written_over("a"), written_over("another"), follows),
]


def arrives(build: Callable[[Path], str]) -> Callable[[Path], bool]:
    """Return whether a host takes in the history that ends with a commit."""

    def gets_through(folder: Path) -> bool:
        top = crafted.repository(folder / "clone")
        made = build(top)
        pack = folder / "pack"
        pack.write_bytes(crafted.packed(top, made))
        with open(pack, "rb") as file:
            try:
                Repository(folder / "repo.git", lambda: None).take_in(file, made, f"{made}^{{tree}}", "R1")
            except SwitchyardError:
                return False
        return True

    return gets_through


def after(top: Path, bad: str, author: bytes = crafted.IDENTITY) -> str:
    """Return a sound commit after one of a bad tree."""
    before = crafted.commit(top, bad, author=author)
    return crafted.commit(top, laid(top, [(BLOB, b"a", b"x")]), parent=before)


def takes_anything_in(monkeypatch: pytest.MonkeyPatch) -> None:
    run = process.run
    monkeypatch.setattr(
        process, "run", lambda argv, **how: run([word for word in argv if not word.startswith("--strict")], **how)
    )


def arriving(name: str, parts: Sequence[Part], author: bytes) -> Attack:
    """Build an attack by the history that a release brings; honest is a history with a slip of an old program."""
    return Attack(
        f"history with {name}",
        arrives(lambda top: after(top, laid(top, parts))),
        arrives(lambda top: after(top, laid(top, [(b"0100644", b"a", b"x")]), author)),
        takes_anything_in,
    )


MODULE = b'[submodule "a"]\n\tpath = a\n\turl = -u./payload\n'
ARRIVALS = [
    arriving("two entries of a name", [(SYMLINK, b"a", b"/"), (TREE, b"a", FOLDER)], b"A <a@b> 1 +051800"),
    arriving("entries out of order", [(BLOB, b"b", b""), (BLOB, b"a", b"")], b"A<a@b> 1 +0000"),
    arriving("a folder called ..", [(TREE, b"..", FOLDER)], b"A <a@b> 01 +0000"),
    arriving("a folder called .", [(TREE, b".", FOLDER)], b"A 1 +0000"),
    arriving("a repository", [(TREE, b".git", FOLDER)], b"<a@b> 1 +0000"),
    arriving("a name with a slash", [(BLOB, b"../a", b"")], b"A <a<b@c> 1 +0000"),
    arriving(
        "a link in place of .gitmodules", [(SYMLINK, b".gitmodules", b"/x")], b"A <a@b> 99999999999999999999 +0000"
    ),
    arriving("an option in place of an address", [(BLOB, b".gitmodules", MODULE)], b"A <a@b> 1 +0000"),
]


class Contained:
    """A folder of a shared service that its container may write to, and a file of the deploy user."""

    def __init__(self, folder: Path) -> None:
        self.release, self.home = folder / "release", folder / "home"
        self.secret, self.keys = folder / "user" / "secret", folder / "user" / "keys"
        for path, text in ((self.secret, "mine"), (self.keys / "a.ini", "mine"), (self.release / "conf/a.ini", "new")):
            path.parent.mkdir(parents=True)
            path.write_text(text)
        (self.home / "conf" / "deep").mkdir(parents=True)
        (self.home / "conf" / "a.ini").write_text("old")

    @property
    def is_intact(self) -> bool:
        return self.secret.read_text() == "mine" and os.listdir(self.keys) == ["a.ini"] and self._is_key_intact

    @property
    def _is_key_intact(self) -> bool:
        return (self.keys / "a.ini").read_text() == "mine"

    def link(self, name: str, target: Path) -> None:
        """Put a link in a place, as a container may, or as a commit may."""
        path = self.home / name
        if path.is_dir() and not path.is_symlink():
            path.rename(self.home.with_name("aside"))
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def laid_over(name: str, target: str, what: str = "conf") -> Callable[[Path], bool]:
    """Return whether laying files changes the deploy user's, where the container put a link in the place ``name``."""

    def gets_through(folder: Path) -> bool:
        place = Contained(folder)
        (place.release / "conf" / "deep").mkdir()
        (place.release / "conf" / "deep" / "b").write_text("new")
        place.link(name, getattr(place, target))
        try:
            lay(place.release, place.home, what)
        except SwitchyardError:
            return False
        return not place.is_intact

    return gets_through


def is_laid(folder: Path) -> bool:
    """Return whether files are laid into those that a container has mounted."""
    place = Contained(folder)
    mounted = (place.home / "conf" / "a.ini").stat().st_ino
    lay(place.release, place.home, "conf")
    path = place.home / "conf" / "a.ini"
    return path.stat().st_ino == mounted and path.read_text() == "new" and not (place.home / "conf" / "deep").exists()


def is_kept(name: str, target: str) -> Callable[[Path], bool]:
    """Return whether a backup copies the deploy user's file to where a container reads it."""

    def gets_through(folder: Path) -> bool:
        place = Contained(folder)
        shared = place.home.rename(folder / "files").parent / "shared"
        shared.mkdir()
        place.home = (folder / "files").rename(shared / "files")
        place.link(name, getattr(place, target))
        backup.keep(shared, [])
        backup.put_back(shared)
        return any(
            path.is_file() and not path.is_symlink() and path.read_text() == "mine" for path in shared.rglob("*")
        )

    return gets_through


def is_put_back(folder: Path) -> bool:
    """Return whether what a container's folder held comes back."""
    (folder / "shared" / "files").mkdir(parents=True)
    (folder / "shared" / "files" / "a").write_text("old")
    (folder / "shared" / "files" / "link").symlink_to("a")
    backup.keep(folder / "shared", [])
    (folder / "shared" / "files" / "a").write_text("new")
    backup.put_back(folder / "shared")
    return (folder / "shared" / "files" / "link").read_text() == "old"


def sees_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow each link, also on the way to what is read."""
    follows(monkeypatch)
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **how: stat(path, **{**how, "follow_symlinks": True}))


def shipped(target: Callable[[Contained], str]) -> Callable[[Path], bool]:
    """Return whether a link of a release is copied as what it leads to."""

    def gets_through(folder: Path) -> bool:
        place = Contained(folder)
        (place.release / "here").write_text("mine")
        (place.release / "conf" / "link").symlink_to(target(place))
        lay(place.release, place.home, "conf", follow=True)
        path = place.home / "conf" / "link"
        return path.is_file() and not path.is_symlink() and path.read_text() == "mine"

    return gets_through


def written_beside(is_planted: bool) -> Callable[[Path], bool]:
    """Return whether writing a file whole changes another, where somebody planted a link in place of its part."""

    def gets_through(folder: Path) -> bool:
        (folder / "outside").write_text("mine")
        if is_planted:
            (folder / f".live.map.{os.getpid()}").symlink_to(folder / "outside")
        files.write(folder / "live.map", "theirs")
        return (
            (folder / "outside").read_text() != "mine" if is_planted else (folder / "live.map").read_text() == "theirs"
        )

    return gets_through


def keeps_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    follows(monkeypatch)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)


def removes(name: str) -> Callable[[Path], bool]:
    """Return whether removing an entry deletes a folder that a link in it leads to."""

    def gets_through(folder: Path) -> bool:
        place = Contained(folder)
        place.link("conf", place.keys)
        with contained._opened(os.open(place.home, os.O_DIRECTORY)) as home:
            contained.remove(home, name)
        return not (place.keys / "a.ini").exists()

    return gets_through


def is_removed(folder: Path) -> bool:
    place = Contained(folder)
    with contained._opened(os.open(place.home, os.O_DIRECTORY)) as home:
        contained.remove(home, "conf")
    return not (place.home / "conf").exists()


def unlinks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    follows(monkeypatch)
    unlink = os.unlink

    def only_files(path: str, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None and os.path.islink(f"/proc/self/fd/{dir_fd}/{path}"):
            raise OSError
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", only_files)


def copies_pipe(kind: str) -> Callable[[Path], bool]:
    """Return whether something that is no file is read."""

    def gets_through(folder: Path) -> bool:
        place = Contained(folder)
        if kind == "pipe":
            os.mkfifo(place.release / "conf" / "x")
        else:
            (place.release / "conf" / "x").write_text("x")
        lay(place.release, place.home, "conf")
        return os.path.lexists(place.home / "conf" / "x")

    return gets_through


CONTAINERS = [
    Attack("link in place of a laid file", laid_over("conf/a.ini", "secret"), is_laid, sees_no_link),
    Attack("link in place of a laid folder", laid_over("conf", "keys"), is_laid, sees_no_link),
    Attack("link in place of a folder in a laid one", laid_over("conf/deep", "keys"), is_laid, sees_no_link),
    Attack("link above a laid file", laid_over("conf", "keys", "conf/a.ini"), is_laid, sees_no_link),
    Attack("link in place of a backed up file", is_kept("conf/a.ini", "secret"), is_put_back, sees_no_link),
    Attack("link in place of a backed up folder", is_kept("conf", "keys"), is_put_back, sees_no_link),
    Attack(
        "link of a release to the host",
        shipped(lambda place: str(place.secret)),
        shipped(lambda place: "../here"),
        sees_no_link,
    ),
    Attack(
        "link of a release above it",
        shipped(lambda place: "../../user/secret"),
        shipped(lambda place: "./../here"),
        sees_no_link,
    ),
    Attack("link in place of a part", written_beside(True), written_beside(False), keeps_what_is_there),
    Attack("link in place of a removed folder", removes("conf"), is_removed, unlinks_nothing),
    Attack(
        "pipe in place of a file",
        copies_pipe("pipe"),
        copies_pipe("file"),
        lambda monkeypatch: monkeypatch.setattr(contained.stat, "S_ISREG", lambda _: True),
    ),
]


def runs(change: Callable[[Path], None]) -> Callable[[Path], bool]:
    """Return whether the bootstrap runs the program that stands on a host after a change there."""

    def gets_through(folder: Path) -> bool:
        digest, _ = host_program.packed()
        program = folder / "apps" / "shop" / "bin" / digest
        program.mkdir(parents=True)
        (program / "__main__.py").write_text("print('ran')\n")
        change(program)
        command = host_program.bootstrap(str(folder / "apps" / "shop"), digest, 1)
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return "ran" in done.stdout

    return gets_through


def asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap = host_program._BOOTSTRAP.replace("others = problems(folder, inner=3)", "others = []")
    monkeypatch.setattr(host_program, "_BOOTSTRAP", bootstrap)


def judged(change: Callable[[Path], None]) -> Callable[[Path], bool]:
    """Return whether a program's folder passes after a change of it."""

    def gets_through(folder: Path) -> bool:
        program = folder / "apps" / "shop" / "bin" / "abc"
        program.mkdir(parents=True)
        change(program)
        return not ownership.problems(str(program), inner=3)

    return gets_through


def given_away(program: Path) -> None:
    os.chown(program, 4321, -1)


def linked_away(program: Path) -> None:
    """Let the root be a link to a folder where everybody may write."""
    (program.parents[3] / "open").mkdir()
    (program.parents[3] / "open").chmod(0o777)
    program.parents[1].rename(program.parents[3] / "open" / "shop")
    program.parents[1].symlink_to(program.parents[3] / "open" / "shop")


def led_by_another(program: Path) -> None:
    """Let the root be a link of another user in a sticky folder."""
    program.parents[1].rename(program.parents[3] / "shop")
    program.parents[1].symlink_to(program.parents[3] / "shop")
    os.lchown(program.parents[1], 4321, -1)
    program.parents[2].chmod(0o1777)


def of_group(program: Path, name: str = "") -> None:
    """Let a group write to the root: somebody else's, or the user's own."""
    group = next(each for each in grp.getgrall() if each.gr_gid != 0) if not name else grp.getgrnam(name)
    os.chown(program.parents[1], -1, group.gr_gid)
    program.parents[1].chmod(0o775)


def open_at(parent: int, mode: int) -> Callable[[Path], None]:
    return lambda program: (program, *program.parents)[parent].chmod(mode)


def sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "_judge", lambda *_, **__: [])
    monkeypatch.setattr(ownership, "_judge_owner", lambda *_: [])


OWNERSHIP = [
    Attack("program below a root of everybody", runs(open_at(2, 0o777)), runs(open_at(2, 0o755)), asks_nobody),
    Attack("program of another user", runs(given_away), runs(open_at(0, 0o700)), asks_nobody),
    Attack("program below a folder of everybody", runs(open_at(3, 0o777)), runs(open_at(3, 0o1777)), asks_nobody),
    Attack("folder of programs of everybody", judged(open_at(1, 0o757)), judged(open_at(1, 0o711)), sees_nothing),
    Attack("sticky folder of programs", judged(open_at(1, 0o1777)), judged(open_at(3, 0o1777)), sees_nothing),
    Attack("sticky root", judged(open_at(2, 0o1757)), judged(open_at(2, 0o750)), sees_nothing),
    Attack("root of another group", judged(of_group), judged(lambda program: of_group(program, "root")), sees_nothing),
    Attack("root that leads to a folder of everybody", judged(linked_away), judged(lambda program: None), sees_nothing),
    Attack("root that is another user's link", judged(led_by_another), judged(lambda program: None), sees_nothing),
    Attack(
        "another user's parent",
        judged(lambda program: given_away(program.parents[2])),
        judged(lambda program: None),
        sees_nothing,
    ),
]
test_refused, test_twin, test_defence = promises([*NAMES, *SPECIAL, *EXTRACTION, *ARRIVALS, *CONTAINERS, *OWNERSHIP])
