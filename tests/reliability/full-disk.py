#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk is filled and freed again and again: what was lost is told, number for number.

	tests/reliability/full-disk.py [CYCLES]		default 100; needs root, for a small tmpfs
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import Daemon, Skip, equal, record, wait_for  # noqa pylint: disable=C0413

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
DISK = "32m"
NAMED = 64  # one record in so many is named by a rule, and logged
FLOOD = 25000  # more than the queue and the pipe hold


class Disk:
    """A tmpfs that can be filled to the last page."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", self.path],
                          capture_output=True, check=False).returncode:
            raise Skip("cannot mount a tmpfs")
        self.filler = self.path / "filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        self.filler.unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)


class Cycles:
    """The source is a pipe; what does not go into it is forgotten, as by the kernel's ring."""

    def __init__(self, folder):
        self.disk = Disk(pathlib.Path(folder) / "disk")
        fifo = pathlib.Path(folder) / "fifo"
        os.mkfifo(fifo)
        self.source = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self.d = Daemon(folder, "--log-dir", str(self.disk.path / "logs"), kmsg=fifo)
        self.d.logs = self.disk.path / "logs"
        self.n = 0
        self.forgotten = []

    def offer(self):
        """One more record. Return: whether it got into the pipe."""
        is_named = self.n % NAMED == 0
        text = TEXT if is_named else "usb 1-1: new device"
        try:
            os.write(self.source, record(self.n, text))
            return True
        except BlockingIOError:
            self.forgotten.append(self.n)
            return False
        finally:
            self.n += 1

    def settle(self):
        """A named record that is in the log: all before it are, too, or told as lost."""
        def is_in():
            self.n += -self.n % NAMED  # what is passed over is forgotten as well
            self.forgotten += range(last[0] + 1, self.n)
            last[0] = self.n
            return self.offer()

        last = [self.n - 1]
        wait_for(is_in, "the pipe to take a record")
        wanted = b'"stream_seq": %d,' % last[0]
        wait_for(lambda: any(wanted in line for line in self.d.tail().splitlines()),
                 "the last record")

    def one(self, is_first):
        self.disk.fill()
        for _ in range(20 * NAMED):
            self.offer()
        if is_first:  # there is room to say so, while the disk is full
            wait_for(lambda: self.d.events("log_write_failed"), "the trouble to be logged")
            self.disk.fill()
        for _ in range(FLOOD):
            self.offer()
        self.disk.free()
        self.settle()

    def run(self, cycles):
        self.d.start()
        self.settle()
        core = self.d.children()[0]
        for i in range(cycles):
            self.one(is_first=i == 0)
        equal(self.d.children()[0], core)  # nobody gave up
        self.d.stop()
        events = self.d.events()
        self.d.check_seqs()
        lost = [i for e in events if e["type"] == "records_lost"
                for i in range(e["data"]["first"], e["data"]["last"] + 1)]
        equal(lost, self.forgotten)
        numbers = [e["stream_seq"] for e in events if e.get("stream") == "kmsg"]
        gone = set(lost)
        equal(numbers, [i for i in range(0, self.n, NAMED) if i not in gone])
        equal([e for e in events if e["type"] in ("log_tampered", "log_lines_lost")], [])
        return len(numbers), len(lost)


def stop_when_full(folder):
    """It ends by itself; what it could not write is in the kernel's ring for the next start."""
    c = Cycles(folder)
    try:
        c.d.start()
        c.settle()
        for n in (1, 2):  # the first time, there is the reserve
            c.disk.fill()
            c.n += -c.n % NAMED
            wait_for(lambda: c.offer() and c.d.stderr().count("cannot write the log") >= n,
                     "the log to be stuck")
        c.d.process.send_signal(signal.SIGTERM)
        c.d.process.wait(60)
        assert "does not stop" not in c.d.stderr(), c.d.stderr()
        c.disk.free()
        c.d.start()
        c.settle()
        c.d.stop()
        c.d.check_seqs()
    finally:
        c.d.kill()
        os.close(c.source)
        c.disk.close()


def run(folder, cycles):
    c = Cycles(folder)
    try:
        return c.run(cycles)
    finally:
        c.d.kill()
        os.close(c.source)
        c.disk.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lksm-full-") as where:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
        logged, missing = run(where, count)
        print(f"{count} times full: {logged} records logged, {missing} told as lost")
