#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events at full speed, for long: nothing grows, nothing is missing, nothing is twice.

The source is a pipe: it waits for the daemon, so the daemon decides how fast. From a tenth
of the run on, every process keeps its memory within 1 % and the number of its descriptors.

	tests/reliability/soak.py [EVENTS]	default 10,000,000: some 5 GB below TMPDIR
"""
import http.client
import multiprocessing
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import Daemon, Skip, equal, wait_for  # pylint: disable=wrong-import-position

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
LINE_BYTES = 600  # of the log, more than is needed
BLOCK = 1000  # records
SAMPLES = 100
GROWTH = 0.01  # of the long form; a short one is over before buffers have their size
SEQ, STREAM_SEQ = b'{"seq": ', b'"stream": "kmsg", "stream_seq": '


def write_records(fifo, n):
    with open(fifo, "wb", buffering=0) as f:
        for first in range(0, n, BLOCK):
            block = "".join(f"6,{i},{i},-;{TEXT}\n"
                            for i in range(first, min(first + BLOCK, n))).encode()
            while block:
                block = block[f.write(block):]


def read_stream(base, token):
    """A browser that shows the dashboard, until the server ends it."""
    host = base.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/api/v1/stream", headers={"Authorization": f"Bearer {token}"})
    try:
        answer = connection.getresponse()
        while answer.read1(1 << 16):
            pass
    except (OSError, http.client.HTTPException):
        pass


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def size_of(pid, what):
    """In KiB, counted now: what /proc/PID/status has may lag behind."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{what}:\s+(\d+)", text, re.M).group(1))


class Soak:
    """One daemon, its source, and what its processes held at each hundredth of the way."""

    def __init__(self, folder, n, what):
        self.n = n
        self.what = what
        self.fifo = pathlib.Path(folder) / "fifo"
        os.mkfifo(self.fifo)
        self.d = Daemon(folder, kmsg=self.fifo, dashboard=True)
        self.samples = []
        self.helpers = []

    def spawn(self, target, *arguments):
        self.helpers.append(multiprocessing.Process(target=target, args=arguments, daemon=True))
        self.helpers[-1].start()

    def progress(self):
        """How many records are in the log: the number that the last whole line has."""
        numbers = re.findall(STREAM_SEQ + rb"(\d+)", self.d.tail())
        return int(numbers[-1]) + 1 if numbers else 0

    def sample(self):
        pids = [self.d.process.pid, *self.d.children()]
        self.samples.append({f"{name_of(p)} {p}": (size_of(p, self.what),
                                                   len(os.listdir(f"/proc/{p}/fd")))
                             for p in pids})

    def run(self):
        self.d.start()
        self.d.wait_healthy()
        self.spawn(read_stream, *self.d.url())
        begin = time.monotonic()
        self.spawn(write_records, self.fifo, self.n)
        for i in range(1, SAMPLES + 1):
            due = self.n * i // SAMPLES
            wait_for(lambda due=due: self.progress() >= due, f"record {due}")
            if i >= SAMPLES // 10:
                self.sample()
        seconds = time.monotonic() - begin
        self.d.stop()
        return seconds

    def close(self):
        for helper in self.helpers:
            helper.kill()
            helper.join()
        self.d.kill()

    def judge_processes(self, allowed):
        """Return: the largest growth of a process, in percent."""
        first = self.samples[0]
        worst = 0
        for now in self.samples:
            equal(sorted(now), sorted(first))  # nobody was started anew
        for name in first:
            sizes, descriptors = zip(*(now[name] for now in self.samples))
            # crossview sees no events; its looks take, open and close what they need, and one
            # look may last for a third of the run: of it only counts that no look adds to them
            looks = name.startswith("crossview ")
            growth = 0 if looks else max(sizes) / min(sizes) - 1
            assert growth <= allowed, f"{name}: {growth:.1%}: {sizes} KiB"
            third = len(descriptors) // 3
            before = (max if looks else min)(descriptors[:third])
            after = min(descriptors[-third:])
            assert after <= before if looks else after == before, \
                f"{name}: {descriptors} descriptors"
            worst = max(worst, growth)
        return worst * 100

    def judge_log(self):
        """Every record is an event, once, in order; seq counts without a gap."""
        number = 0
        lines = (line for path in sorted(self.d.logs.glob("lksm_events_*.jsonl"))
                 for line in open(path, "rb"))  # pylint: disable=consider-using-with
        for seq, line in enumerate(lines):
            assert line.startswith(SEQ + b"%d, " % seq) and line.endswith(b"}\n"), \
                f"line {seq}: {line!r}"
            if STREAM_SEQ in line:
                assert STREAM_SEQ + b"%d," % number in line, f"not record {number}: {line!r}"
                number += 1
            assert b'"type": "records_lost"' not in line, line
        equal(number, self.n)


def run(folder, n, allowed=GROWTH, what="Rss"):
    """@what: a line of smaps_rollup. Return: (seconds, worst growth in percent)."""
    if shutil.disk_usage(folder).free < 2 * n * LINE_BYTES:
        raise Skip(f"{2 * n * LINE_BYTES >> 20} MiB have to be free in {folder}")
    soak = Soak(folder, n, what)
    try:
        seconds = soak.run()
        growth = soak.judge_processes(allowed)
        soak.judge_log()
    finally:
        soak.close()
    return seconds, growth


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory(prefix="lksm-soak-") as folder:
        seconds, growth = run(folder, n)
    print(f"{n:,} events, {n / seconds:,.0f} a second, seq exact, none missing; memory of each "
          f"process within {growth:.2f} %, descriptors constant")


if __name__ == "__main__":
    main()
