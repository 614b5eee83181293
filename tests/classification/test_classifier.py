"""The classifier as the worker uses it: total, quick, repeatable, safe among threads and processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.classification import Classification, Classifier, corpus
from workers.classification.cache import cache_key, cached_model
from workers.classification.corpus import TRAINING, read_examples
from workers.classification.features import plain, terms
from workers.classification.model import LinearModel, read_model
from workers.classification.training import train
from workers.errors import Broken
from workers.names import Category

RULES = Path(__file__).parents[2] / "bpmn/complaint-handling/classification-rules.dmn"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    cached_model(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(cache: Path) -> Classifier:
    return Classifier(RULES, cache)


def test_rules_come_first(classifier: Classifier) -> None:
    assert classifier.classify("家里没有信号") == Classification(
        "service-quality", 0.95, "rule:Rule_NoSignal"
    )


def test_the_model_answers_what_no_rule_fits(classifier: Classifier) -> None:
    found = classifier.classify("我的话费比上个月多出来一百多块，说不清楚是什么钱")
    assert (found.category, found.source) == ("tariff-billing", "model")
    assert found.confidence > 0.7


@pytest.mark.parametrize("text", ["", " \n\t", "😡😡😡", "\u0000\ufeff", "！！？？。。", "ﷺ", "Ѫ҉҈"])
def test_a_text_that_says_nothing_is_left_to_a_person(classifier: Classifier, text: str) -> None:
    assert classifier.classify(text).confidence <= 0.5


@given(st.text(max_size=300), st.none() | st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3))
@settings(deadline=None)
def test_any_text_is_answered(
    classifier: Classifier, text: str, product: str | None, flags: list[str]
) -> None:
    found = classifier.classify(text, product, product, flags)
    assert found.category in set(Category)
    assert 0 <= found.confidence <= 1
    assert found.source == "model" or found.source.startswith("rule:")


@pytest.mark.parametrize(
    "text", ["网" * 20_000, "a b " * 250_000, "费用 " * 7_000, "ﷺ" * 20_000, "\ud800没网"]
)
def test_a_long_or_odd_text_takes_no_long_time(classifier: Classifier, text: str) -> None:
    classifier.prepare()
    start = time.perf_counter()
    assert classifier.classify(text).category in set(Category)
    assert time.perf_counter() - start < 10


def test_many_threads_get_the_same_answers(cache: Path) -> None:
    texts = [one.text for one in read_examples(corpus.HOLDOUT)]
    alone = Classifier(RULES, cache)
    shared = Classifier(RULES, cache)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(shared.classify, texts)) == [alone.classify(text) for text in texts]


@pytest.mark.parametrize(
    "text",
    ["我要投诉", "你好，那个事情麻烦处理一下，谢谢。", "asdf", "不满意", "请问我上次反映的问题怎么样了",
     "", "明天会不会下雨"],
)  # fmt: skip
def test_a_text_that_does_not_say_what_it_is_about_is_only_guessed(classifier: Classifier, text: str) -> None:
    found = classifier.classify(text)
    assert found.category in set(Category)
    assert found.confidence < 0.3


def test_unclear_is_never_an_answer(classifier: Classifier) -> None:
    answers = {classifier.classify(one.text).category for one in read_examples(TRAINING, may_be_unclear=True)}
    assert answers == set(Category)


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("信号差，但我要求退这个月的月租", "Rule_NoSignal"),
        ("断网十天，把这十天的钱退给我", "Rule_Outage"),
        ("携转成功了，怎么多收了一个月的费用", "Rule_NumberPortability"),
        ("携转过来以后信号很差", "Rule_NumberPortability"),
        ("移机收了我一百块", "Rule_Relocation"),
        ("过户以后原来的欠账算到我头上", "Rule_Relocation"),
        ("移机以后宽带天天断", "Rule_Relocation"),
        ("网断了两周，师傅态度很差，先给我修好网", "Rule_Attitude"),
        ("骚扰电话里说送流量，结果每月多出十块", "Rule_Nuisance"),
    ],
)
def test_a_phrase_does_not_decide_where_two_matters_meet(
    classifier: Classifier, text: str, forbidden: str
) -> None:
    assert classifier.classify(text).source != f"rule:{forbidden}"


def test_the_same_data_give_the_same_model() -> None:
    examples = read_examples(TRAINING, may_be_unclear=True)[::5]
    first, second = train(examples), train(examples)
    assert first.weights == second.weights
    assert first.temperature == second.temperature


def test_it_is_what_scikit_learn_computes(cache: Path) -> None:
    """The arrays in use give the scores of the estimator they were taken from."""
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    model = cached_model(cache)
    examples = read_examples(TRAINING, may_be_unclear=True)
    table = csr_matrix((len(examples), len(model.weighing.vocabulary))).tolil()
    for row, one in enumerate(examples):
        columns, values = model.weighing.weigh(terms(one.text, model.recipe))
        table[row, columns] = values
    judge = LinearSVC(C=1, tol=1e-3, max_iter=20_000, random_state=0).fit(
        table.tocsr(), [one.category for one in examples]
    )
    for row in range(0, len(examples), 50):
        scores = judge.decision_function(table.tocsr()[row])[0] / model.temperature
        raised = np.exp(scores - scores.max())
        assert np.allclose(model.probabilities(examples[row].text), raised / raised.sum(), atol=1e-3)


def test_a_worker_with_a_cached_model_loads_neither_scikit_learn_nor_numpy(cache: Path) -> None:
    """Half of its memory."""
    code = (
        "import sys, json; from pathlib import Path; from workers.classification import Classifier;"
        "c = Classifier(Path(sys.argv[1]), Path(sys.argv[2]));"
        "f = c.classify('晚上网速不行');"
        "print(json.dumps([f.category, bool({'sklearn', 'numpy'} & set(sys.modules))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(RULES), str(cache)],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=True, cwd=RULES.parents[2],
    )  # fmt: skip
    assert json.loads(done.stdout) == ["service-quality", False]


def test_two_processes_at_once_teach_one_model(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from workers.classification.cache import cached_model;"
        "m = cached_model(Path(sys.argv[1])); print(sum(m.weights))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=RULES.parents[2],
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said[0] == said[1]
    assert [path.name for path in tmp_path.glob("*.zip")] == [f"classifier-{cache_key()}.zip"]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("damage", [b"", b"not a model", b"PK\x03\x04 cut off"])
def test_a_damaged_cache_is_taught_again(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / f"classifier-{cache_key()}.zip"
    path.write_bytes(damage)
    model = cached_model(tmp_path)
    assert read_model(path).temperature == model.temperature


def test_half_a_model_is_damaged_too(tmp_path: Path, cache: Path) -> None:
    name = f"classifier-{cache_key()}.zip"
    whole = (cache / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert isinstance(cached_model(tmp_path), LinearModel)
    assert (tmp_path / name).stat().st_size > len(whole) // 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "not a model of this version"),
        ({"byteorder": "middle"}, "not a model of this version"),
        ({"temperature": 0}, "cannot be used"),
        ({"terms": ["a"]}, "lacks numbers"),
    ],
)
def test_a_model_that_does_not_hold_together_is_not_taken(
    tmp_path: Path, cache: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "changed.zip"
    with (
        zipfile.ZipFile(cache / f"classifier-{cache_key()}.zip") as whole,
        zipfile.ZipFile(path, "w") as changed,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            if name == "about.json":
                content = json.dumps(json.loads(content) | change).encode()
            changed.writestr(name, content)
    with pytest.raises(ValueError, match=said):
        read_model(path)


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert isinstance(cached_model(blocked / "cache"), LinearModel)


def test_the_key_changes_with_the_texts(tmp_path: Path) -> None:
    other = tmp_path / "training.csv"
    other.write_bytes(TRAINING.read_bytes() + b"x-1,other,x\n")
    assert cache_key(other) != cache_key()


def test_broken_rules_are_told_before_and_at_use(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "classification-rules.dmn"
    path.write_text("<definitions/>", encoding="utf-8")
    classifier = Classifier(path, cache)
    assert classifier.check()
    with pytest.raises(Broken, match="DMN"):
        classifier.classify("没网")


def test_plain_form() -> None:
    assert plain(" 没 有\n信号 ") == "没有信号"
    assert plain("WiFi  is　ＤＯＷＮ") == "wifi is down"
