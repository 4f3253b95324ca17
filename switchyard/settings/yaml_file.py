"""One YAML file of settings: its sections, and for each mistake a sentence with its line."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Json
from switchyard.settings.fields import known_keys
from switchyard.settings.model import AppSetting, HostSetting

F = TypeVar("F", bound=BaseModel)


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
    try:
        value = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"{name}{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{name}: not YAML: {error}") from None
    if not isinstance(value, dict):
        keys = " and ".join(f"`{key}:`" for key in kind.model_fields)
        raise BadInput(f"{name}: the settings must be a mapping with {keys}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise BadInput("\n".join(_sentence(problem, text, name) for problem in error.errors())) from None


def read_text(path: Path, where: str = "") -> str:
    """Return a UTF-8 file's text. Raise ``BadInput``, after the words of ``where``, if that fails."""
    try:
        return path.read_text(encoding="utf-8")
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
    try:
        return [*yaml.load_all(path.read_bytes(), Loader=_AsWritten)]
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"{name}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"{name}: not YAML: {error}") from None


def _sentence(problem: ErrorDetails, text: str, name: str) -> str:
    path = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], known_keys(), 1)
        message = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
    return f"{name}:{line_of(text, path)}: {'.'.join(path)}: {message}"


def line_of(text: str, path: list[str]) -> int:
    """Return the line of the innermost key of a path that the text has, counted from 1."""
    node, line = yaml.compose(text), 1
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
