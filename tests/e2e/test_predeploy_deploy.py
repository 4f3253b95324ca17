"""A deploy checks the commit that it ships, whatever is in the work tree, and refuses a commit that is not fit."""

from __future__ import annotations

import json

from tests.harness.predeploy_case import pack

KEY = (
    "-----BEGIN RSA "
    + "PRIVATE KEY-----\n"
    + "MIIEowIBAAKCAQEAr7bJ2kq0vW8yQ3mN5sT1xZ9cF4hL6dKpR\n" * 8
    + "-----END RSA PRIVATE KEY-----\n"
)


def test_a_broken_commit_is_refused_despite_a_good_work_tree_and_ships_only_with_a_reason(site):
    site.commit("1")
    site.receipt("deploy")
    (site.app / "server.pem").write_text(KEY)
    broken = site.commit("2")
    (site.app / "server.pem").unlink()
    site.commit("3")
    assert site.inv("predeploy", "--only", "secrets").returncode == 0, "the work tree is fit"

    refused = site.inv("deploy", "--rev", broken)
    assert refused.returncode == 1, refused.stdout
    assert (
        "server.pem:1" in refused.stdout
        and "NOT fit to deploy; " in refused.stdout
        and "Traceback" not in refused.stdout
    )
    assert site.answer() == "1" and "nothing was sent to the host" in refused.stdout
    receipt = json.loads(site.inv("deploy", "--rev", broken, "--json").stdout)
    assert (receipt["outcome"], receipt["exit"], receipt["predeploy"]["checks"]["secrets"]) == ("refused", 1, "fail")

    for words, message in (
        (["--skip", "secrets"], "--reason"),
        (["--skip", "secrts", "--reason", "x"], "did you mean secrets?"),
    ):
        mistaken = site.inv("deploy", "--rev", broken, *words)
        assert mistaken.returncode == 2 and message in mistaken.stdout, mistaken.stdout

    receipt = site.receipt("deploy", "--rev", broken, "--skip", "secrets", "--reason", "the key is a dummy")
    assert receipt["predeploy"]["overridden"] == "without secrets (the key is a dummy)"
    assert receipt["predeploy"]["seconds"] > 0 and site.answer() == "2"
    journal = site.run("cat", f"/home/deploy/apps/{site.name}/journal.jsonl")
    assert "without secrets (the key is a dummy)" in journal


def test_an_unknown_check_refuses_the_deploy_with_another_code_unless_a_reason_allows_it(site):
    site.settings(predeploy={"certificates": {"shop": {"file": "no/such/certificate.pem"}}})
    site.commit("1")
    unknown = site.inv("deploy")
    assert unknown.returncode == 3 and "not known to be fit" in unknown.stdout, unknown.stdout
    assert "no/such/certificate.pem" in unknown.stdout and site.containers("blue") == {}
    receipt = site.receipt("deploy", "--allow-unknown", "certificates", "--reason", "it comes next week")
    assert receipt["predeploy"]["checks"]["certificates"] == "unknown"
    assert "certificates (it comes next week)" in receipt["predeploy"]["overridden"]
    assert site.answer() == "1"


def test_a_release_may_have_the_findings_of_the_live_one_and_no_worse(site, tmp_path):
    both_tests = "def test_one():\n    assert True\n\n\ndef test_two():\n    assert False\n"
    old = 'GREETING = f"hello"\n'

    def ship(version, shop=old, tests=both_tests):
        (site.app / "shop.py").write_text(shop)
        (site.app / "tests" / "test_shop.py").write_text(tests)
        site.commit(version)

    (tmp_path / "wheels").mkdir()
    version = pack(["pytest"], tmp_path / "wheels")["pytest"]
    (site.app / "tests").mkdir()
    (site.app / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F"]\n')
    (site.app / "requirements.txt").write_text(f"--no-index\n--find-links {tmp_path / 'wheels'}\npytest=={version}\n")
    gates = {"lint": "no-worse-than-live", "unit": "no-worse-than-live"}
    files = {"sources": ["shop.py"], "requirements": ["requirements.txt"], "tests": {"unit": "tests"}}
    site.settings(predeploy={"gates": gates, **files})
    others = "deadcode,audit,secrets,compose,coverage,configuration"
    site.overrides = ("--skip", others, "--reason", "only two checks matter here")
    ship("1")
    site.receipt("deploy")

    ship("2", shop=f'\n\n\n{old}OTHER = f"bye"\n', tests="def test_two():\n    assert False\n")
    worse = site.inv("deploy")
    assert worse.returncode == 1, worse.stdout
    assert "1 new beside 1 of the live release" in worse.stdout
    assert [line.split()[0] for line in worse.stdout.splitlines() if "[F541]" in line] == ["shop.py:5:"]
    assert "test_one was collected on the live release and is gone" in worse.stdout
    assert worse.stdout.count("[lost-test]") == 1 and "test_two" not in worse.stdout
    assert site.answer() == "1"

    ship("3", shop=f"\n\n\n{old}", tests=f"def test_three():\n    assert True\n\n\n{both_tests}")
    site.receipt("deploy")
    assert site.answer() == "3"
    again = site.inv("predeploy", "--only", "lint,unit")
    assert again.returncode == 0, "the findings that live had from the start are still known: " + again.stdout
