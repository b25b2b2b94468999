#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon that has much to do, for tools that watch a program from inside: a stream of
events and a reader of the dashboard's, while it is reloaded, and its core and web are killed.

	LKSM=PROGRAM tests/reliability/busy.py [RECORDS]	default 20,000

Says on its standard output what the daemon said; the tool's complaints are among it.
"""
import os
import pathlib
import re
import signal
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import Daemon, equal, record, wait_for  # pylint: disable=wrong-import-position

soak = __import__("soak")

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
STEPS = 40
COMPLAINTS = re.compile(r"ThreadSanitizer|AddressSanitizer|LeakSanitizer|runtime error:|^==\d+== ",
                        re.M)


def pid_of(d, name):
    """The process of that name; it may be on its way."""
    def find():
        for pid in d.children():
            try:
                if soak.name_of(pid) == name:
                    return pid
            except OSError:
                pass
        return None
    return wait_for(find, name)


class Busy:
    """A daemon, what it is fed, and what is done to it meanwhile."""

    def __init__(self, folder, n):
        self.d = Daemon(folder, dashboard=True)
        self.n = n
        self.fed = 0

    def feed(self):
        """The next part of the records."""
        end = min(self.n, self.fed + max(1, self.n // STEPS))
        self.d.append(b"".join(record(i, TEXT) for i in range(self.fed, end)))
        self.fed = end

    def settle(self):
        wanted = b'"stream_seq": %d' % (self.fed - 1)
        wait_for(lambda: wanted in self.d.tail(), f"record {self.fed}\n{self.d.stderr()}")

    def reload(self):
        before = len(self.d.events("config_reloaded"))
        self.d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.d.events("config_reloaded")) > before, "the reload")

    def kill(self, name):
        pid = pid_of(self.d, name)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid not in self.d.children() and pid_of(self.d, name), f"a new {name}")

    def read(self):
        """Every page once, as a browser does."""
        self.d.wait_healthy()
        for path in ("/", "/api/events", "/api/v1/schema"):
            self.d.get(path)

    def run(self):
        doings = {5: self.reload, 10: lambda: self.kill("core"), 15: self.read,
                  20: self.reload, 25: lambda: self.kill("web"), 30: lambda: self.kill("core")}
        self.d.start()
        self.d.wait_healthy()
        threading.Thread(target=soak.read_stream, args=self.d.url(), daemon=True).start()
        for step in range(STEPS):
            self.feed()
            doings.get(step, lambda: None)()
        self.feed()
        self.settle()
        self.d.stop()

    def judge(self):
        self.d.check_seqs()
        equal([e["stream_seq"] for e in self.d.events() if e.get("stream") == "kmsg"],
              list(range(self.n)))
        said = self.d.stderr()
        equal(re.findall(r"(\w+) killed by (\w+)", said),
              [("core", "SIGKILL"), ("web", "SIGKILL"), ("core", "SIGKILL")])
        assert not COMPLAINTS.search(said), "complaints"


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    with tempfile.TemporaryDirectory(prefix="lksm-busy-") as folder:
        busy = Busy(folder, n)
        try:
            busy.run()
            busy.judge()
        finally:
            busy.d.kill()
            print(busy.d.stderr())
    print(f"{n} records, 2 reloads, 3 kills: each record once, no complaint")


if __name__ == "__main__":
    main()
