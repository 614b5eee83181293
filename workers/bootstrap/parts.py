"""What every process of Duban is made of: the store, the words, the collaborators of tasks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.exc import ArgumentError, DBAPIError

from workers.billing.choice import open_billing, open_ledger
from workers.billing.ports import BillingPort, LedgerPort
from workers.bootstrap.resources import deploy_file, models_dir, templates_dir
from workers.cases.calendar import WorkingCalendar, is_workday, read_hours, read_years
from workers.cases.rights import Rights
from workers.cases.wording import Wording
from workers.classification import Classifier
from workers.clock import Clock
from workers.engine.jobs import BoundTask, Task, bind
from workers.engine.models import Models
from workers.errors import Broken, Refused, Unavailable
from workers.notifications.agreements import Agreements
from workers.notifications.alert_texts import AlertTexts
from workers.notifications.alerter import Alerter, Plan
from workers.notifications.case_file import CaseFiles
from workers.notifications.channels.choice import open_channels
from workers.notifications.channels.spool import Spool
from workers.notifications.channels.webhook import Webhook
from workers.notifications.labels import Labels
from workers.notifications.messenger import Messenger
from workers.notifications.render import Templates
from workers.notifications.sender import Sender
from workers.settings import Settings
from workers.store import billing as embedded_billing
from workers.store import holders, schema, staff
from workers.store.database import Database, take_turns
from workers.store.file_store import FileStore
from workers.tasks import TASKS

log = logging.getLogger(__name__)

SAMPLE_STAFF: Final = "sample-staff.json"
SAMPLE_CHARGES: Final = "sample-charges.json"
SAMPLE_HOLDERS: Final = "sample-holders.json"
CLASSIFICATION_RULES: Final = "complaint-handling/classification-rules.dmn"
SPOOL: Final = "spool"
_Read = TypeVar("_Read")
WORKING_HOURS: Final = "working-hours.json"
RIGHTS: Final = "rights.json"
WORKING_DAYS: Final = "working-days.json"


@dataclass(frozen=True)
class Parts:
    """The collaborators that do not need an engine."""

    settings: Settings
    database: Database
    clock: Clock
    models: Path
    labels: Labels
    wording: Wording
    messenger: Messenger
    sender: Sender
    alerter: Alerter
    classifier: Classifier
    calendar: WorkingCalendar
    files: FileStore
    case_files: CaseFiles
    rights: Rights
    billing: BillingPort
    ledger: LedgerPort
    agreements: Agreements

    def bound_tasks(self, only: Sequence[str] = (), but: Sequence[str] = ()) -> list[BoundTask]:
        """All tasks with their collaborators in place, or those of the job types `only`; never those of `but`.

        Raises:
            Refused: a job type that no task has (the message lists those there are), or none is left.
        """
        services = {
            Database: self.database,
            Clock: self.clock,
            Wording: self.wording,
            Messenger: self.messenger,
            Classifier: self.classifier,
            WorkingCalendar: self.calendar,
            FileStore: self.files,
            CaseFiles: self.case_files,
            BillingPort: self.billing,
            LedgerPort: self.ledger,
            Agreements: self.agreements,
            Spool: Spool(self.settings.data / SPOOL, self.settings.notifications.smtp_from),
        }
        return [bind(task, services) for task in _chosen(only, but)]


@contextmanager
def assembled(settings: Settings, clock: Clock, *, owns_staff: bool = True) -> Iterator[Parts]:
    """Opens the store (brought to the newest schema, staff loaded) and builds the parts on it.

    Args:
        owns_staff: the settings say who the staff are, the sample staff where they name no file. False, for workers
            beside an instance: without a file the staff that the store knows stay.

    Raises:
        Refused: a folder, a staff file or a URL that cannot be used. Unavailable: the database does not answer.
    """
    with ExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        models, templates = models_dir(settings), templates_dir(settings)
        rights = _rights(models)
        texts = Templates(templates)
        with database.begin() as tx:
            take_turns(tx)  # a cluster starts its parts all at once
            if owns_staff or settings.staff_file is not None or not staff.everybody(tx):
                staff.load(tx, _people(settings, models, rights))
            if owns_staff or settings.billing.charges_file is not None:
                charges = settings.billing.charges_file or deploy_file(SAMPLE_CHARGES)
                embedded_billing.load(tx, embedded_billing.read_file(charges))
            if owns_staff or settings.billing.holders_file is not None:
                holders.load(
                    tx, holders.read_file(settings.billing.holders_file or deploy_file(SAMPLE_HOLDERS))
                )
        channels = open_channels(settings.notifications, settings.data / SPOOL, clock)
        plan = Plan.of(settings.alerts)
        if plan is not None and plan.has_webhook:
            channels["webhook"] = Webhook(settings.alerts, clock)
        for channel in channels.values():
            stack.callback(channel.close)
        sender = Sender(database, channels, clock, settings.notifications)
        alert_texts = AlertTexts(templates, texts.labels, settings)
        billing, ledger = open_billing(settings, database), open_ledger(settings, database, clock)
        stack.callback(billing.close)
        stack.callback(ledger.close)
        yield Parts(
            settings=settings,
            database=database,
            clock=clock,
            models=models,
            labels=texts.labels,
            wording=texts.wording,
            messenger=Messenger(texts, settings),
            sender=sender,
            alerter=Alerter(database, alert_texts, clock, plan, sender.wake),
            classifier=Classifier(models / CLASSIFICATION_RULES, settings.engine.cache_dir),
            calendar=_calendar(models),
            files=_files(settings),
            case_files=CaseFiles(templates, settings),
            rights=rights,
            billing=billing,
            ledger=ledger,
            agreements=Agreements(templates, settings),
        )


def _files(settings: Settings) -> FileStore:
    """Where evidence is kept, without what a killed process left half received (rule B9)."""
    files = FileStore(settings.evidence.folder or settings.data / "evidence")
    if swept := files.sweep():
        log.info("removed %d files that never came in whole", swept, extra={"action": "evidence-swept"})
    return files


def _people(settings: Settings, models: Path, rights: Rights) -> list[staff.StaffMember]:
    """Who is in the staff file, in groups that models and rights name; the sample staff may know more groups."""
    if settings.staff_file is None:
        return staff.read_file(deploy_file(SAMPLE_STAFF))
    return staff.read_file(settings.staff_file, Models.load(models).groups() | rights.named())


def _calendar(models: Path) -> WorkingCalendar:
    """The calendar with the working hours, and the years that an operator adds, beside the models."""
    hours = _beside(models / WORKING_HOURS, read_hours)
    return WorkingCalendar(hours, _beside(models / WORKING_DAYS, read_years) or is_workday)


def _beside(path: Path, read: Callable[[object], _Read]) -> _Read | None:
    """What a file holds; None where it is not there."""
    if not path.exists():
        return None
    try:
        return read(json.loads(path.read_bytes()))
    except (ValueError, Broken) as error:
        raise Refused(f"{path.name} beside the models is not usable: {error}") from error


def _rights(models: Path) -> Rights:
    try:
        return Rights.read(json.loads((models / RIGHTS).read_bytes()))
    except (OSError, ValueError, Broken) as error:
        raise Refused(f"{RIGHTS} beside the models is not usable: {error}") from error


def open_store(settings: Settings, *, upgrade: bool = True) -> Database:
    """The store of the settings, brought to the newest schema. Close it.

    Raises:
        Refused: its URL is none, or a newer version wrote it. Unavailable: it does not answer.
    """
    try:
        database = (
            Database(settings.database_url) if settings.database_url else Database.in_folder(settings.data)
        )
    except (ArgumentError, ImportError) as error:
        raise Refused(f"DUBAN_DATABASE_URL is no URL that can be used: {type(error).__name__}") from error
    try:
        if upgrade:
            schema.upgrade(database)
        else:
            schema.current(database)
    except DBAPIError as error:
        database.close()
        raise Unavailable(
            "the database does not answer or cannot be written: check DUBAN_DATABASE_URL, the server and its disk "
            f"({type(error.orig).__name__})"
        ) from error
    except BaseException:
        database.close()
        raise
    return database


def _chosen(only: Sequence[str], but: Sequence[str]) -> Sequence[Task]:
    known = {task.type: task for task in TASKS}
    unknown = sorted({*only, *but} - set(known))
    if unknown:
        raise Refused(f"no task does {', '.join(unknown)}; job types are {', '.join(known)}")
    chosen = [known[job_type] for job_type in only or known if job_type not in but]
    if not chosen:
        raise Refused("no job type is left to work on: see --only and --except")
    return chosen
