# SPDX-License-Identifier: Apache-2.0
"""S: how long a start takes when today's log is long."""
import datetime
import json
import pathlib
import shutil
import time

from live import Daemon, writable_kernel_log
from measure import Line, RUNS, wait_for

LINES = 1000000
CHUNK = 50000


def long_log(bench, lines):
    """A folder with @lines lines of this boot in today's log, as a daemon leaves it."""
    with Daemon(bench, False, "start") as daemon:
        folder, name = daemon.folder, daemon.log().name
        lines_of_it = daemon.log().read_text(encoding="utf-8").splitlines()
    event = json.loads(next(x for x in lines_of_it if "lksm-ready" in x))
    shutil.rmtree(folder)
    (folder / "logs").mkdir(parents=True)
    template = json.dumps({**event, "seq": 0, "ts": 0}, ensure_ascii=False)
    before, behind = template.split('"seq": 0, "ts": 0')
    with open(folder / "logs" / name, "w", encoding="utf-8") as f:
        for first in range(0, lines, CHUNK):
            f.writelines(f'{before}"seq": {seq}, "ts": {event["ts"]:.6f}{behind}\n'
                         for seq in range(first, min(first + CHUNK, lines)))
    with Daemon(bench, True, "start", keep=True):
        pass # now it has a state page, and the log an end of its own
    return folder


def start_ms(bench):
    """From exec until the first record that came before the start is in the log."""
    mark = f"lksm-start {time.monotonic_ns()}"
    pathlib.Path("/dev/kmsg").write_text(f"<14>{mark}\n", encoding="ascii")
    log = max((bench.folder / "start/logs").glob("*.jsonl"))
    size = log.stat().st_size
    begin = time.monotonic()
    daemon = Daemon(bench, True, "start", keep=True)
    with open(log, "rb") as f:
        f.seek(size)
        seen = b""

        def has_come():
            nonlocal seen
            seen += f.read()
            return mark.encode() in seen
        wait_for(has_come, "the first record", pause_s=0)
    took = time.monotonic() - begin
    with daemon:
        return took * 1000


def s(bench):
    """S: exec → first record in the log, with 1,000,000 lines already in today's log"""
    with writable_kernel_log():
        if datetime.datetime.now().hour == 23 and datetime.datetime.now().minute > 50:
            return # today's log would be yesterday's
        long_log(bench, LINES)
        long = [start_ms(bench) for _ in range(RUNS)]
        shutil.rmtree(bench.folder / "start")
        long_log(bench, 1)
        short = [start_ms(bench) for _ in range(RUNS)]
    yield Line("S", "exec → first record in the log, 1,000,000 lines in it", long, "ms",
               "an empty log", short)
    yield Line("S", "the same", long, "ms", at_most=20)
