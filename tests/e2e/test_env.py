"""The env of a host reaches services as people write their compose files, and nothing of the control node does."""

from __future__ import annotations

SERVED = """f"{os.environ['GREETING']} {len(Path('/run/secrets/token').read_text())} " + Path"""


def test_env_files_and_secrets_as_people_have_them_and_a_variable_that_a_release_goes_without(site):
    site.rewrite("VERSION = Path", f"VERSION = {SERVED}", "app.py")
    site.rewrite("    build: .\n", "    build: .\n    env_file: [.env, {path: more.env, required: false}]\n")
    site.rewrite("    stop_grace_period", "    secrets: [token]\n    stop_grace_period")
    compose = site.app / "compose.yaml"
    compose.write_text(f"{compose.read_text()}\nsecrets: {{token: {{environment: TOKEN}}}}\n")
    (site.app / ".gitignore").write_text(".env\nmore.env\n")
    env = site.checkout / "prod.env"
    env.write_text("BREAK=none\nGREETING=hello\nTOKEN=swordfish-77\nOLD=of-yesterday\n")
    site.commit("1")
    done = site.inv("deploy")
    assert done.returncode == 0 and "more.env" in done.stdout, done.stdout
    assert site.answer() == "hello 12 1"
    env.write_text("BREAK=none\nGREETING=hello again\nTOKEN=swordfish-7\n")
    site.commit("2")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "--drop-env OLD" in refused.stdout, refused.stdout
    planned = site.inv("plan", "--drop-env", "OLD")
    assert planned.returncode == 0 and "env keys dropped (--drop-env): OLD" in planned.stdout, planned.stdout
    assert site.inv("plan", "--drop-env", "NONE").returncode == 4
    done = site.inv("deploy", "--drop-env", "OLD")
    assert done.returncode == 0 and site.answer() == "hello again 11 2", done.stdout
    assert "swordfish" not in done.stdout
    assert "--drop-env: without OLD of the live release" in site.read("journal.jsonl")
    allowed = site.inv("allow", "--env", "SCORES_TOKEN", "--reason", "the tests read scores")
    assert allowed.returncode == 0, allowed.stdout
    assert "SCORES_TOKEN" in site.inv("allow").stdout
    assert "the tests read scores" in site.inv("history").stdout
    assert site.run("stat", "--format", "%a", f"{site.root}/allow.json") == "600"
    taken = site.inv("allow", "--env", "SCORES_TOKEN", "--take-back", "--reason", "they do not any more")
    assert taken.returncode == 0 and "allows nothing beyond" in site.inv("allow").stdout, taken.stdout
