"""A gateway that goes away, hangs or refuses: the host asks again, for ever, and says how it is."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from tests.engine.hosting import hosting, task
from tests.engine.scripted_gateway import ScriptedGateway, hang, until
from workers.engine.keep import end, kept


def test_an_outage_of_any_length_is_survived_and_the_host_says_that_it_was_not_alive() -> None:
    """pyzeebe's worker has ten tries for its whole life."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.1) as host:
            await until(host.is_alive)
            gateway.faults["ActivateJobs"].extend([grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE] * 5)
            await until(lambda: not gateway.faults["ActivateJobs"])
            await gateway.stop()
            await until(lambda: host.report().types[0].error == "UNAVAILABLE" and not host.is_alive())
            trouble = host.report().trouble
            assert trouble is not None and "does not answer for work" in trouble
            await gateway.start()
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))
            await until(host.is_alive)

    asyncio.run(story())


def test_a_gateway_that_hangs_is_asked_again_over_a_new_connection() -> None:
    """A connection can be dead without a sign: every call has a deadline, and then the channel is rebuilt."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.3) as host:
            await until(host.is_alive)
            gateway.always["ActivateJobs"] = hang
            before = {call.peer for call in gateway.calls}
            await until(lambda: host.status["work"].error == "DEADLINE_EXCEEDED")
            await gateway.wait(lambda: bool({call.peer for call in gateway.calls} - before))
            del gateway.always["ActivateJobs"]
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))
            await until(host.is_alive)
            assert all(call.seconds_left is not None for call in gateway.calls), "every call has a deadline"

    asyncio.run(story())


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK], ids=lambda code: code.name
)
def test_no_status_of_one_job_type_stops_it_for_good_or_any_other_type(code: grpc.StatusCode) -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway:
            gateway.always["ActivateJobs sick"] = code
            async with hosting(gateway, task("sick"), task("sound"), poll_seconds=0.2) as host:
                sound, sick = await gateway.offer("sound"), await gateway.offer("sick")
                await gateway.wait(lambda: bool(gateway.named("CompleteJob", sound)))
                await until(lambda: host.status["sick"].error is not None)
                assert host.status["sound"].error is None
                del gateway.always["ActivateJobs sick"]
                await gateway.wait(lambda: bool(gateway.named("CompleteJob", sick)))

    asyncio.run(story())


def test_a_channel_that_is_closed_under_its_calls_is_built_anew() -> None:
    """gRPC then says CancelledError or UsageError, which must not end a poll."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.3) as host:
            await until(host.is_alive)
            assert host._shift is not None and host._shift._gateway._channel is not None
            await host._shift._gateway._channel.close(None)
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))

    asyncio.run(story())


def test_a_loop_of_the_host_that_breaks_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def breaks() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise TypeError("13800000000")
        if len(begun) == 2:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async def story() -> None:
        loop = asyncio.create_task(kept("probe", breaks))
        await until(lambda: len(begun) == 3)
        await end([loop])
        assert loop.cancelled()

    asyncio.run(story())
    assert "probe broke" in caplog.text and "TypeError in breaks" in caplog.text
    assert "13800000000" not in caplog.text
