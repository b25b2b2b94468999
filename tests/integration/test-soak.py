#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The soak and the busy daemon, in short; the long forms are in tests/reliability."""
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
from lksm_test import main  # noqa pylint: disable=C0413

busy = importlib.import_module("busy")
soak = importlib.import_module("soak")

# So short a run is over before every buffer has its size, and before web has seen every page
# of the ring, which is shared. Eight bytes an event that are not given back would be 1.4 MB.
GROWTH = 0.1


def test_full_speed(_, folder):
    seconds, growth = soak.run(folder, 200_000, GROWTH, "Anonymous")
    print(f"# 200000 events, {200_000 / seconds:.0f} a second; memory within {growth:.1f} %")


def test_reloads_and_kills_in_a_stream(_, folder):
    one = busy.Busy(folder, 20_000)
    try:
        one.run()
        one.judge()
    finally:
        one.d.kill()


if __name__ == "__main__":
    main(globals())
