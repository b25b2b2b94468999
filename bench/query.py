#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast `lksm query` reads a log: bench/query.py build/release/lksm [MEGABYTES]"""
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

LKSM = sys.argv[1]
MEGABYTES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
QUERIES = [["--severity", "critical"], ["--type", "module_hidden"], ["--host", "none"], ["uid=7"], ["-q", "no such text"],
           ["--min-severity", "high", "-o", "text"], ["--min-severity", "high", "-o", "ecs"], ["-o", "json"]]


def cpu_seconds():
    """Of the processes that have ended: what others do on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_log(path):
    """A day of usual lines: 1 in 100 is high."""
    rng = random.Random(1)
    lines = []
    for seq in range(20000):
        kind, severity = ("segfault", "high") if seq % 100 == 0 else ("module_loaded", "info")
        lines.append(f'{{"seq": {seq}, "ts": {seq}.{rng.randrange(10**6):06}, "type": "{kind}", "data": {{"module": '
                     f'"nf_tables", "uid": {rng.randrange(7)}, "comm": "modprobe"}}, "severity": "{severity}", "source": '
                     f'"kprobe_reader", "time": "2026-02-10T12:00:00.{rng.randrange(10**6):06}Z", "host": "web-1", '
                     f'"boot_id": "1f0c2d3e-0000-4000-8000-0123456789ab", "stream": "kmsg", "stream_seq": {seq}, '
                     '"level": 6, "facility": 0, "rule": "module_loaded", "message": "[PHOTON RING] Module loaded: '
                     'nf_tables by uid 0"}\n')
    block = "".join(lines).encode()
    with open(path, "wb") as file:
        for _ in range(max(1, MEGABYTES * 10**6 // len(block))):
            file.write(block)
    return path.stat().st_size


with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
    size = write_log(pathlib.Path(folder) / "lksm_events_2026-02-10.jsonl")
    for arguments in QUERIES:
        best = None
        for _ in range(3):
            start = cpu_seconds()
            subprocess.run([LKSM, "query", "--log-dir", folder, *arguments], stdout=subprocess.DEVNULL, check=False)
            took = cpu_seconds() - start
            best = took if best is None else min(best, took)
        print(f"query {' '.join(arguments):34} {size / best / 1e6:6.0f} MB a second of one processor")
