"""Certificates of a host: what is wrong with one is told before anything ships, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control import terminal
from switchyard.control.certificates import chain_for, covering, read_certificates
from switchyard.core.errors import BadInput
from switchyard.settings import load
from switchyard.settings.model import Host
from tests.harness.certificates import Authority, authority

NAME = "shop.example"


def host(folder: Path, *names: str) -> Host:
    """Return a host whose entry names the files that ``Authority.lay`` writes for each name."""
    entries = ", ".join(
        f"'{name}': {{certificate: {name.replace('*', 'any')}.pem, key: {name.replace('*', 'any')}.key}}"
        for name in names
    )
    machines = "machines: [{name: prod1, address: 203.0.113.5}]"
    (folder / "invoke.yaml").write_text(f"hosts: {{prod: {{{machines}, certificates: {{{entries}}}}}}}\n")
    return load.host(folder, "prod")


def wrong(folder: Path, *names: str) -> str:
    with pytest.raises(BadInput) as caught:
        read_certificates(host(folder, *names))
    return str(caught.value)


def test_a_good_certificate_is_read_with_its_chain_and_its_key_is_shown_nowhere(tmp_path):
    for name in (NAME, "*.shop.example"):
        authority().lay(tmp_path, name)
    found = read_certificates(host(tmp_path, NAME, "*.shop.example"))
    assert set(found) == {NAME, "*.shop.example"}
    assert found[NAME].chain.count("BEGIN CERTIFICATE") == 2 and "\n\n" not in found[NAME].text
    assert "PRIVATE KEY" not in found[NAME].chain
    body = found[NAME].key.splitlines()[1]
    assert body not in terminal.shown(f"an error with {found[NAME].key}")


@pytest.mark.parametrize("issued", ["shop.example", "*.example"])
def test_a_certificate_is_for_a_name_also_by_its_wildcard(tmp_path, issued):
    certificate, key = authority().issue(issued)
    authority().lay(tmp_path, NAME)
    (tmp_path / f"{NAME}.pem").write_text(certificate)
    (tmp_path / f"{NAME}.key").write_text(key)
    assert NAME in read_certificates(host(tmp_path, NAME))


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    for name in ("a.example", "b.example", "c.example", "d.example", "e.example", "f.example"):
        authority().lay(tmp_path, name)
    authority().lay(tmp_path, "old.example", days=-1, begun=30)
    (tmp_path / "a.example.key").write_text(authority().issue("a.example")[1])
    (tmp_path / "b.example.key").chmod(0o644)
    (tmp_path / "c.example.pem").write_text("nothing")
    (tmp_path / "d.example.key").write_text("nothing")
    first = authority().issue("e.example")
    (tmp_path / "e.example.pem").write_text(first[0] + Authority().text)
    (tmp_path / "e.example.key").write_text(first[1])
    (tmp_path / "f.example.pem").unlink()
    (tmp_path / "g.example.pem").write_text(authority().issue("other.example")[0])
    other = authority().issue("other.example")
    (tmp_path / "g.example.pem").write_text(other[0])
    (tmp_path / "g.example.key").touch(mode=0o600)
    (tmp_path / "g.example.key").write_text(other[1])
    said = wrong(tmp_path, *(f"{each}.example" for each in ("a", "b", "c", "d", "e", "f", "g", "old")))
    for words in (
        "certificates.a.example: the key is not that of the certificate",
        "certificates.b.example.key: others may read",
        "certificates.c.example.certificate: it holds no certificate",
        "certificates.d.example.key: it holds no key",
        "certificates.e.example.certificate: number 2 in its file did not issue number 1",
        "certificates.f.example.certificate: ",
        "certificates.g.example.certificate: it is not for g.example, but for other.example",
        "certificates.old.example.certificate: it ended on ",
    ):
        assert words in said, said
    assert "PRIVATE KEY" not in said and len(said.splitlines()) == 8


def test_an_encrypted_key_is_told(tmp_path):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    authority().lay(tmp_path, NAME)
    key = ec.generate_private_key(ec.SECP256R1())
    locked = form.BestAvailableEncryption(b"word")
    (tmp_path / f"{NAME}.key").write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked))
    assert "it is encrypted. Remove its passphrase" in wrong(tmp_path, NAME)


def test_a_look_needs_no_file_of_this_machine(tmp_path):
    entry = host(tmp_path, "*.example")
    assert chain_for(entry, NAME) == "" == chain_for(entry, "other.net")
    authority().lay(tmp_path, "*.example")
    assert authority().text in chain_for(entry, NAME)


def test_a_name_is_covered_by_itself_before_its_wildcard():
    assert covering(NAME, ["*.example", NAME]) == NAME
    assert covering(NAME, ["*.example"]) == "*.example"
    assert covering("a.shop.example", ["*.example"]) is None and covering(NAME, []) is None
