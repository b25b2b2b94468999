# SPDX-License-Identifier: Apache-2.0
"""U: the dashboard, used, while events come and a long history is there."""
import json
import subprocess
import threading

import history
import rows_history
from measure import ROOT, Line, Skip, need

ROUNDS = 5
RATE = 100       # events a second
PAUSE_S = 0.1
MOST_MS = 100
BEGIN = 1 << 40  # number of the first record, beyond any before


def feed(kmsg, stop):
    """RATE events a second, until @stop is set."""
    n = BEGIN + kmsg.stat().st_size
    while not stop.wait(PAUSE_S):
        with open(kmsg, "a", encoding="utf-8") as f:
            for _ in range(int(RATE * PAUSE_S)):
                n += 1
                what = f"Module loaded: m{n % 97} by uid 0" if n % 3 else f"Kprobe registered for symbol: sym_{n % 5000}"
                f.write(f"6,{n},{n},-;[PHOTON RING] {what}\n")


def u(bench):
    """U: the dashboard, from an input to the frame that shows its effect; 100 events a second come"""
    node = need("node")
    need("chromium")
    if not (ROOT / "tests/browser/node_modules").exists():
        raise Skip("tests/browser/run installs what drives the browser")
    folder = rows_history.folder_of(bench)
    history.make(bench.lksm, rows_history.EVENTS, folder)
    stop, times = threading.Event(), {}
    with history.served(bench.lksm, rows_history.EVENTS, folder) as (_, base, token):
        feeder = threading.Thread(target=feed, args=(folder / "kmsg", stop))
        feeder.start()
        try:
            said = subprocess.run([node, bench.source("interactions.mjs"), base, token, str(ROUNDS)], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout
        finally:
            stop.set()
            feeder.join()
    for line in said.splitlines():
        one = json.loads(line)
        times.setdefault(one["name"], []).append(one["ms"])
    for name, ran in times.items():
        # what is counted comes behind the list, and of a word only when the letters have come to rest
        most = None if name.endswith("facets") else MOST_MS
        yield Line("U", f"{name}, of {rows_history.EVENTS} events", ran, "ms", at_most=most)
