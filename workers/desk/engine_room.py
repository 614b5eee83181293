"""What operations need of the engine, beside user tasks and incidents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workers.cases.dictionary import Dictionary
from workers.engine.topology import Topology


@dataclass(frozen=True)
class EngineRoom:
    """Built by bootstrap.

    Attributes:
        set_variables: changes variables that an element sees (workers.engine.incidents).
        move: moves an instance to another version (workers.engine.moving).
        look: the engine's brokers and partitions (workers.engine.topology).
        wake_sender: messages are owed again; may be called from any thread.
        dictionary: what variables there are, and what they may be.
    """

    set_variables: Callable[[str, Mapping[str, Any]], Awaitable[None]]
    move: Callable[[str, str, Mapping[str, str]], Awaitable[None]]
    look: Callable[[], Awaitable[Topology]]
    wake_sender: Callable[[], None]
    dictionary: Dictionary
