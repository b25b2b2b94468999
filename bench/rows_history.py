# SPDX-License-Identifier: Apache-2.0
"""Q: what is asked of a long history."""
import os
import pathlib
import urllib.error

import history
from measure import RUNS, Line

EVENTS = int(os.environ.get("LKSM_BENCH_EVENTS", "1000000"))
MOST_MS = {"events": 50, "histogram": 200, "facets": 200}


def folder_of(bench):
    """What is made there is kept; $LKSM_BENCH_EVENTS are a million, or ten of them with 12 GB."""
    kept = os.environ.get("LKSM_BENCH_HISTORY")
    return pathlib.Path(kept) if kept else bench.folder / "history"


def q(bench):
    """Q: questions to a history of many events, by the daemon's processor time"""
    folder = folder_of(bench)
    history.make(bench.lksm, EVENTS, folder)
    with history.served(bench.lksm, EVENTS, folder) as server:
        for name, path, parameters in history.questions(EVENTS):
            try:
                ran = [history.time_of(*server, path, parameters)[1] for _ in range(RUNS)]
            except urllib.error.HTTPError as error:
                yield f"{name}, of {EVENTS} events: {error.code} after 2 s"
                continue
            yield Line("Q", f"{name}, of {EVENTS} events", ran, "ms", at_most=MOST_MS.get(path.split("/")[0]))
