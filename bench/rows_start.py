# SPDX-License-Identifier: Apache-2.0
"""S: how long a start takes when today's log is long."""
import fcntl
import json
import os
import re
import shutil
import struct
import termios
import time

from live import Daemon
from measure import Line, RUNS, wait_for

LINES = 1000000
CHUNK = 50000


class PipedDaemon(Daemon):
    """Its kernel log is a pipe with one record in it: when that is read can be seen outside."""

    def __init__(self, bench, number, keep=True):
        reading, self.writing = os.pipe()
        os.write(self.writing, b"6,%d,%d,-;lksm-start %d\n" % (number, number, number))
        self.begin = time.monotonic()
        super().__init__(bench, True, "start", ("--kmsg", "-"), keep=keep, stdin=reading,
                         history=True)
        os.close(reading)

    def is_read(self):
        size = fcntl.ioctl(self.writing, termios.FIONREAD, b"\0\0\0\0")
        return struct.unpack("i", size)[0] == 0

    def wait(self):
        """Milliseconds until the record is read."""
        wait_for(self.is_read, "the first record to be read", pause_s=0)
        return (time.monotonic() - self.begin) * 1000

    def __enter__(self):
        wait_for(self.is_up, "the dashboard")
        wait_for(lambda: self.has("lksm-start"), "the record in the log")
        return self

    def __exit__(self, *args):
        super().__exit__(*args)
        os.close(self.writing)


def make_log(bench, lines):
    """A folder with @lines lines of this boot in today's log, as a daemon leaves it."""
    with PipedDaemon(bench, 0, keep=False) as daemon:
        log = daemon.log()
    events = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]
    event = next(e for e in events if e["type"] == "kernel_message")
    shutil.rmtree(daemon.folder)
    log.parent.mkdir(parents=True)
    head, middle, end = re.split(r'"(?:stream_)?seq": \d+', json.dumps(event, ensure_ascii=False))
    with open(log, "w", encoding="utf-8") as f:
        for first in range(0, lines, CHUNK):
            f.writelines(f'{head}"seq": {i}{middle}"stream_seq": {i}{end}\n'
                         for i in range(first, min(first + CHUNK, lines)))


def start_times(bench, lines):
    make_log(bench, lines)
    times = []
    for i in range(RUNS + 1):
        daemon = PipedDaemon(bench, lines + i)
        times.append(daemon.wait())
        with daemon:
            pass
    return times[1:] # the first had no state page yet


def s(bench):
    """S: exec → first record read, with 1,000,000 lines already in today's log"""
    long, short = start_times(bench, LINES), start_times(bench, 1000)
    yield Line("S", f"exec → first record read, {LINES} lines in today's log", long, "ms",
               at_most=20)
    yield Line("S", "the same, beside 1,000 lines", long, "ms", "1,000 lines", short)
