"""The person's own file of allowances."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.wire.allowance import NOTHING, Allowance
from switchyard.settings import allow, allow_file


def written(text: str, mode: int = 0o600) -> None:
    file = allow_file.path()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def test_it_allows_an_application_by_its_folder(tmp_path):
    assert allow_file.read(tmp_path) == NOTHING
    written(f"allow:\n  {tmp_path}/../{tmp_path.name}: {{env: [A], send: {{'HTTPS://X.test/p': [B]}}, files: [c]}}\n")
    assert allow_file.read(tmp_path) == Allowance(("A",), {"https://x.test": ("B",)}, ("c",))
    assert allow_file.read(tmp_path / "other") == NOTHING


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("allow: {}\n", 0o620, "chmod go-w"),
        ("allow: {/a: {evn: [A]}}\n", 0o600, "did you mean env?"),
        ("allow: {/a: {env: ['A B']}}\n", 0o600, ":1: allow./a.env.0: String should match"),
        ("allow: {/a: {send: {'x y': [B]}}}\n", 0o600, "expected an address such as"),
        ("- a\n", 0o600, "must be a mapping with `allow:`"),
    ],
)
def test_a_mistake_is_one_clear_error(tmp_path, text, mode, words):
    written(text, mode)
    with pytest.raises(BadInput) as caught:
        allow_file.read(tmp_path)
    assert words in str(caught.value)


def test_the_setting_is_of_one_spelling():
    setting = allow.AllowSetting.model_validate({"send": {"https://x.test:443/": ["A"]}})
    assert setting.allowance() == Allowance(send={"https://x.test": ("A",)})
