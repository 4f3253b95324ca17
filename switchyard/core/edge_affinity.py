"""Requests that stay with the colour that their page was loaded from, by a cookie. Lines of HAProxy's configuration."""

from __future__ import annotations

from collections.abc import Iterable

from switchyard.core.edge_names import Target


def page_rules(cookie: str, former: str | None, home: str) -> list[str]:
    """Return the rules that tell requests for pages from those that pages make, and whether their colour drains.

    Pages that an older Switchyard's edge answered have the ``former`` cookie.
    """
    read = f"req.cook({cookie})"
    return [
        "  acl page req.hdr(sec-fetch-dest) -m str document iframe",
        "  acl named req.hdr(sec-fetch-dest) -m found",
        "  acl html req.hdr(accept) -m sub text/html",
        *([f"  http-request set-var(txn.loaded) req.cook({former})"] if former else []),
        f"  http-request set-var(txn.loaded) {read}{f' if {{ {read} -m found }}' if former else ''}",
        f"  http-request set-var(txn.until) var(txn.loaded),field(2,:),map_str_int({home}/maps/drain.map,0)",
        "  http-request set-var(txn.left) date(),neg,add(txn.until)",
        "  http-request set-var(txn.colour) var(txn.loaded),field(1,:)",
        "  acl draining var(txn.left) -m int gt 0",
        "  http-request set-var(txn.page) bool(true) if page",
        "  http-request set-var(txn.page) bool(true) if !named html",
        "  acl loads_page var(txn.page) -m bool",
    ]


def set_cookie(cookie: str, colour: str, release: str) -> str:
    """Return the rule that a page which a colour answers carries its release."""
    return (
        f"  http-response add-header Set-Cookie {cookie}={colour}:{release};"
        f"\\ Path=/;\\ HttpOnly;\\ SameSite=Lax if {{ var(txn.page) -m bool }} {{ be_name -m end _{colour} }}"
    )


def rules(targets: Iterable[Target]) -> list[str]:
    """Return the rules that lead to the colour that a page was loaded from, while it drains."""
    lines: dict[str, None] = {}
    for target in targets:
        colour = target.colour
        if target.has_affinity:
            lines[f"  acl from_{colour} var(txn.colour) -m str {colour}"] = None
            leads = f"  use_backend {target.backend} if draining from_{colour}{target.to} {target.up} !loads_page"
            lines[leads] = None
    return list(lines)
