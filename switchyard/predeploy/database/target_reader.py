"""The reader of each machine's database, shared by the checks of a run."""

from __future__ import annotations

import threading

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database.database_setting import session_variables, setting_of
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_databases import GROUP
from switchyard.predeploy.database.target_database import find_database
from switchyard.predeploy.engine.subject import Subject


class _Readers:
    """The readers that were opened, by machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: dict[str, Reader | NotChecked] = {}

    def of(self, subject: Subject) -> Reader:
        with self._lock:
            if subject.machine not in self._readers:
                self._readers[subject.machine] = _open(subject)
            reader = self._readers[subject.machine]
            if isinstance(reader, NotChecked):
                raise reader
            return reader


def reader_of(subject: Subject) -> Reader:
    """Return the reader of a machine's database: one instant for all checks. Raise ``NotChecked``."""
    readers: _Readers = subject.once("database readers", _Readers)
    return readers.of(subject)


def is_empty(subject: Subject) -> bool:
    """Return whether the database is an embedded one without rows."""
    return setting_of(subject).fixture is None and reader_of(subject).address.source == "embedded"


def _open(subject: Subject) -> Reader | NotChecked:
    try:
        setting = setting_of(subject)
        reader = Reader(find_database(subject), setting.timeout, session_variables(setting), subject.cancelled)
    except NotChecked as error:
        return error
    except BadInput as error:
        return NotChecked(str(error))
    subject.closing_after(GROUP).callback(reader.close)
    return reader
