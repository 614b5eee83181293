"""A running Duban as the outside sees it: the real command, the real engine, and a clock that is moved."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from pyzeebe.proto.gateway_pb2 import DeployResourceRequest, Resource
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from workers.client import Client
from workers.connection import find_instance
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.messages import Messages, marking
from workers.engine.user_tasks import UserTasks
from workers.names import SHANGHAI
from workers.store import record_queries
from workers.store.database import Database

DUBAN = Path(sys.executable).parent / "duban"
START_SECONDS = 300
STOP_SECONDS = 90
WAIT_SECONDS = 240


_CALLER = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  id="Definitions_{caller}" targetNamespace="http://example.com/stories">
  <process id="{caller}" isExecutable="true">
    <startEvent id="Event_Start"><outgoing>Flow_1</outgoing><messageEventDefinition messageRef="Message_Start"/>
    </startEvent>
    <sequenceFlow id="Flow_1" sourceRef="Event_Start" targetRef="Call_Process"/>
    <callActivity id="Call_Process"><extensionElements><zeebe:calledElement processId="{process_id}"
      propagateAllChildVariables="false" propagateAllParentVariables="true"/></extensionElements>
      <incoming>Flow_1</incoming><outgoing>Flow_2</outgoing></callActivity>
    <sequenceFlow id="Flow_2" sourceRef="Call_Process" targetRef="Event_End"/>
    <endEvent id="Event_End"><incoming>Flow_2</incoming></endEvent>
  </process>
  <message id="Message_Start" name="{caller}"/>
</definitions>
"""


class Running:
    """A `duban up` that the suite started."""

    def __init__(self, data: Path, environment: Mapping[str, str], *options: str) -> None:
        self.data = data
        self._progress = (data.parent / f"{data.name}.stderr").open("wb")
        self.process = subprocess.Popen(
            [DUBAN, "up", "--data", data, "--port", "0", *options],
            env=os.environ | {"DUBAN_ENGINE__FLUSH": "false", "DUBAN_WEB__LOGIN": "off"} | environment,
            stdout=subprocess.PIPE,
            stderr=self._progress,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        try:
            assert self.process.stdout is not None
            self.said = self.process.stdout.readline().strip()
        finally:
            watchdog.cancel()
        if not self.said.startswith("ready http://"):
            self.stop(signal.SIGKILL)
            raise AssertionError(f"duban up is not ready: {self.progress()}")

    def progress(self) -> str:
        """What it wrote to stderr so far."""
        return Path(self._progress.name).read_text(encoding="utf-8")

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ends it; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(STOP_SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._progress.close()
        return code


class World:
    """What customers and staff do, and what they see."""

    def __init__(self, running: Running, database_url: str | None = None) -> None:
        self.running = running
        self.database = Database(database_url) if database_url else Database.in_folder(running.data)
        self.client = Client(find_instance(running.data))
        instance = json.loads((running.data / "instance.json").read_text(encoding="utf-8"))
        self._channel = grpc.insecure_channel(instance["engine_address"])
        self._engine = GatewayStub(self._channel)
        self._refs = 0
        self._callers: list[str] = []

    def close(self) -> None:
        """Closes the connections to the instance and its store."""
        self.client.close()
        self._channel.close()
        self.database.close()

    def complain(self, text: str, **fields: Any) -> Case:
        """A customer complains; every story has a customer of its own."""
        self._refs += 1
        line = {
            "policy": "petition",
            "channel": "phone",
            "text": text,
            "customer": {
                "name": "钱一一",
                "phone": f"1390000{self._refs:04d}",
                "customer_no": f"C-{self._refs:06d}",
            },
            "region": {"province": "浙江", "city": "杭州", "branch": "西湖"},
            "occurred_at": "2026-01-05T20:00:00+08:00",
            "external_ref": f"story-{self._refs}",
            "calls_on_holidays": True,
        } | fields
        number = self.client.submit(json.dumps(line, ensure_ascii=False).encode())["number"]
        return Case(self, number)

    def advance(self, by: str) -> None:
        """Time passes; returns when everything that this sets off is done."""
        self.client.advance_clock(by)

    def await_morning(self) -> None:
        """Until ten o'clock in Shanghai, when a customer may be called."""
        now = datetime.fromisoformat(self.client.advance_clock("PT1S")["now"]).astimezone(SHANGHAI)
        ten = now.replace(hour=10, minute=0, second=0, microsecond=0)
        left = ten - now if now < ten else ten + timedelta(days=1) - now
        self.advance(f"PT{int(left.total_seconds()) + 1}S")

    def hurry(self) -> None:
        """What the engine has done comes into the tables now, not within a second; if it is away, when it is back."""
        with suppress(grpc.RpcError):
            self._engine.BroadcastSignal(marking("somebody-waits"), timeout=WAIT_SECONDS)

    def publish(self, name: str, key: str, message_id: str, variables: dict[str, Any]) -> None:
        """Somebody else sends the engine a message that waits for an hour."""
        instance = json.loads((self.running.data / "instance.json").read_text(encoding="utf-8"))

        async def send() -> None:
            async with Gateway(
                EngineHandle(instance["engine_address"], instance["engine_rest_url"])
            ) as gateway:
                assert await Messages(gateway).publish(name, key, message_id, timedelta(hours=1), variables)

        asyncio.run(send())

    def complete_beside_the_desk(self, task: dict[str, Any], **variables: Any) -> None:
        """Somebody completes a task by the engine's own API, where no desk asks who that is."""
        instance = json.loads((self.running.data / "instance.json").read_text(encoding="utf-8"))

        async def send() -> None:
            async with UserTasks(instance["engine_rest_url"]) as user_tasks:
                await user_tasks.complete(task["task"], variables)

        asyncio.run(send())

    def start(self, process_id: str, number: str, **variables: Any) -> str:
        """Runs a process for a case by itself, as a caller that hands over these variables; returns the caller's id.

        The caller gives back nothing: what the process did is seen from outside.
        """
        caller = f"story-{process_id}-{self._refs}-{len(self._callers)}"
        self._callers.append(caller)
        diagram = _CALLER.format(caller=caller, process_id=process_id)
        instance = json.loads((self.running.data / "instance.json").read_text(encoding="utf-8"))

        async def deploy_and_start() -> None:
            handle = EngineHandle(instance["engine_address"], instance["engine_rest_url"])
            async with Gateway(handle) as gateway:
                resource = Resource(name=f"{caller}.bpmn", content=diagram.encode())
                await gateway.stub.DeployResource(DeployResourceRequest(resources=[resource]))
                sent = {"number": number} | variables
                await Messages(gateway).publish(caller, number, caller, timedelta(hours=1), sent)

        asyncio.run(deploy_and_start())
        return caller

    def settle(self) -> None:
        """Everything under way is done."""
        self.advance("PT1S")


class Case:
    """One complaint."""

    def __init__(self, world: World, number: str) -> None:
        self.world = world
        self.number = number

    def show(self) -> dict[str, Any]:
        return self.world.client.show(self.number)

    def __getitem__(self, key: str) -> Any:
        return self.show()[key]

    def tasks(self) -> list[dict[str, Any]]:
        return [task for task in self.world.client.tasks() if task["number"] == self.number]

    def task(self, form: str) -> dict[str, Any]:
        """The open task with this form, once it is offered."""
        found: list[dict[str, Any]] = []

        def offered() -> bool:
            found[:] = [task for task in self.tasks() if task["form"] == form]
            return bool(found)

        self.wait(offered, f"a task with the form {form}")
        return found[0]

    def complete(self, form: str, /, person: str = "desk.duty", **answers: Any) -> dict[str, Any]:
        """A person completes the task with this form; returns the task as it was offered."""
        task = self.task(form)
        self.world.client.complete(task["task"], person, answers)
        return task

    def messages(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self["messages"] if message["event"] == event]

    def events(self) -> list[str]:
        return [message["event"] for message in self["messages"]]

    def deadline(self, kind: str) -> dict[str, Any]:
        return next(deadline for deadline in self["deadlines"] if deadline["kind"] == kind)

    def walked(self) -> set[str]:
        """Ids of the elements that the complaint's processes came through, as the engine's records say."""
        with self.world.database.read() as tx:
            return {element.element_id for element in record_queries.walked_elements(tx, self.number)}

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until the condition holds. It is looked at again and again; the clock is not waited for."""
        pause = threading.Event()
        for _ in range(WAIT_SECONDS * 5):
            if condition():
                return
            self.world.hurry()
            pause.wait(0.2)
        raise AssertionError(
            f"{self.number} never came to: {what}\n{json.dumps(self.show(), ensure_ascii=False)}"
        )

    def wait_status(self, status: str) -> None:
        self.wait(lambda: self["status"] == status, f"status {status}")

    def be_handled(self) -> None:
        """The department investigates, solves and carries out."""
        self.complete(
            "investigate-complaint", finding="upheld", cause_code="network", findings="核查了相关记录。"
        )
        self.complete(
            "propose-solution", solution="现场处理。", customer_reply="您反映的问题已处理完毕，谢谢您的监督。"
        )
        self.complete("carry-out-solution", result="已处理并验证。")

    def answer_survey(self, satisfaction: str = "satisfied", is_solved: bool = True) -> None:
        """The customer answers, once the survey has been sent."""
        self.wait(lambda: "satisfaction-survey" in self.events(), "the survey is sent")
        self.world.settle()
        self.world.client.answer_survey(self.number, {"satisfaction": satisfaction, "is_solved": is_solved})


@contextmanager
def running_duban(data: Path, environment: Mapping[str, str], *options: str) -> Iterator[Running]:
    """`duban up` for the length of the block."""
    running = Running(data, environment, *options)
    try:
        yield running
    finally:
        running.stop()
