"""The published ports of services: which of them the settings leave out, and what is wrong with the others."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Port, Service


def leave_out(document: Document, app: App) -> tuple[Document, list[str]]:
    """Return the document without the ports that the settings ignore, and a problem for each that names none."""
    services, problems = dict(document.services), []
    for name, words in app.ignored_ports.items():
        service = document.services.get(name)
        if service is None:
            problems.append(f"app.ignored_ports.{name}: the compose file has no service of this name")
            continue
        for word in words:
            if not any(_is_named(port, word) for port in service.ports):
                problems.append(
                    f"app.ignored_ports.{name}: {word} is no published port of the service: {_all(service)}"
                )
        services[name] = service.with_ports(
            port for port in service.ports if not any(_is_named(port, word) for word in words)
        )
    return document._replace(services=services), problems


def _all(service: Service) -> str:
    return ", ".join(spans(service.ports)) or "it publishes none"


def _is_named(port: Port, word: str) -> bool:
    """Return whether a setting names a port: ``80``, ``5000-5010`` or ``53/udp``."""
    numbers, _, protocol = word.partition("/")
    first, _, last = numbers.partition("-")
    is_in = port.target is not None and int(first) <= port.target <= int(last or first)
    return is_in and port.protocol == (protocol.lower() or "tcp")


def spans(ports: Iterable[Port]) -> list[str]:
    """Return ports of a container as a setting names them, neighbours as one span."""
    spans: list[str] = []
    for protocol in dict.fromkeys(port.protocol for port in ports):
        numbers = sorted({port.target or 0 for port in ports if port.protocol == protocol})
        firsts = [number for number in numbers if number - 1 not in numbers]
        lasts = [number for number in numbers if number + 1 not in numbers]
        suffix = "" if protocol == "tcp" else f"/{protocol}"
        spans += [
            f"{first}{suffix}" if first == last else f"{first}-{last}{suffix}"
            for first, last in zip(firsts, lasts, strict=True)
        ]
    return spans


def refused(service: Service) -> Iterator[str]:
    """Yield what is wrong with the published ports of a routed service: those that cannot be routes as they stand."""
    name, ports = service.name, service.ports
    for protocol in dict.fromkeys(port.protocol for port in ports if port.protocol != "tcp"):
        named = ", ".join(spans([port for port in ports if port.protocol == protocol]))
        yield (
            f"service {name}: ports: {named}: the edge passes TCP, and no {protocol.upper()}. Leave it out with "
            f"app.ignored_ports.{name}: [{named}], or publish it without the edge with app.kinds.{name}: shared"
        )
    for port in ports:
        if port.is_malformed or not is_address(port.host_ip):
            yield f"service {name}: ports: {port.spelling} is no address of a host. Correct it in the compose file"
    open_ports = [port for port in ports if is_left_to_engine(port)]
    if open_ports:
        named = ", ".join(dict.fromkeys(port.spelling for port in open_ports))
        yield (
            f"service {name}: ports: {named}: the engine would pick the port, and a route needs one that stays. Choose "
            f"it under app.routes, or leave it out with app.ignored_ports.{name}: [{', '.join(spans(open_ports))}]"
        )


def is_left_to_engine(port: Port) -> bool:
    """Return whether the engine would pick the port of the host: none is named, or a range of them."""
    return port.protocol == "tcp" and not port.is_malformed and port.number is None


def is_address(text: str) -> bool:
    """Return whether a text is an address of a host; an empty one stands for all of them."""
    try:
        return not text or (bool(ipaddress.ip_address(text)) and "%" not in text)  # no name of an interface
    except ValueError:
        return False


def proposal(services: Mapping[str, Sequence[Port]]) -> str:
    """Return the setting that names a route for each published TCP port, with a number where the engine would pick."""
    lines, taken = [], {port.number for ports in services.values() for port in ports}
    for name, ports in services.items():
        for port in ports:
            listen = port.number if port.number is not None else _free(port, taken)
            taken.add(listen)
            place = (
                f'"{f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip}:{listen}"' if port.host_ip else listen
            )
            lines.append(f"      - {{service: {name}, port: {port.target}, listen: {place}}}")
    return "the routes of this file, with numbers that you may change:\n  app:\n    routes:\n" + "\n".join(lines)


def _free(port: Port, taken: set[int | None]) -> int:
    """Return a number for a port that the engine would pick: of its range, else like the container's."""
    first = port.published.partition("-")[0]
    start = int(first) if int(first or 0) else (port.target or 0)
    start = start if start >= 1024 or int(first or 0) else start + 8000
    return next(number for number in range(start, 65536) if number not in taken)
