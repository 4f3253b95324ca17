"""How the edge lets requests to exclusive services wait while one of them replaces the other.

A Lua action looks at a map, which a switch of the runtime API changes without a reload. The map holds the second at
which the hold ends by itself, so that a program which died holds nothing for ever. What waited goes on one by one: a
thousand requests at once would overrun a service that has just started.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from switchyard.core.app import App, Route
from switchyard.core.haproxy import word
from switchyard.core.route_modes import are_http

MAP = "hold"
"""The name of the map. While it has no row, or the second of its row is over, nothing waits."""
UNTIL = "until"
"""The map's only key; its value is a second since the epoch."""
RETRY_AFTER = 5
"""Seconds after which a client that waited in vain may ask again."""
_SCRIPT = """-- Requests to services of which at most one runs wait here while one of them replaces the other.
local held = Map.new("HOME/maps/hold.map", Map._str)
local POLL = 100 -- milliseconds; 20 starved some hundred waiting requests
local PACE = 2 -- milliseconds between two requests that go on
local current, waiting, longest, refused, slot = nil, 0, 0, 0, 0

local function milliseconds()
    local now = core.now()
    return now.sec * 1000 + now.usec // 1000
end

local function ends()
    local second = tonumber(held:lookup("until"))
    return second ~= nil and os.time() < second and second or nil
end

local function wait(limit)
    local began = milliseconds()
    if ends() ~= current then
        current, longest, refused = ends(), 0, 0
    end
    while ends() do
        if milliseconds() - began >= limit then
            longest, refused = math.max(longest, limit), refused + 1
            return false
        end
        core.msleep(POLL + math.random(0, POLL))
    end
    local now = milliseconds()
    slot = math.max(now, slot + PACE)
    if slot > now then
        core.msleep(slot - now)
    end
    longest = math.max(longest, milliseconds() - began)
    return true
end

local function may_go_on(limit)
    if not ends() then
        return true
    end
    waiting = waiting + 1
    local goes_on = wait(tonumber(limit) * 1000)
    waiting = waiting - 1
    return goes_on
end

core.register_action("hold", {"http-req"}, function(txn, limit)
    if not may_go_on(limit) then
        local reply = txn:reply{status = 503}
        reply:add_header("Retry-After", "RETRY_AFTER")
        reply:add_header("Content-Type", "text/plain")
        reply:set_body("This service is being replaced. Try again in a moment.")
        txn:done(reply)
    end
end, 1)

core.register_action("hold_tcp", {"tcp-req"}, function(txn, limit)
    if not may_go_on(limit) then
        txn:done()
    end
end, 1)

core.register_cli({"hold", "counts"}, "hold counts : what waits, and what waited during the last hold", function(applet)
    applet:send(string.format("%d %d %d\\n", waiting, longest, refused))
end)
"""
COUNTS = "hold counts"
"""The command of the runtime API that returns how many requests wait, how long the longest of the last hold waited in
milliseconds, and how many of them got no answer of the service."""
FILE = f"hold-{hashlib.sha256(_SCRIPT.encode()).hexdigest()[:8]}.lua"
"""The script's name in the edge's folder of configurations. Another script has another name."""


def script(home: str) -> str:
    """Return the script. ``home`` is the folder of the edge's container with the maps."""
    return _SCRIPT.replace("HOME", home).replace("RETRY_AFTER", str(RETRY_AFTER))


def load(home: str) -> str:
    """Return the section that loads the script."""
    return f"global\n  lua-load {home}/cfg/{FILE}\n"


def rules(routes: Mapping[str, Sequence[Route]], apps: Mapping[str, App], *, is_named: bool) -> list[str]:
    """Return the rules by which requests to an address wait; none where it leads to no exclusive service.

    ``routes`` and ``apps`` have the routes and the settings of each colour. Where names and paths tell the routes
    apart, requests to other services do not wait.
    """
    limits = {
        f"{{ var(txn.{word(colour)}) -m str {word(route.name)} }}": apps[colour].hold
        for colour, each in routes.items()
        for route in each
        if route.service in apps[colour].exclusive and not route.redirects
    }
    if not limits:
        return []
    seconds = max(limits.values())
    if is_named:
        return [f"  http-request lua.hold {seconds:d} if {condition}" for condition in limits]
    if are_http(route for each in routes.values() for route in each):
        return [f"  http-request lua.hold {seconds:d}"]
    # HAProxy ends a rule that waits when its own time for a look at the content is over.
    return [f"  tcp-request inspect-delay {seconds + 10:d}s", f"  tcp-request content lua.hold_tcp {seconds:d}"]


def hold_map(until: int) -> str:
    """Return the map that holds requests until a second since the epoch."""
    return f"{UNTIL} {until:d}\n"
