"""Template + facts = text. Templates are process designers' work: a mistake is told with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    nodes,
)
from jinja2 import meta as template_meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workers.errors import Broken
from workers.notifications import phrases
from workers.notifications.facts import Channel, Facts
from workers.notifications.labels import Labels
from workers.notifications.wording_of_texts import faults, load_wording, refuse

FILES: dict[Channel, tuple[str, ...]] = {
    "sms": ("sms.txt",),
    "email": ("subject.txt", "body.txt", "body.html"),
}
SUBJECT_LIMIT = 500
"""Characters that the outbox has room for."""


@dataclass(frozen=True)
class Rendered:
    """A message in words. `subject` and `html` are for e-mail only."""

    subject: str | None
    body: str
    html: str | None


class Templates:
    """The templates folder: `labels.json` and `notifications/`.

    Raises Broken when `labels.json`, `wording.json` or `notifications/facts.json` cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notifications"
        self.labels = Labels.load(folder)
        self.facts = Facts.load(self.folder)
        self.wording = load_wording(folder)
        self._loader = FileSystemLoader(self.folder)
        self._environment = sandbox(self._loader, self.labels)

    def channels(self, event: str) -> set[Channel]:
        """The channels that an event has texts for. Raises Broken when the event isn't declared."""
        self.facts.of(event)
        return {channel for channel, files in FILES.items() if (self.folder / event / files[-1]).is_file()}

    def render(self, event: str, channel: Channel, facts: Mapping[str, object]) -> Rendered:
        """The words of an event on a channel.

        Args:
            facts: at least the declared facts of the event; templates see these and no others.
        Raises:
            Broken: a fact is missing or of another type, a template is faulty (named with file and line), or the text
                has a word that may not be said (rule D6).
        """
        chosen = self.facts.chosen(event, facts)
        rendered = self._rendered(event, channel, chosen)
        texts = [text for text in (rendered.subject, rendered.body, rendered.html) if text]
        audience = self.facts.events[event].to
        refuse(self.wording, event, audience, texts, self.facts.written(event, chosen, quoted=True))
        refuse(self.wording, event, audience, self.facts.written(event, chosen, quoted=False), ())
        return rendered

    def _rendered(self, event: str, channel: Channel, chosen: Mapping[str, object]) -> Rendered:
        if channel == "sms":
            return Rendered(None, phrases.one_line(self._text(f"{event}/sms.txt", chosen)), None)
        subject = phrases.one_line(self._text(f"{event}/subject.txt", chosen))
        body = phrases.readable(self._text(f"{event}/body.txt", chosen))
        return Rendered(subject[:SUBJECT_LIMIT], body, self._text(f"{event}/body.html", chosen))

    @cache  # noqa: B019 - one object per process, as long as the process
    def used(self, event: str) -> frozenset[str]:
        """The facts that some text of an event uses: others need not be looked up. Raises Broken as `render`."""
        files = {name for channel in self.channels(event) for name in FILES[channel]}
        return frozenset[str]().union(*(self._facts_used(f"{event}/{name}") for name in files))

    def check(self) -> list[str]:
        """What is wrong with the templates, a sentence each; empty when all is well."""
        problems = [problem for event in sorted(self.facts.events) for problem in self._check_event(event)]
        folders = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        strange = [name for name in folders if name not in self.facts.events]
        problems += [f"notifications/{name}: facts.json declares no such event" for name in strange]
        return problems + list(faults(self.folder.parent, self.wording, self.facts, self.labels))

    def _check_event(self, event: str) -> Iterator[str]:
        folder = self.folder / event
        known = {name for files in FILES.values() for name in files}
        present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        if not present & {"sms.txt", "body.txt"}:
            yield f"notifications/{event}: neither sms.txt nor body.txt: nobody could be told"
        if present & set(FILES["email"]):
            yield from (
                f"notifications/{event}: {name} is missing" for name in FILES["email"] if name not in present
            )
        yield from (
            f"notifications/{event}: {name} is no text of a message" for name in sorted(present - known)
        )
        faults = list(self._check_words(event, sorted(present & known)))
        yield from faults
        if not faults and (channels := self.channels(event)) and present >= self._files(channels):
            yield from self._check_renders(event, channels)

    def _check_words(self, event: str, names: list[str]) -> Iterator[str]:
        declared, unused = set(self.facts.of(event)), set(self.facts.events[event].facts)
        for name in names:
            try:
                used = self._facts_used(f"{event}/{name}")
            except Broken as broken:
                yield str(broken)
                continue
            unused -= used
            undeclared = used - declared
            yield from (
                f"notifications/{event}/{name}: uses '{fact}', not declared for it in facts.json"
                for fact in sorted(undeclared)
            )
        yield from (f"notifications/{event}: no text uses its fact '{fact}'" for fact in sorted(unused))

    def _check_renders(self, event: str, channels: set[Channel]) -> Iterator[str]:
        for bare in (False, True):
            try:
                facts = self.facts.examples(event, bare=bare)
            except ValueError as error:
                yield f"notifications/facts.json: an example of '{event}' is wrong: {error}"
                return
            for channel in sorted(channels):
                try:
                    rendered = self.render(event, channel, facts)
                except Broken as broken:
                    yield f"{broken} (with{'out' if bare else ''} the optional facts)"
                    continue
                if channel == "sms" and not re.match(r"【[^】]+】", rendered.body):
                    yield f"notifications/{event}/sms.txt: does not begin with the signature 【…】"
                if "None" in f"{rendered.subject or ''}{rendered.body}{rendered.html or ''}":
                    yield f"notifications/{event}: says 'None' for an optional fact on channel {channel}"

    def _files(self, channels: set[Channel]) -> set[str]:
        return {name for channel in channels for name in FILES[channel]}

    def _facts_used(self, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The facts a template uses, itself or by the templates it extends, includes or imports."""
        source = self._source(name)
        try:
            tree = self._environment.parse(source, name, str(self.folder / name))
            used = template_meta.find_undeclared_variables(tree)
        except TemplateSyntaxError as error:
            raise Broken(f"notifications/{name}:{error.lineno}: {error.message}") from error
        # jinja2.meta overlooks that blocks see what their file imports.
        used -= {imported.target for imported in tree.find_all(nodes.Import)}
        for other in template_meta.find_referenced_templates(tree):
            if other is not None and other not in seen:
                used |= self._facts_used(other, seen | {name})
        return used

    def _source(self, name: str) -> str:
        try:
            return self._loader.get_source(self._environment, name)[0]
        except TemplateNotFound as error:
            raise Broken(f"notifications/{error.name} does not exist") from error

    def _text(self, name: str, facts: Mapping[str, object]) -> str:
        try:
            template: Template = self._environment.get_template(name)
            return template.render(facts)
        except TemplateSyntaxError as error:
            raise Broken(f"notifications/{error.name or name}:{error.lineno}: {error.message}") from error
        except TemplateNotFound as error:
            raise Broken(f"notifications/{error.name} does not exist") from error
        except Exception as error:
            # The message of any other exception may quote a fact; a fact may be personal data.
            said = f": {error.message}" if isinstance(error, TemplateError) and error.message else ""
            where = self._where(error) or f"notifications/{name}"
            raise Broken(f"{where}: {type(error).__name__}{said}") from error

    def _where(self, error: BaseException) -> str | None:
        """File and line in the templates folder at which an exception was raised."""
        where, trace = None, error.__traceback__
        while trace is not None:
            path = Path(trace.tb_frame.f_code.co_filename)
            if path.is_relative_to(self.folder):
                where = f"notifications/{path.relative_to(self.folder).as_posix()}:{trace.tb_lineno}"
            trace = trace.tb_next
        return where


def sandbox(loader: BaseLoader, labels: Labels) -> ImmutableSandboxedEnvironment:
    """What texts are made in: facts and the filters of templates/notifications/README.md, nothing else."""
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()  # no range(10**9), no lipsum: a text needs facts and filters

    def label(find: Callable[[str, str], str], words: Any, kind: str, between: str) -> str:
        return (
            find(words, kind) if isinstance(words, str) else between.join(find(word, kind) for word in words)
        )

    environment.filters.update(
        when=phrases.when,
        when_en=phrases.when_en,
        paragraphs=phrases.paragraphs,
        shortened=phrases.shortened,
        zh=lambda words, kind="": label(labels.zh, words, kind, "、"),
        en=lambda words, kind="": label(labels.en, words, kind, ", "),
    )
    return environment
