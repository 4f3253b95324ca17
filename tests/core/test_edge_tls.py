"""What the edge has at an address with TLS, and where it has its certificates."""

from __future__ import annotations

import pytest

from switchyard.core import edge, edge_tls
from switchyard.core.app import App, Route, Tls
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.errors import BadInput
from switchyard.core.held_routes import held_for, leads

SHOP = Route("web", 80, 443, host="shop.example", tls=True)
WAY = Route("web", 80, 80, host="shop.example", redirects=443)


def lines_of(
    blue: tuple[Route, ...],
    green: tuple[Route, ...],
    section: str,
    *held: Route,
    settings: tuple[Tls, Tls] = (Tls(), Tls()),
) -> list[str]:
    """Return the lines of a section of an edge that was made for release 2, green, or for ``held``."""
    addresses = held_for(held or green, 2)
    colours = {
        colour: ColourRoutes(App("shop", tls=tls), leads(addresses, routes, number))
        for number, (colour, routes, tls) in enumerate(zip(("blue", "green"), (blue, green), settings, strict=True), 1)
    }
    sections = edge.configuration(addresses, colours, Place(asks_nobody=True)).split("\n\n")
    (found,) = [each for each in sections if each.startswith(f"{section}\n")]
    return [line.strip() for line in found.splitlines()]


def test_an_address_with_tls_shows_no_certificate_to_a_client_that_asks_for_another_name():
    lines = lines_of((SHOP,), (SHOP,), "frontend 0.0.0.0:443")
    assert lines[2] == (
        "bind :10000 ssl crt-list /etc/edge/cfg/tls.crt-list strict-sni alpn h2,http/1.1 ssl-min-ver TLSv1.2"
    )
    assert not any("Strict-Transport-Security" in line for line in lines)
    plain = lines_of((SHOP,), (SHOP,), "frontend preview_0.0.0.0:443_blue")
    assert "bind :11000" in plain


def test_an_address_that_is_new_leads_to_the_older_release_with_tls_too():
    older = Route("web", 80, 8080)
    lines = lines_of((older,), (SHOP,), "frontend 0.0.0.0:443")
    assert " ssl " in lines[2] and "use_backend web-80_blue if live_blue to_web-80_blue" in lines


def test_an_address_that_both_releases_close_keeps_its_tls():
    assert " ssl " in lines_of((), (), "frontend 0.0.0.0:443", SHOP)[2]


def test_each_release_says_which_versions_and_for_how_long():
    lines = lines_of((SHOP,), (SHOP,), "frontend 0.0.0.0:443", settings=(Tls(), Tls("1.3", 600)))
    assert lines[2].endswith("ssl-min-ver TLSv1.2"), "while one of the two speaks it"
    assert "http-request reject if live_green !{ ssl_fc_protocol -m str TLSv1.3 }" in lines
    assert not any("reject" in line and "blue" in line for line in lines)
    (told,) = [line for line in lines if "Strict-Transport-Security" in line]
    assert told == ("http-response set-header Strict-Transport-Security max-age=600 if { be_name -m end _green }")
    both = lines_of((SHOP,), (SHOP,), "frontend 0.0.0.0:443", settings=(Tls("1.3"), Tls("1.3")))
    assert both[2].endswith("ssl-min-ver TLSv1.3") and not any("reject" in line for line in both)


@pytest.mark.parametrize(
    ("port", "prefix"), [(443, "https://%[var(txn.name)]"), (8443, "https://%[var(txn.name)]:8443")]
)
def test_port_80_leads_on_to_tls_for_the_names_that_have_it(port, prefix):
    way = Route("web", 80, 80, host="shop.example", redirects=port)
    lines = lines_of((Route("web", 80, 80),), (way,), "frontend 0.0.0.0:80")
    assert (
        f"http-request redirect code 308 prefix {prefix} if live_green {{ var(txn.green) -m str to-{port} }}" in lines
    )
    assert not any("redirect" in line and "blue" in line for line in lines)
    assert "use_backend web-80_blue if live_blue to_web-80_blue" in lines, "the older release answers as it did"
    assert lines[-2:] == [
        "use_backend unknown_name if live_green !known_green",
        "use_backend unknown_path if live_green",
    ]


def test_tls_in_one_colour_and_not_in_the_other_is_refused():
    with pytest.raises(BadInput, match="TLS in one release and without it in the other"):
        lines_of((Route("web", 80, 443),), (SHOP,), "frontend 0.0.0.0:443")


@pytest.mark.parametrize("name", ["shop.example", "*.shop.example"])
def test_the_file_of_a_name_tells_the_name(name):
    assert edge_tls.name_of(edge_tls.file_of(name)) == name
    assert "*" not in edge_tls.file_of(name)
    assert edge_tls.list_of([name], "/etc/edge") == f"/etc/edge/cfg/certs/{edge_tls.file_of(name)} {name}\n"


@pytest.mark.parametrize("name", ["a\nb", "a b", "../a", "a/b", "a#", "", "*"])
def test_what_is_no_name_is_no_file_and_no_row(name):
    with pytest.raises(BadInput):
        edge_tls.file_of(name)
    with pytest.raises(BadInput):
        edge_tls.row(name, "/etc/edge")
