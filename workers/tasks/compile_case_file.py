"""Write the whole case into one readable file: whole for the authority, masked for the customer (rules B7, B9, B10).

Job type: compile-case-file
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: both files are in the evidence folder under the hash of their content and noted with the case, once.
"""

from __future__ import annotations

from workers.clock import Clock
from workers.notifications.case_file import CaseFiles
from workers.store import complaints, evidence, timeline
from workers.store.database import Database
from workers.store.file_store import FileStore


def compile_case_file(
    database: Database, clock: Clock, files: FileStore, case_files: CaseFiles, *, number: str
) -> None:
    """Compiles what is missing; a second delivery finds both."""
    with database.begin() as tx:
        complaints.get(tx, number)
        now = clock.now()
        for audience in ("authority", "customer"):
            if evidence.case_file(tx, number, audience) is None:
                kept = files.put(case_files.render(tx, number, audience, now).encode())
                evidence.keep_case_file(tx, number, audience, kept.sha256, kept.size, now)
        timeline.add(tx, number, now, "duban", "case-file-compiled", f"{number}:case-file")
