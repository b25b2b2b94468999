#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One call of the daemon's fails: afterwards each record is in the log once, or told as lost.

The n-th call of a kind in one of its processes fails (fault.c, preloaded), for every n until
the daemon makes no n-th call any more.

	tests/reliability/faults.py [PROCESS:KIND:ERROR...]	all of them: some hours
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import ROOT, Daemon, record  # pylint: disable=wrong-import-position

FAULT = os.environ.get("LKSM_FAULT_LIBRARY", str(ROOT / "build/tests/libfault.so"))
TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
ROUNDS, RECORDS = 4, 15
PATIENCE_S = 60

CORE = ["write:ENOSPC", "write:EIO", "write:EINTR", "write:SHORT", "open:EMFILE", "fstat:EIO",
        "read:EIO", "read:EINTR", "mmap:ENOMEM", "epoll:ENOMEM", "wait:EINTR", "malloc:ENOMEM",
        "message:ENOMEM", "message:EINTR", "truncate:EIO"]
SUPERVISOR = ["open:EMFILE", "open:EIO", "open:ENOSPC", "write:ENOSPC", "write:EINTR",
              "write:SHORT", "fsync:EIO", "rename:EIO", "unlink:EIO", "fstat:EIO",
              "truncate:ENOSPC", "truncate:EINTR", "mmap:ENOMEM", "epoll:ENOMEM", "wait:EINTR",
              "malloc:ENOMEM", "message:ENOMEM", "message:EINTR", "fork:ENOMEM", "read:EINTR"]
WEB = ["write:EIO", "open:EMFILE", "mmap:ENOMEM", "wait:EINTR", "malloc:ENOMEM", "read:EINTR"]
COMPRESS = ["open:EMFILE", "write:ENOSPC", "write:SHORT", "read:EIO", "fsync:EIO", "rename:EIO",
            "unlink:EIO", "malloc:ENOMEM"]
PLANS = [f"{process}:{plan}" for process, plans in
         (("core", CORE), ("lksm", SUPERVISOR), ("web", WEB), ("compress", COMPRESS))
         for plan in plans]

# some of each kind, for script/test
SOME = {"core:write:ENOSPC": [1, 3], "core:write:SHORT": [2], "core:write:EIO": [1],
        "core:open:EMFILE": [1], "core:fstat:EIO": [2], "core:read:EINTR": [4],
        "core:mmap:ENOMEM": [1], "core:epoll:ENOMEM": [3], "core:wait:EINTR": [2],
        "core:malloc:ENOMEM": [5, 60], "core:message:ENOMEM": [1, 3], "lksm:open:EMFILE": [9],
        "lksm:fstat:EIO": [11, 28], "lksm:write:SHORT": [1], "lksm:truncate:ENOSPC": [1],
        "lksm:fork:ENOMEM": [1], "lksm:epoll:ENOMEM": [5], "lksm:malloc:ENOMEM": [100, 200],
        "lksm:message:ENOMEM": [2], "compress:write:ENOSPC": [1], "compress:rename:EIO": [1],
        "compress:fsync:EIO": [1, 2]}


class Broken(Exception):
    """A promise was broken; the text says which."""


def expect(is_good, what):
    if not is_good:
        raise Broken(what)


class Run:
    """One daemon that meets one fault, in a folder with a past."""

    def __init__(self, folder, plan, n):
        process, kind, error = plan.split(":")
        self.folder = pathlib.Path(folder)
        self.report = self.folder / "fault"
        self.n = 0
        self.old = b'{"seq": 0, "type": "old"}\n' * 400
        config = self.folder / "lksm.yaml"
        config.write_text("output:\n  compress_after_days: 1\n")
        (self.folder / "logs").mkdir()
        (self.folder / "logs/lksm_events_2020-01-01.jsonl").write_bytes(self.old)
        for day in ("02", "03"):  # the newest two are not compressed
            (self.folder / f"logs/lksm_events_2020-01-{day}.jsonl").touch()
        self.d = Daemon(folder, "--config", str(config), dashboard=process == "web")
        self.fault = {"LD_PRELOAD": FAULT, "LKSM_FAULT": f"{process}:{kind}:{n}:{error}",
                      "LKSM_FAULT_REPORT": str(self.report)}

    def start(self, fault):
        before = self.d.env
        self.d.env = {**before, **fault}
        self.d.start()
        self.d.env = before

    def feed(self):
        """More records; wait for the log to have the last one. False: the daemon is gone."""
        self.d.append(b"".join(record(i, TEXT) for i in range(self.n, self.n + RECORDS)))
        self.n += RECORDS
        end = time.monotonic() + PATIENCE_S
        while not self.has(self.n - 1):
            if self.d.process.poll() is not None:
                return False
            expect(time.monotonic() < end, "it hangs: no record arrives any more")
            time.sleep(0.005)
        return True

    def has(self, number):
        return any(b'"stream_seq": %d' % number in line for line in self.d.lines()[-30:])

    def stop(self, is_faulty):
        """Its end may be an error, with a sentence; not a crash, and not never."""
        if self.d.process.poll() is None:
            self.d.process.send_signal(signal.SIGTERM)
        try:
            status = self.d.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Broken("it does not stop") from None
        expect(status in ((0, 2) if is_faulty else (0,)), f"its exit status is {status}")
        said = [x for x in self.d.stderr().splitlines() if not x.startswith("lksm: logs:")]
        expect(status == 0 or said, "it failed without a word")

    def live(self):
        self.start(self.fault)
        for _ in range(ROUNDS):
            if not self.feed():
                break
        self.stop(is_faulty=True)
        self.start({})
        expect(self.feed(), "it does not start without the fault")
        self.stop(is_faulty=False)

    def judge(self):
        data = b"".join(p.read_bytes() for p in sorted((self.folder / "logs").glob("*.jsonl"))
                        if "_2020-" not in p.name)
        expect(data.endswith(b"\n"), "the log ends in a torn line")
        events = [json.loads(line) for line in data.splitlines()]
        expect([e["seq"] for e in events] == list(range(len(events))), "seq is not 0, 1, 2 …")
        numbers = [e["stream_seq"] for e in events if e.get("stream") == "kmsg"]
        for lost in (e["data"] for e in events if e["type"] == "records_lost"):
            numbers += range(lost["first"], lost["last"] + 1)
        expect(sorted(numbers) == list(range(self.n)), f"records are {sorted(numbers)}")
        for e in events:
            reason = str(e["data"].get("reason", ""))
            expect("killed by" not in reason, f"a crash: {e['data']}")
            expect(e["type"] != "log_tampered", f"it suspects itself: {e['data']}")
        self.judge_old()

    def judge_old(self):
        """The closed day is there: plain, or compressed and complete."""
        plain = self.folder / "logs/lksm_events_2020-01-01.jsonl"
        if plain.exists():
            expect(plain.read_bytes() == self.old, "a closed log is not what it was")
            return
        packed = subprocess.run(["zstdcat", f"{plain}.zst"], capture_output=True, check=False)
        expect(packed.stdout == self.old, "a compressed log is not what it was")


def fails(plan, n):
    """One run. Return: (did the fault happen, what is broken or None, what the daemon said)."""
    with tempfile.TemporaryDirectory(prefix="lksm-fault-") as folder:
        run = Run(folder, plan, n)
        broken = None
        try:
            run.live()
            run.judge()
        except (Broken, ValueError, KeyError) as e:
            broken = str(e)
        finally:
            run.d.kill()
        return run.report.exists(), broken, run.d.stderr()


def sweep(plan, numbers):
    """The n that broke something, and how many n were reached."""
    bad, reached = [], 0
    for n in numbers:
        is_reached, broken, said = fails(plan, n)
        if broken:
            bad.append((n, broken, said))
        if not is_reached:
            break
        reached = n
    return bad, reached


def every():
    n = 0
    while True:
        n += 1
        yield n


def main():
    plans = sys.argv[1:] or PLANS
    failed = 0
    print(f"1..{len(plans)}", flush=True)
    for i, plan in enumerate(plans, 1):
        start = time.monotonic()
        bad, reached = sweep(plan, every())
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {i} - {plan}: {reached} calls, "
              f"{time.monotonic() - start:.0f} s")
        for n, broken, said in bad:
            print(f"# n={n}: {broken}\n#   " + said.strip().replace("\n", "\n#   "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main())
