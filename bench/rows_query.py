# SPDX-License-Identifier: Apache-2.0
"""F: what `lksm query` finds in a log."""
import random

from measure import RUNS, Line

LINES = 20000
MEGABYTES = 200
QUERIES = (("--severity", "critical"), ("--type", "module_hidden"), ("--host", "none"), ("uid=7",), ("-q", "no such text"),
           ("--min-severity", "high", "-o", "text"), ("--min-severity", "high", "-o", "ecs"), ("-o", "json"))


def write_log(path):
    """A day of usual lines: 1 in 100 is high."""
    rng = random.Random(1)
    lines = []
    for seq in range(LINES):
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


def f(bench):
    """F: lksm query reads a log"""
    folder = bench.folder / "query"
    folder.mkdir()
    size = write_log(folder / "lksm_events_2026-02-10.jsonl")
    for arguments in QUERIES:
        command = [bench.lksm, "query", "--log-dir", folder, *arguments]
        speeds = [size / 1e6 / bench.run(command, ok=(0, 1)).cpu_s for _ in range(RUNS)]
        yield Line("F", f"query {' '.join(arguments)}, {size // 10**6} MB", speeds, "MB / CPU s")
