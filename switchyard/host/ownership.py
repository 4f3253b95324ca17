"""Who else may change what runs on this host. The bootstrap holds this text, and asks it before it runs anything."""

from __future__ import annotations

import os
import stat

LINKS_MOST = 40
"""Links that a path may lead through, as Linux counts them."""


def problems(path: str, inner: int) -> list[str]:
    """Return who else may change what is at an absolute path, each with the command that ends it.

    Every folder on the way must belong to this user or root, and nobody else may write there. In a sticky folder
    others may, as long as what is ours there exists; not in the last ``inner`` folders of the path.
    """
    risks: list[str] = []
    reached, links = "/", 0
    ahead = [part for part in path.split("/") if part not in ("", ".")][::-1]
    risks += _judge(reached, os.lstat(reached), may_be_sticky=True)
    while ahead and links <= LINKS_MOST:
        part = ahead.pop()
        if part == "..":
            reached = os.path.dirname(reached)
            continue
        at = os.path.join(reached, part)
        try:
            status = os.lstat(at)
        except (FileNotFoundError, NotADirectoryError):
            break  # this user makes it
        if stat.S_ISLNK(status.st_mode):
            links += 1
            risks += _judge_owner(at, status)
            target = os.readlink(at)
            reached = "/" if target.startswith("/") else reached
            ahead += [each for each in target.split("/") if each not in ("", ".")][::-1]
        else:
            risks += _judge(at, status, may_be_sticky=len(ahead) >= inner)
            reached = at
    return list(dict.fromkeys(risks))


def _judge(at: str, status: os.stat_result, *, may_be_sticky: bool) -> list[str]:
    risks = _judge_owner(at, status)
    if may_be_sticky and status.st_mode & stat.S_ISVTX:
        return risks
    if status.st_mode & stat.S_IWOTH:
        risks.append(f"everybody may write to {at} (chmod o-w {at})")
    if status.st_mode & stat.S_IWGRP and not _is_own_group(at, status.st_gid):
        risks.append(f"its group may write to {at} (chmod g-w {at})")
    return risks


def _judge_owner(at: str, status: os.stat_result) -> list[str]:
    if status.st_uid in (0, os.geteuid()):
        return []
    return [f"{at} belongs to user {status.st_uid} (chown -h {os.geteuid()} {at})"]


def _is_own_group(at: str, group: int) -> bool:
    """Return whether a group is this user's own, or root's, without another member; no list grants more."""
    import grp  # hardly any folder needs them
    import pwd

    try:
        if "system.posix_acl_access" in os.listxattr(at):
            return False
        entry, user = grp.getgrgid(group), pwd.getpwuid(os.geteuid()).pw_name
    except (AttributeError, KeyError, OSError):
        return False
    return entry.gr_name in (user, "root") and set(entry.gr_mem) <= {user, "root"}
