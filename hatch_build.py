"""Build hook: what the pages load is built before it goes into a wheel, or into an editable installation.

A source distribution carries the built files, so that a wheel made from it needs no Node. With
`DUBAN_FRONTEND=skip` nothing is built (`make setup` does so: it builds afterwards, where its progress is seen), and
pages with forms say what to do.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds frontend/ with Node from the machine, or from a wheel where the machine has none."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What has to be in the build environment: Node, only when there is something to build and no Node."""
        node, frontend = self._tool("node"), self._tool("build_frontend")
        if self._is_skipped() or node.has_node() or self._is_current(frontend):
            return []
        return [node.WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds what is stale. Raises SystemExit with what to do when that cannot be done."""
        if self._is_skipped():
            return
        frontend = self._tool("build_frontend")
        if not self._is_current(frontend):
            frontend.build()

    def _is_skipped(self) -> bool:
        return os.environ.get("DUBAN_FRONTEND") == "skip"

    def _is_current(self, frontend: ModuleType) -> bool:
        return bool(frontend.is_current())

    def _tool(self, name: str) -> ModuleType:
        tools = str(Path(self.root) / "tools")
        if tools not in sys.path:
            sys.path.insert(0, tools)
        return importlib.import_module(name)
