"""One YAML file of settings: its sections, and for each mistake a sentence with its line."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from switchyard.core.errors import BadInput
from switchyard.core.regular_file import read_regular
from switchyard.core.wire.message import Json
from switchyard.settings import bounded_yaml
from switchyard.settings.fields import known_keys
from switchyard.settings.model import AppSetting, HostSetting

F = TypeVar("F", bound=BaseModel)
PROBLEMS_MOST = 50
"""Mistakes of a file that are told in one round."""
KEY_MOST = 100
"""Characters of a key that are looked at and shown."""


class SettingsFile(BaseModel):
    """The sections that Switchyard reads. Other keys of ``invoke.yaml`` belong to Invoke."""

    model_config = ConfigDict(extra="ignore")

    app: AppSetting | None = None
    hosts: dict[str, HostSetting] | None = None


def read(path: Path) -> SettingsFile:
    """Return a file's sections, or none where there is no file."""
    return parse(read_text(path), str(path)) if path.exists() else SettingsFile()


def parse(text: str, name: str) -> SettingsFile:
    """Return the sections of a text. Raise ``BadInput`` with every mistake on a line of its own."""
    return parse_as(SettingsFile, text, name)


def parse_as(kind: type[F], text: str, name: str) -> F:
    """Return a text as a file of one kind. Raise ``BadInput`` with every mistake on a line of its own."""
    value = bounded_yaml.load(text, name) or {}
    if not isinstance(value, dict):
        keys = " and ".join(f"`{key}:`" for key in kind.model_fields)
        raise BadInput(f"{name}: the settings must be a mapping with {keys}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise BadInput("\n".join(_sentences(error.errors(), text, name))) from None


def read_text(path: Path, where: str = "") -> str:
    """Return a UTF-8 file's text. Raise ``BadInput``, after the words of ``where``, if that fails."""
    try:
        return read_regular(str(path), os).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}{path}: byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise BadInput(f"{where}{path}: {error.strerror}") from None


class _AsWritten(yaml.SafeLoader):
    """Reads every scalar as the text that is written, whatever its tag; of tags, only ``!!binary`` changes it."""

    def construct_any(self, node: yaml.Node) -> Json:
        """Return texts, lists and mappings."""
        if isinstance(node, yaml.ScalarNode):
            is_binary = node.tag == "tag:yaml.org,2002:binary"
            return self.construct_yaml_binary(node).decode(errors="replace") if is_binary else str(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.construct_object(each, deep=True) for each in node.value]
        assert isinstance(node, yaml.MappingNode)
        return {str(key): value for key, value in self.construct_mapping(node, deep=True).items()}


_AsWritten.yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("<<"))]}
_AsWritten.yaml_constructors = {}
_AsWritten.add_constructor(None, _AsWritten.construct_any)


def documents_of(path: Path, name: str) -> list[Json]:
    """Return the documents of a YAML file, with scalars as texts. Raise ``BadInput`` where it cannot be read."""
    return bounded_yaml.documents(read_text(path), name, _AsWritten)


def _sentences(problems: Sequence[ErrorDetails], text: str, name: str) -> Iterator[str]:
    """Yield what is wrong, with its line, and how much more there is."""
    tree = bounded_yaml.compose(text, name)
    for problem in problems[:PROBLEMS_MOST]:
        yield _sentence(problem, tree, name)
    if len(problems) > PROBLEMS_MOST:
        yield f"{name}: and {len(problems) - PROBLEMS_MOST} more mistakes"


def _sentence(problem: ErrorDetails, tree: yaml.Node | None, name: str) -> str:
    path = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1][:KEY_MOST], known_keys(), 1)
        message = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
    return f"{name}:{_line_in(tree, path)}: {'.'.join(part[:KEY_MOST] for part in path)}: {message}"


def line_of(text: str, path: list[str]) -> int:
    """Return the line of the innermost key of a path that the text has, counted from 1. Raise ``BadInput``."""
    return _line_in(bounded_yaml.compose(text, "the file"), path)


def _line_in(node: yaml.Node | None, path: list[str]) -> int:
    line = 1
    for part in path:
        children: list[tuple[str, yaml.Node, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            children = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            children = [(str(index), item, item) for index, item in enumerate(node.value)]
        match = next((child for child in children if child[0] == part), None)
        if match is None:
            break
        _, key_node, node = match
        line = key_node.start_mark.line + 1
    return line
