"""`python -m workers.classification`: judge the classifier; --write puts the figures into the document."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from workers.classification import corpus, evaluation
from workers.classification.cache import cached_model
from workers.classification.evaluation import Table
from workers.classification.rules import check_rules, load_rules
from workers.classification.training import CANDIDATES, CHOSEN
from workers.errors import DubanError

RULES = Path("bpmn/complaint-handling/classification-rules.dmn")
DOCUMENT = Path("docs/classification.md")


def tables(rules_path: Path, cache_dir: Path, holdout: Path = corpus.HOLDOUT) -> Iterator[tuple[str, Table]]:
    """Every table of the document, with its title."""
    training = corpus.read_examples(corpus.TRAINING, may_be_unclear=True)
    kept = corpus.read_examples(holdout)
    rules, model = load_rules(rules_path), cached_model(cache_dir)
    yield from evaluation.report(kept, rules, model)
    nothing_said = corpus.read_examples(corpus.VAGUE, may_be_unclear=True)
    yield "Vague texts", evaluation.vague(evaluation.judge(nothing_said, evaluation.both(rules, model)))
    looked_at = corpus.read_examples(corpus.DEVELOPMENT)
    known = dict(evaluation.report(looked_at, rules, model))
    for title in ("Rules, model, both", "Coverage and accuracy by threshold"):
        yield f"Development texts: {title}", known[title]
    yield "Threshold by cross-validation", evaluation.choice(training, CANDIDATES[CHOSEN])
    yield "Ways to learn", evaluation.compare(training)
    yield "Rules on the training texts", evaluation.by_rule(training, rules)
    yield "Rules on the development texts", evaluation.by_rule(looked_at, rules)
    yield "Rules on the held-out texts", evaluation.by_rule(kept, rules)


def section(title: str, table: Table) -> str:
    """A table between the marks that `--write` looks for."""
    return f"<!-- figures: {title} -->\n{evaluation.markdown(table)}\n<!-- end -->"


def main(arguments: list[str] | None = None) -> int:
    """Print the figures, or write them into the document. 0: done; 1: something is wrong, and it is said."""
    parser = argparse.ArgumentParser(prog="python -m workers.classification", description=__doc__)
    parser.add_argument("--rules", type=Path, default=RULES, help="the decision table of rules")
    parser.add_argument(
        "--holdout", type=Path, default=corpus.HOLDOUT, help="your own labelled texts: kind,category,text"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(platformdirs.user_cache_dir("duban")), help="cache folder"
    )
    parser.add_argument("--check", action="store_true", help="only check rules and data")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {DOCUMENT}")
    chosen = parser.parse_args(arguments)
    problems = check_rules(chosen.rules)
    for problem in problems:
        sys.stderr.write(problem + "\n")
    if problems:
        return 1
    try:
        if chosen.check:
            for path in (corpus.TRAINING, chosen.holdout):
                count = len(corpus.read_examples(path, may_be_unclear=path == corpus.TRAINING))
                sys.stdout.write(f"{path.name}: {count} texts\n")
            return 0
        found = dict(tables(chosen.rules, chosen.cache, chosen.holdout))
    except (DubanError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if chosen.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        for title, table in found.items():
            pattern = re.compile(rf"<!-- figures: {re.escape(title)} -->.*?<!-- end -->", re.DOTALL)
            text = pattern.sub(section(title, table).replace("\\", r"\\"), text)
        DOCUMENT.write_text(text, encoding="utf-8")
    else:
        for title, table in found.items():
            sys.stdout.write(f"\n## {title}\n\n{evaluation.markdown(table)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
