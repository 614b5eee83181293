"""The official Java client, built by Maven when it is first needed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

from workers.errors import Unavailable

SOURCE: Final = Path(__file__).parent / "java"
BUILD_SECONDS: Final = 600.0


async def java_command(cache: Path) -> list[str]:
    """The command that runs it, but for its arguments.

    Args:
        cache: where it is built, once.

    Raises:
        Unavailable: there is no Maven or no Java 17, or the client cannot be fetched.
    """
    maven, java = shutil.which("mvn"), shutil.which("java")
    if maven is None or java is None:
        raise Unavailable("there is no mvn or no java (17 or newer) on this machine")
    folder = cache / "bench-java"
    target = folder / "target"
    if not (target / "done").exists():
        shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
        goals = ("compile", "dependency:copy-dependencies")
        process = await asyncio.create_subprocess_exec(
            maven,
            "-q",
            "-B",
            *goals,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), BUILD_SECONDS)
        if process.returncode != 0:
            raise Unavailable(f"Maven could not build it: {said.decode(errors='replace')[-300:]}")
        (target / "done").touch()
    path = f"{target / 'classes'}:{target / 'dependency'}/*"
    return [java, "-Xmx256m", "-classpath", path, "ConstantWorkers"]
