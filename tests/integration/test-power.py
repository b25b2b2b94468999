#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Losses of power, in short; the long form is tests/reliability/power.py."""
import concurrent.futures
import functools
import importlib
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
from lksm_test import main  # noqa pylint: disable=C0413

power = importlib.import_module("power")
STATES = int(os.environ.get("LKSM_POWER_STATES", "18"))


def run(policy):
    with tempfile.TemporaryDirectory(prefix="lksm-power-", dir=power.memory_folder()) as folder:
        return power.run(folder, policy, STATES)


@functools.cache
def runs():
    """All at once: most of the time, each waits for its seals."""
    pool = concurrent.futures.ThreadPoolExecutor(len(power.POLICIES))
    return {policy: pool.submit(run, policy) for policy in power.POLICIES}


def recover(policy):
    calls, tried, broken = runs()[policy].result()
    assert not broken, "\n".join(broken)
    print(f"# {calls} calls recorded, {tried} states")


def test_never_leaves_a_log_that_verifies(_, __):
    recover("never")


def test_interval_loses_nothing_that_is_sealed(_, __):
    recover("interval")


def test_batch_loses_nothing_that_was_shown(_, __):
    recover("batch")


if __name__ == "__main__":
    main(globals())
