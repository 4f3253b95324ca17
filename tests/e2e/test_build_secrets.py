"""What an image build may know and nobody else: secrets and keys reach the build, and stay nowhere."""

from __future__ import annotations

import base64
import hashlib
import subprocess

from tests.harness.secret_watch import LOOK
from tests.harness.site import MAY_HOLD_SECRETS

CANARIES = FROM_ENV, FROM_FILE, FROM_HOST = ("canary-build-env-4d1", "canary-build-file-9a$c", "canary-build-host-77b")
SECRETS = """
secrets:
  token: {environment: TOKEN}
  tracked: {file: ./token.txt}
  on-host: {file: /srv/build-secret}
"""
RECIPE = r"""
RUN --mount=type=secret,id=token,required=true --mount=type=secret,id=tracked,required=true \
    --mount=type=secret,id=on-host,required=true --mount=type=ssh,id=git,required=true python3 prove.py
"""
PROVE = """
import base64, hashlib, os, pathlib, socket, struct, subprocess, time
with socket.socket(socket.AF_UNIX) as agent:
    agent.connect(os.environ["SSH_AUTH_SOCK"])
    agent.sendall(struct.pack(">IB", 1, 11))
    with agent.makefile("rb") as answers:  # the answer may come in parts
        answer = answers.read(struct.unpack(">I", answers.read(4))[0])
length = struct.unpack(">I", answer[5:9])[0]
proofs = [hashlib.sha256(answer[9:9 + length]).hexdigest()]
for name in ("token", "tracked", "on-host"):
    proofs.append(hashlib.sha256(pathlib.Path("/run/secrets", name).read_bytes()).hexdigest())
pathlib.Path("VERSION").write_text(" ".join(proofs))
time.sleep(3)
"""


def looked_at(site, process, seen: set[str]) -> None:
    """Look at every process of both machines until the verb ends."""
    words = ["python3", "-c", LOOK, *(canary[::-1] for canary in CANARIES)]
    while process.poll() is None:
        seen.add(site.run(*words))
        seen.add(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())


def test_secrets_and_keys_of_a_build_reach_it_and_stay_nowhere(site):
    digests = [hashlib.sha256(canary.encode()).hexdigest() for canary in CANARIES]
    key = "/home/deploy/build_key"
    site.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "build", "-f", key)
    site.run("sh", "-c", f"printf '{FROM_HOST}' > /srv/build-secret")
    site.run("chown", "deploy", key, "/srv/build-secret")
    site.run("chmod", "600", key, "/srv/build-secret")
    public = base64.b64decode(site.run("cat", f"{key}.pub").split()[1])
    private = "".join(site.run("cat", key).splitlines()[2:3])
    (site.app / "prove.py").write_text(PROVE)
    (site.app / "token.txt").write_text(FROM_FILE)
    (site.app / ".dockerignore").write_text("token.txt\n.git\n")
    site.rewrite("COPY VERSION app.py ./\n", f"COPY VERSION app.py prove.py ./{RECIPE}", "Dockerfile")
    secrets = "[token, tracked, {source: on-host}]"
    site.rewrite("build: .\n", f"build: {{context: ., secrets: {secrets}, ssh: [git=~/.ssh/none]}}\n")
    (site.app / "compose.yaml").write_text((site.app / "compose.yaml").read_text() + SECRETS)
    (site.checkout / "prod.env").write_text(f"BREAK=none\nTOKEN={FROM_ENV}\n")
    site.commit("1")
    refused = site.inv("deploy")
    assert refused.returncode in (2, 4) and "hosts.NAME.build_ssh: {git: " in refused.stdout, refused.stdout
    with site.entry() as entry:
        entry["build_ssh"] = {"git": key}
    seen: set[str] = set()
    with site.start("deploy", "--host", "prod") as process:
        looked_at(site, process, seen)
        output = process.communicate()[0]
    assert process.returncode == 0, output
    assert site.answer().split() == [hashlib.sha256(public).hexdigest(), *digests]
    assert seen == {""}, seen
    image = site.docker("images", "--quiet", "--filter", f"label=switchyard.app={site.name}").split()[0]
    history = site.docker("history", "--no-trunc", image) + site.docker("image", "inspect", image)
    saved = f"docker save {image} | tar -xO | tee /tmp/layers | wc -c; cat /tmp/layers"
    values = [*CANARIES, private]
    for value in values:
        assert value not in output and value not in history and value not in site.read("journal.jsonl")
        found = site.run("sh", "-c", f"({saved}) | grep -caF '{value}' || true")
        assert found.strip().splitlines()[-1] == "0", (value, found)
    site.run("rm", "/tmp/layers")
    look = "|".join(value.replace("$", "[$]") for value in values)
    holding = site.run("sh", "-c", f"grep -rlE '{look}' {site.root} /tmp /run /home/deploy || true").splitlines()
    names = {name for name in holding if name != key}
    assert {name for name in names if not MAY_HOLD_SECRETS.match(name.removeprefix(f"{site.root}/"))} == set(), names
    assert site.run("sh", "-c", f"ls -d {site.root}/releases/*/secrets || true") == ""
