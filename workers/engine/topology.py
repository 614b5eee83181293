"""What the engine says of itself: brokers, partitions, who leads."""

from __future__ import annotations

from dataclasses import dataclass

from pyzeebe.proto.gateway_pb2 import Partition, TopologyResponse

from workers.engine.gateway import Gateway

_ROLES = {Partition.LEADER: "leader", Partition.FOLLOWER: "follower", Partition.INACTIVE: "inactive"}
_HEALTH = {Partition.HEALTHY: "healthy", Partition.UNHEALTHY: "unhealthy", Partition.DEAD: "dead"}


@dataclass(frozen=True)
class BrokerPartition:
    """A partition on a broker. role: leader, follower, inactive; health: healthy, unhealthy, dead."""

    id: int
    role: str
    health: str


@dataclass(frozen=True)
class BrokerView:
    """A broker, `address` as the engine calls it."""

    id: int
    address: str
    version: str
    partitions: tuple[BrokerPartition, ...]


@dataclass(frozen=True)
class Topology:
    """The engine as its gateway sees it."""

    version: str
    partitions: int
    brokers: tuple[BrokerView, ...]

    @property
    def leaderless(self) -> tuple[int, ...]:
        """Partitions that no healthy broker leads: work on them stands still."""
        led = {
            each.id
            for broker in self.brokers
            for each in broker.partitions
            if each.role == "leader" and each.health == "healthy"
        }
        return tuple(sorted(set(range(1, self.partitions + 1)) - led))


async def look(gateway: Gateway) -> Topology:
    """Asks the engine. Raises Unavailable: no answer."""
    return _read(await gateway.topology())


def _read(answer: TopologyResponse) -> Topology:
    brokers = tuple(
        BrokerView(
            broker.nodeId,
            f"{broker.host}:{broker.port}",
            broker.version,
            tuple(
                BrokerPartition(
                    each.partitionId, _ROLES.get(each.role, "unknown"), _HEALTH.get(each.health, "unknown")
                )
                for each in broker.partitions
            ),
        )
        for broker in answer.brokers
    )
    return Topology(answer.gatewayVersion, answer.partitionsCount, brokers)
