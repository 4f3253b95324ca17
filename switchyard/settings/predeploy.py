"""``app.predeploy``: what the checks look at, and how much each of them counts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from switchyard.settings.fields import Port, Seconds, Section

Gate = Literal["required", "advisory", "no-worse-than-live"]


class TestsSetting(Section):
    """Folders or files that pytest collects, relative to the application's folder."""

    unit: str | None = None
    smoke: str | None = None
    integration: str | None = None

    def of(self, suite: str) -> str | None:
        """Return the folder or file of a suite."""
        return {"unit": self.unit, "smoke": self.smoke, "integration": self.integration}[suite]


class SessionsSetting(Section):
    """Sessions of the application's own noxfile, each run in the place of a check."""

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
    """A known vulnerability that does not count until a day."""

    id: str
    reason: Annotated[str, Field(min_length=1)]
    until: date


class AuditSetting(Section):
    """Where known vulnerabilities are looked up: ``pypi``, ``osv``, or the address of a service like osv's."""

    source: str = "pypi"
    ignore: list[IgnoreSetting] = []


class WaiverSetting(Section):
    """A finding that is meant: its rule, where it is, and why."""

    rule: str
    where: str
    """A service, or a file."""
    reason: Annotated[str, Field(min_length=1)]


class FreshSetting(Section):
    """How old the newest row of a table may be."""

    column: str
    within: Seconds


class RelationSetting(Section):
    """A relation that has no constraint: columns of a child that name rows of a parent."""

    child: str
    columns: Annotated[list[str], Field(min_length=1)]
    parent: str
    parent_columns: Annotated[list[str], Field(min_length=1)]
    where: str | None = None
    """A condition on the child's rows, in SQL, for relations that are polymorphic or softly deleted."""


class LedgerSetting(Section):
    """The table in which applied migrations stand, and its columns."""

    table: str
    name: str = "name"
    checksum: str | None = None


class CriticalSetting(Section):
    """The seconds in which a client has every row of a query, and what its parameters are bound to.

    By their names, ``1`` and so on for those that have none; a list is of the latter.
    """

    within: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    params: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        """Return a bare number as ``within``, and listed parameters under their numbers."""
        match value:
            case int() | float():
                return {"within": value}
            case {"params": list() as listed}:
                return {**value, "params": {str(number): item for number, item in enumerate(listed, start=1)}}
            case {"params": dict() as named}:  # YAML reads the name 1 as a number
                return {**value, "params": {str(name): item for name, item in named.items()}}
        return value


class DatabaseSetting(Section):
    """The database that the checks read."""

    url_from: str = "DATABASE_URL"
    """The variable that holds the address, where one is given; looked up in the host's env, then in the process's."""
    service: str | None = None
    """The shared service that is the database; default: the only one whose image is PostgreSQL's."""
    role: str | None = None
    """A role of least rights to connect as; its password stands in the variable that ``password_from`` names."""
    password_from: str | None = None
    ignore: list[str] = []
    """Tables that no check looks at, each ``schema.table``, ``schema.*`` or ``table`` of the schema public."""
    minimum: dict[str, Seconds] = {}
    """Critical tables and how many rows each has at least."""
    fresh: dict[str, FreshSetting] = {}
    relations: list[RelationSetting] = []
    ledger: LedgerSetting | None = None
    """Where applied migrations stand; default: known by its shape (Flyway, Alembic, Django, name and checksum)."""
    fixture: str | None = None
    """A file of SQL that is applied after the migrations where an embedded database stands in."""
    reference: str | None = None
    """The folder of a PostgreSQL on this machine that has ``bin``, to be embedded instead of the one that comes with
    Switchyard and has no extensions but plpgsql and vector."""
    queries: str = "sql/queries/*.sql"
    """The application's recorded queries, one a file."""
    critical: dict[str, CriticalSetting] = {}
    """Queries by their file's name, each with its seconds, or with ``within`` and ``params``."""
    timeout: Annotated[int, Field(strict=True, ge=1)] = 30
    """Seconds that one statement may take."""
    transaction: Seconds = 60
    """Seconds for which somebody's transaction may be open when a migration is about to begin."""
    samples: Annotated[int, Field(strict=True, ge=0)] = 5
    """Rows that a finding shows at most; 0 shows none."""


class VariableSetting(Section):
    """What a variable must look like: one of the forms, or a regular expression that matches it whole."""

    form: Literal["url", "integer", "number", "boolean", "uuid", "email", "port", "path"] | None = None
    pattern: str | None = None


class EnvCheckSetting(Section):
    """Variables beyond those that the compose document and ``.env.example`` name."""

    required: list[str] = []
    optional: list[str] = []
    """Variables of ``.env.example`` that may be missing or empty."""
    forms: dict[str, VariableSetting] = {}


class CredentialSetting(Section):
    """An API's credentials, tried with one real request. Every value is the name of a variable of the env."""

    kind: Literal["kalshi", "http"]
    url_from: str | None = None
    """The variable that holds the address."""
    url: str | None = None
    """The address, where no variable says another."""
    key_id_from: str | None = None
    """Kalshi: the variable with the key's id."""
    key_from: str | None = None
    """Kalshi: the variable with the private key (PEM), or with the path of its file."""
    headers: dict[str, str] = {}
    """HTTP: headers in which ``${NAME}`` stands for a variable of the env."""
    status: Annotated[int, Field(strict=True, ge=100, le=599)] = 200
    """HTTP: the status that says that they are valid."""
    optional: StrictBool = False
    """Whether the application does without: skipped while none of the variables is set, and tried once one is."""

    @model_validator(mode="after")
    def _is_whole(self) -> CredentialSetting:
        if not self.url and not self.url_from:
            raise ValueError("give url, or url_from with the name of a variable")
        if self.kind == "kalshi" and not (self.key_id_from and self.key_from):
            raise ValueError("a credential of Kalshi needs key_id_from and key_from")
        return self


class FileSetting(Section):
    """A file that must be there with exactly these rights; a relative path is one of the checkout, or of the root."""

    mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = "0600"
    owner: str | None = None
    at: Literal["here", "host"] = "here"


class CertificateSetting(Section):
    """A certificate, in a file or as a server shows it, and how many days it must still be valid."""

    file: str | None = None
    """A file of PEM; a relative path is one of the checkout."""
    address: str | None = None
    port: Port = 443
    days: Annotated[int, Field(strict=True, ge=1)] = 14

    @model_validator(mode="after")
    def _is_one(self) -> CertificateSetting:
        if (self.file is None) == (self.address is None):
            raise ValueError("give one of file and address")
        return self


class PredeploySetting(Section):
    """``predeploy``."""

    gates: dict[str, Gate] = {}
    """Check to how much it counts; required where nothing is said."""
    nox: str = "noxfile.py"
    """The application's own noxfile, for what ``sessions`` names."""
    sessions: SessionsSetting = SessionsSetting()
    requirements: list[str] = []
    """Requirement files that the tests and mypy are run with."""
    sources: list[str] = []
    """Files and folders of the application's Python code."""
    modules: list[str] = []
    """Files and folders that mypy looks at."""
    allowlist: str | None = None
    """A file of names that vulture takes as used."""
    tests: TestsSetting = TestsSetting()
    coverage: Annotated[float, Field(ge=0, le=100)] = 85.0
    """Percent of lines and branches that the tests must exceed."""
    timeout: Annotated[int, Field(strict=True, ge=1)] = 900
    """Seconds that one check of code or tests may take."""
    passed: list[str] = []
    """Variables of the process's environment that tests see; the others they do not."""
    audit: AuditSetting = AuditSetting()
    waive: list[WaiverSetting] = []
    database: DatabaseSetting | None = None
    env: EnvCheckSetting = EnvCheckSetting()
    credentials: dict[str, CredentialSetting] = {}
    files: dict[str, FileSetting] = {}
    certificates: dict[str, CertificateSetting] = {}
    tools: dict[str, str] = {}
    """Tool to the oldest version that will do, beyond those of the protocol."""
