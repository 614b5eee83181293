"""B10: what a customer and staff wrote, and who the customer is, is in the store and nowhere else."""

from __future__ import annotations

from pathlib import Path

from tests.stories.world import World

SECRETS = ("钱三三", "13955554444", "C-GEHEIM", "天目山路十八号楼", "核查时发现接入层设备告警")


def test_B10_no_personal_data_in_the_engine_or_the_logs(world: World) -> None:
    """Neither the engine's files nor any log hold the customer's name, number, words, or what staff wrote."""
    case = world.complain(
        f"小区地下车库完全没有信号，地址是{SECRETS[3]}。",
        customer={"name": SECRETS[0], "phone": SECRETS[1], "customer_no": SECRETS[2]},
    )
    case.complete("investigate-complaint", finding="upheld", cause_code="network", findings=SECRETS[4])
    case.task("propose-solution")
    world.settle()
    files = [path for path in (world.running.data / "engine").rglob("*") if path.is_file()]
    files += list(world.running.data.glob("duban.log*"))
    assert len(files) > 5
    found = [(path.name, secret) for path in files for secret in SECRETS if _holds(path, secret)]
    assert found == []
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def _holds(path: Path, secret: str) -> bool:
    try:
        return secret.encode() in path.read_bytes()
    except FileNotFoundError:
        return False  # the engine compacted it away meanwhile
