"""``app.predeploy``: what the checks look at, and how much each counts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from switchyard.core.wire.message import Json
from switchyard.settings.fields import Pattern, Port, Seconds, Section

Gate = Literal["required", "advisory", "no-worse-than-live"]


class TestsSetting(Section):
    """Folders or files for pytest to collect, relative to the application's folder."""

    unit: str | None = None
    smoke: str | None = None
    integration: str | None = None

    def of(self, suite: str) -> str | None:
        """Return the folder or file of a suite."""
        return {"unit": self.unit, "smoke": self.smoke, "integration": self.integration}[suite]


class SessionsSetting(Section):
    """Sessions of the application's own noxfile, each in place of a check."""

    lint: str | None = None
    deadcode: str | None = None
    types: str | None = None
    audit: str | None = None
    unit: str | None = None
    smoke: str | None = None
    integration: str | None = None
    coverage: str | None = None

    def of(self, check: str) -> str | None:
        """Return the session in place of a check."""
        session: str | None = getattr(self, check)
        return session


class IgnoreSetting(Section):
    """A known vulnerability to ignore until a day."""

    id: str
    reason: Annotated[str, Field(min_length=1)]
    until: date


class AuditSetting(Section):
    """Where to look up known vulnerabilities: ``pypi``, ``osv``, or the address of a service with osv's API."""

    source: str = "pypi"
    ignore: list[IgnoreSetting] = []


class WaiverSetting(Section):
    """A finding to accept: its rule, its place, and why."""

    rule: str
    where: str
    """A service, or a file."""
    reason: Annotated[str, Field(min_length=1)]


class FreshSetting(Section):
    """How old a table's newest row may be."""

    column: str
    within: Seconds


class RelationSetting(Section):
    """A relation without a constraint: columns of a child table that identify rows of a parent table."""

    child: str
    columns: Annotated[list[str], Field(min_length=1)]
    parent: str
    parent_columns: Annotated[list[str], Field(min_length=1)]
    where: str | None = None
    """A condition in SQL on the child's rows, for polymorphic relations and soft deletes."""


class LedgerSetting(Section):
    """The table of applied migrations, and its columns."""

    table: str
    name: str = "name"
    checksum: str | None = None


class CriticalSetting(Section):
    """The seconds within which a client receives every row of a query, and the values of the query's parameters.

    Parameters without names are called ``1`` and so on; a list gives their values in order.
    """

    within: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    params: dict[str, Any] = {}
    """Any value of YAML, dates too: psycopg adapts it."""

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Json) -> Json:
        """Return the long form of a number."""
        return {"within": value} if isinstance(value, (int, float)) else value

    @field_validator("params", mode="before")
    @classmethod
    def _name(cls, params: Json) -> Json:
        """Return the parameters by name. YAML reads the name ``1`` as a number."""
        if isinstance(params, list):
            return {str(number): value for number, value in enumerate(params, start=1)}
        return {str(name): value for name, value in params.items()} if isinstance(params, dict) else params


class DatabaseSetting(Section):
    """The database that the checks read."""

    url_from: str = "DATABASE_URL"
    """The variable with the address, if there is one: of the host's env, else of the process's."""
    service: str | None = None
    """The shared service that is the database; default: the only one with an image of PostgreSQL."""
    role: str | None = None
    """A role with few rights to connect as. ``password_from`` names the variable with its password."""
    password_from: str | None = None
    ignore: list[str] = []
    """Tables that no check looks at: ``schema.table``, ``schema.*``, or ``table`` of the schema public."""
    minimum: dict[str, Seconds] = {}
    """Critical table to the fewest rows that it may have."""
    fresh: dict[str, FreshSetting] = {}
    relations: list[RelationSetting] = []
    ledger: LedgerSetting | None = None
    """The table of applied migrations; default: one like that of Flyway, Alembic or Django, or one with checksums."""
    fixture: str | None = None
    """A file of SQL to apply after the migrations to an embedded database."""
    reference: str | None = None
    """The folder, with ``bin`` in it, of a PostgreSQL on this machine to embed. The default comes with Switchyard and
    has the extensions plpgsql and vector only."""
    queries: Pattern = "sql/queries/*.sql"
    """The application's recorded queries, one in each file."""
    functions: list[str] = []
    """Functions of the database's own that files of SQL may call, as they write them."""
    critical: dict[str, CriticalSetting] = {}
    """File name of a query to its seconds, or to ``within`` and ``params``."""
    timeout: Annotated[int, Field(strict=True, ge=1)] = 30
    """Seconds that one statement may take."""
    transaction: Seconds = 60
    """Seconds for which a transaction may be open when a migration is about to start."""
    samples: Annotated[int, Field(strict=True, ge=0)] = 5
    """The most rows that a finding shows; 0 shows none."""


class VariableSetting(Section):
    """What a variable must look like: a form, or a regular expression that matches the whole value."""

    form: Literal["url", "integer", "number", "boolean", "uuid", "email", "port", "path"] | None = None
    pattern: str | None = None


class EnvCheckSetting(Section):
    """Variables beside those of the Compose document and ``.env.example``."""

    required: list[str] = []
    optional: list[str] = []
    """Variables of ``.env.example`` that may be missing or empty."""
    forms: dict[str, VariableSetting] = {}


class CredentialSetting(Section):
    """An API's credentials, to try with one real request. Every ``_from`` names a variable of the env."""

    kind: Literal["kalshi", "http"]
    url_from: str | None = None
    """The variable with the address."""
    url: str | None = None
    """The address, unless a variable has another."""
    key_id_from: str | None = None
    """Kalshi: the variable with the key's id."""
    key_from: str | None = None
    """Kalshi: the variable with the private key (PEM), or with the path of its file."""
    headers: dict[str, str] = {}
    """HTTP: headers; ``${NAME}`` stands for a variable of the env."""
    status: Annotated[int, Field(strict=True, ge=100, le=599)] = 200
    """HTTP: the status of an answer to valid credentials."""
    optional: StrictBool = False
    """Whether the application works without them: skip them while none of the variables is set."""

    @model_validator(mode="after")
    def _require_address_and_keys(self) -> CredentialSetting:
        if not self.url and not self.url_from:
            raise ValueError("give url, or url_from with the name of a variable")
        if self.kind == "kalshi" and not (self.key_id_from and self.key_from):
            raise ValueError("a credential of Kalshi needs key_id_from and key_from")
        return self


class FileSetting(Section):
    """A file that must have exactly these rights. A relative path starts at the checkout, or at the host's root."""

    mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = "0600"
    owner: str | None = None
    at: Literal["here", "host"] = "here"


class CertificateSetting(Section):
    """A certificate, in a file or from a server, and how many more days it must be valid."""

    file: str | None = None
    """A PEM file; a relative path starts at the checkout."""
    address: str | None = None
    port: Port = 443
    days: Annotated[int, Field(strict=True, ge=1)] = 14

    @model_validator(mode="after")
    def _require_one_place(self) -> CertificateSetting:
        if (self.file is None) == (self.address is None):
            raise ValueError("give one of file and address")
        return self


class PredeploySetting(Section):
    """``predeploy``."""

    gates: dict[str, Gate] = {}
    """Check to how much it counts; default: required."""
    nox: str = "noxfile.py"
    """The application's own noxfile, with the sessions that ``sessions`` names."""
    sessions: SessionsSetting = SessionsSetting()
    requirements: list[str] = []
    """Requirement files for the environment of the tests and mypy."""
    sources: list[str] = []
    """Files and folders of the application's Python code."""
    modules: list[str] = []
    """Files and folders for mypy."""
    allowlist: str | None = None
    """A file of names that vulture treats as used."""
    tests: TestsSetting = TestsSetting()
    coverage: Annotated[float, Field(ge=0, le=100)] = 85.0
    """Percent of lines and branches that the tests must exceed."""
    timeout: Annotated[int, Field(strict=True, ge=1)] = 900
    """Seconds that one check of code or tests may take."""
    passed: list[str] = []
    """Variables of the process's environment that tests see, beside the common ones such as ``PATH``. Somebody other
    than the commit must allow each."""
    audit: AuditSetting = AuditSetting()
    waive: list[WaiverSetting] = []
    database: DatabaseSetting | None = None
    env: EnvCheckSetting = EnvCheckSetting()
    credentials: dict[str, CredentialSetting] = {}
    files: dict[str, FileSetting] = {}
    certificates: dict[str, CertificateSetting] = {}
    tools: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]*$")], str] = {}
    """Program on the PATH to its oldest accepted version, beside those of the protocol."""
