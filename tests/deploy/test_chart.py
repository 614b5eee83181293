"""The Helm chart, rendered by helm: locked down, probed, ordered, complete, and without a secret inside."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from workers.cli import application
from workers.settings import Settings
from workers.tasks import TASKS

CHART: Final = Path(__file__).parents[2] / "deploy" / "chart"
NEEDED: Final[dict[str, Any]] = {
    "engine": {"address": "zeebe:26500", "restUrl": "http://zeebe:8080"},
    "database": {"existingSecret": "store"},
    "staff": {"existingSecret": "staff"},
    "evidence": {"existingClaim": "evidence"},
    "records": {"existingSecret": "records"},
}
GUARDED: Final[dict[str, Any]] = NEEDED | {
    "engine": {
        "address": "gateway:443",
        "restUrl": "https://gateway",
        "tls": True,
        "caSecret": "our-ca",
        "clientCertificateSecret": "client",
        "oauth": {"url": "https://login/token", "audience": "zeebe-api", "existingSecret": "oauth"},
        "basic": {"existingSecret": "basic"},
        "tenant": "one",
    },
    "desk": {"ingress": {"enabled": True, "host": "complaints.example", "tlsSecret": "certificate"}},
    "secretSettings": {"DUBAN_NOTIFICATIONS__SMTP_PASSWORD": {"name": "smtp", "key": "password"}},
}
_HELM: Final = os.environ.get("DUBAN_TEST_HELM") or shutil.which("helm")
needs_helm = pytest.mark.skipif(
    _HELM is None, reason="there is no helm here (go install helm.sh/helm/v3/cmd/helm@v3.19.4)"
)


def render(values: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """`helm template` with these values."""
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    command = [str(_HELM), "template", "duban", CHART, "--kube-version=1.30", "--values", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def manifests(values: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    done = render(values, folder)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.fixture(scope="module", params=[NEEDED, GUARDED], ids=["plain", "guarded"])
def rendered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    return manifests(request.param, tmp_path_factory.mktemp("chart"))


def pods(rendered: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in rendered:
        if each["kind"] in {"Deployment", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


@needs_helm
def test_no_pod_is_root_and_none_can_write_to_its_image(rendered: list[dict[str, Any]]) -> None:
    """What a cluster with the strictest rules ("restricted") lets in."""
    names = dict(pods(rendered))
    assert len(names) == 7
    for name, pod in names.items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert set(container["resources"]) == {"requests", "limits"}, name
        assert {"/data", "/tmp"} <= {mount["mountPath"] for mount in container["volumeMounts"]}, name
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        }


@needs_helm
def test_what_runs_on_is_probed_under_a_name_that_the_desk_answers_to(rendered: list[dict[str, Any]]) -> None:
    """A probe calls by the pod's address, which the desk refuses: it shows another name."""
    for name, pod in pods(rendered):
        (container,) = pod["containers"]
        if pod.get("restartPolicy") == "Never":
            continue
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            get = container[probe]["httpGet"]
            assert get["httpHeaders"] == [{"name": "Host", "value": "localhost"}], name
            assert get["path"] == (
                "/readyz" if (probe, name) == ("readinessProbe", "duban-desk") else "/healthz"
            )
        assert pod["terminationGracePeriodSeconds"] >= 30, name


@needs_helm
def test_every_part_is_a_command_and_every_setting_exists(rendered: list[dict[str, Any]]) -> None:
    """A mistyped word would be found by nobody until the cluster starts."""
    commands = {command.callback.__name__ for command in application().registered_commands}
    for name, pod in pods(rendered):
        (container,) = pod["containers"]
        assert container["args"][0] in commands, name
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names)), name
        unknown = [each for each in names if not _is_setting(each)]
        assert not unknown, name


def _is_setting(name: str) -> bool:
    found: Any = Settings
    for part in name.removeprefix("DUBAN_").lower().split("__"):
        if part not in getattr(found, "model_fields", {}):
            return False
        found = found.model_fields[part].annotation
    return True


@needs_helm
def test_no_secret_is_in_a_manifest(rendered: list[dict[str, Any]]) -> None:
    """Passwords, tokens and the store's URL are named, never written; the chart makes no Secret."""
    assert "Secret" not in {each["kind"] for each in rendered}
    for name, pod in pods(rendered):
        for variable in pod["containers"][0]["env"]:
            if re.search(r"PASSWORD|SECRET|TOKEN|DATABASE_URL|CLIENT_ID", variable["name"]):
                assert set(variable) == {"name", "valueFrom"}, name
                assert set(variable["valueFrom"]) == {"secretKeyRef"}, name


@needs_helm
def test_store_and_models_come_before_everything_else(rendered: list[dict[str, Any]]) -> None:
    """Hooks, in this order: a job that fails ends the upgrade before anything was changed that runs."""
    jobs = {each["metadata"]["name"]: each for each in rendered if each["kind"] == "Job"}
    weights = {name: int(job["metadata"]["annotations"]["helm.sh/hook-weight"]) for name, job in jobs.items()}
    assert sorted(weights, key=weights.__getitem__) == ["duban-upgrade", "duban-deploy"]
    for job in jobs.values():
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert job["spec"]["activeDeadlineSeconds"] > 0


@needs_helm
def test_every_job_type_is_worked_on_by_one_group(rendered: list[dict[str, Any]]) -> None:
    """The group `rest` leaves exactly what the others take."""
    arguments = {name: pod["containers"][0]["args"][1:] for name, pod in pods(rendered) if "workers" in name}
    rest = {word.removeprefix("--except=") for word in arguments.pop("duban-workers-rest")}
    only = [word.removeprefix("--only=") for words in arguments.values() for word in words]
    assert rest == set(only) and len(only) == len(set(only))
    assert rest <= {task.type for task in TASKS}


@needs_helm
def test_nodes_can_be_emptied_and_nobody_else_comes_in(rendered: list[dict[str, Any]]) -> None:
    """A budget per part with several pods; a policy that lets nothing in but what is named."""
    selectors = [
        each["spec"]["selector"]["matchLabels"] for each in rendered if each["kind"] == "PodDisruptionBudget"
    ]
    parts = {selector["app.kubernetes.io/component"] for selector in selectors}
    assert parts == {"desk", "workers-refunds", "workers-rest"}
    policies = {
        each["metadata"]["name"]: each["spec"] for each in rendered if each["kind"] == "NetworkPolicy"
    }
    assert policies["duban"]["ingress"] == [] and set(policies["duban"]["policyTypes"]) == {
        "Ingress",
        "Egress",
    }
    assert set(policies) == {"duban", "duban-desk", "duban-records"}
    assert "app.kubernetes.io/component" not in policies["duban"]["podSelector"]["matchLabels"]


@needs_helm
def test_a_group_grows_by_backlog_where_that_is_wished(tmp_path: Path) -> None:
    """KEDA asks Prometheus for the jobs that pile up; no HorizontalPodAutoscaler beside it."""
    values = NEEDED | {
        "workers": {
            "groups": {"rest": {"autoscaling": "keda"}, "refunds": {"autoscaling": "keda"}},
            "keda": {"prometheusUrl": "http://prometheus:9090"},
        }
    }
    found = manifests(values, tmp_path)
    assert "HorizontalPodAutoscaler" not in {each["kind"] for each in found}
    queries = {
        each["metadata"]["name"]: each["spec"]["triggers"][0]["metadata"]["query"]
        for each in found
        if each["kind"] == "ScaledObject"
    }
    assert 'type=~"register-refund|' in queries["duban-workers-refunds"]
    assert 'type!~"register-refund|' in queries["duban-workers-rest"]


@needs_helm
def test_an_ingress_tells_the_desk_how_it_is_called(tmp_path: Path) -> None:
    """Else the desk would refuse the name under which people call it."""
    desk = dict(pods(manifests(GUARDED, tmp_path)))["duban-desk"]
    told = {each["name"]: each.get("value") for each in desk["containers"][0]["env"]}
    assert told["DUBAN_WEB__PUBLIC_URL"] == "https://complaints.example"


@needs_helm
def test_prometheus_finds_every_pod_where_that_is_wished(tmp_path: Path) -> None:
    """A port of its own beside the pages', a PodMonitor, the rules as they are, a way in for Prometheus alone."""
    wished = {
        "monitoring": {
            "annotations": True,
            "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "rules": {"enabled": True},
        },
        "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
    }
    found = manifests(NEEDED | wished, tmp_path)
    by_kind = {each["kind"]: each for each in found}
    (endpoint,) = by_kind["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert by_kind["PodMonitor"]["metadata"]["labels"]["release"] == "prometheus"
    assert by_kind["PodMonitor"]["spec"]["jobLabel"] == "app.kubernetes.io/name", (
        "the rules ask for job=duban"
    )
    rules = yaml.safe_load((CHART.parent / "prometheus" / "rules.yaml").read_text("utf-8"))
    assert by_kind["PrometheusRule"]["spec"] == rules
    for each in found:
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]
            ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
            assert ports[endpoint["port"]] == 8720 and len(set(ports.values())) == len(ports)
            assert pod["metadata"]["annotations"]["prometheus.io/port"] == "8720"
    policies = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "NetworkPolicy"}
    (way,) = policies["duban-metrics"]["ingress"]
    assert way["from"] == wished["networkPolicy"]["metricsFrom"] and way["ports"][0]["port"] == 8720


@needs_helm
def test_without_that_wish_nobody_reaches_the_metrics(rendered: list[dict[str, Any]]) -> None:
    kinds = {each["kind"] for each in rendered}
    assert not kinds & {"PodMonitor", "PrometheusRule"}
    for each in rendered:
        if each["kind"] == "NetworkPolicy":
            assert all(8720 not in [port["port"] for port in way["ports"]] for way in each["spec"]["ingress"])


@needs_helm
def test_other_systems_call_the_desk_by_the_name_of_its_service(tmp_path: Path) -> None:
    """Else it would refuse them (421); a list of one's own is not added to."""
    desk = dict(pods(manifests(NEEDED, tmp_path)))["duban-desk"]
    told = {each["name"]: each.get("value") for each in desk["containers"][0]["env"]}
    names = told["DUBAN_WEB__ALLOWED_HOSTS"].split(",")
    assert names[0] == "duban-desk" and names[-1].endswith(".svc.cluster.local")
    mine = NEEDED | {"settings": {"DUBAN_WEB__ALLOWED_HOSTS": "desk.example"}}
    desk = dict(pods(manifests(mine, tmp_path)))["duban-desk"]
    hosts = [e["value"] for e in desk["containers"][0]["env"] if e["name"] == "DUBAN_WEB__ALLOWED_HOSTS"]
    assert hosts == ["desk.example"]


@needs_helm
def test_instances_are_moved_along_only_where_that_is_wished(tmp_path: Path) -> None:
    """There is no way back."""
    jobs = [
        dict(pods(manifests(NEEDED | {"jobs": {"migrate": wish}}, tmp_path)))["duban-deploy"]
        for wish in (False, True)
    ]
    assert [job["containers"][0]["args"] for job in jobs] == [["deploy"], ["deploy", "--migrate"]]


@needs_helm
def test_the_exporters_password_is_changed_without_a_gap(tmp_path: Path) -> None:
    """The one before is taken as well, by records alone."""
    told = {"records": {"existingSecret": "records", "previousKey": "before"}}
    found = dict(pods(manifests(NEEDED | told, tmp_path)))
    names = {name: [each["name"] for each in pod["containers"][0]["env"]] for name, pod in found.items()}
    assert [n for n, e in names.items() if "DUBAN_RECORDS__PREVIOUS_PASSWORD" in e] == ["duban-records"]


_REFUNDS: Final = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))["workers"]["groups"]["refunds"]
WRONG: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no engine": ({"engine": {}}, "engine.address"),
    "no store": ({"database": {}}, "database.existingSecret"),
    "no staff": ({"staff": {}}, "staff.existingSecret"),
    "no password of the exporter": ({"records": {}}, "records.existingSecret"),
    "a job type in two groups": ({"workers": {"groups": {"more": _REFUNDS}}}, "is in two groups"),
    "a word that there is not": ({"replicas": 3}, "replicas"),
    "a secret among the settings": (
        {"settings": {"DUBAN_RECORDS__PASSWORD": "x"}},
        "DUBAN_RECORDS__PASSWORD",
    ),
}


@needs_helm
@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_work_is_not_installed(case: str, tmp_path: Path) -> None:
    """One sentence names the value."""
    values, word = WRONG[case]
    done = render(NEEDED | values, tmp_path)
    assert done.returncode != 0 and word in done.stderr


def test_every_value_has_a_comment() -> None:
    """Whoever installs this reads values.yaml and nothing else."""
    bare: list[str] = []
    before = ""
    for line in (CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        key = re.match(r"^( *)([A-Za-z]+):", line)
        is_told = before.lstrip().startswith("#") or "cpu:" in line
        if key and not is_told and key[2] not in SAID_ABOVE:
            bare.append(line)
        before = line
    assert not bare


SAID_ABOVE: Final = {
    *("requests", "limits", "resources"),
    *("replicas", "autoscaling", "minReplicas", "maxReplicas", "maxUnavailable"),
}
"""Keys that a comment above them explains together with their neighbours."""


def test_the_values_fit_their_schema() -> None:
    """The schema is one, and refuses what it does not know."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(values, schema, jsonschema.Draft7Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values | {"replicas": 3}, schema, jsonschema.Draft7Validator)


def test_the_groups_of_the_chart_name_job_types_that_there_are() -> None:
    """Also where there is no helm: a job type that was renamed is found here."""
    groups = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["workers"]["groups"]
    named = [each for group in groups.values() for each in group["types"]]
    assert set(named) <= {task.type for task in TASKS} and len(named) == len(set(named))
    assert groups["rest"]["types"] == []
