"""Turns of threads, and of processes: told in a process of its own, because neither can be taken back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workers.bootstrap.turns import TURN_SECONDS


def said(code: str) -> str:
    command = [sys.executable, "-c", f"import os, sys\nfrom workers.bootstrap.turns import *\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_threads_take_shorter_turns_and_never_longer_ones() -> None:
    assert float(said("short_turns(); print(sys.getswitchinterval())")) == TURN_SECONDS
    shorter = "sys.setswitchinterval(1e-4); short_turns(); print(sys.getswitchinterval())"
    assert float(said(shorter)) == pytest.approx(1e-4, rel=0.02)


def test_a_process_that_steps_back_is_nicer_and_no_system_stops_it() -> None:
    assert said("was = os.nice(0); step_back(3); print(os.nice(0) - was)") == "3"
    refused = (
        "def no(_): raise PermissionError\nos.nice = no\nstep_back(3)\ndel os.nice\nstep_back(3)\nprint('on')"
    )
    assert said(refused) == "on"
