#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One call of the daemon's fails: afterwards each record is in the log once, or told as lost.

The n-th call of a kind in one of its processes fails (fault.c, preloaded), for every n until
the daemon makes no n-th call any more. A life is short and mostly waits, so some are lived side
by side.

	tests/reliability/faults.py [PROCESS:KIND:ERROR...]	all of them: half an hour
"""
import concurrent.futures
import http.client
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
WORKERS = 8
# The source is looked at often, for each look but the first is waited for. crossview runs, as it
# is the supervisor's to start and to hear, but looks at nothing: it is what costs most.
CONFIG = """
poll_interval: 0.01
output:
  compress_after_days: 1
  retention:
    days: 4
modules:
  crossview: { processes: false, sockets: false, files: false, modules: false }
"""
# Few lines, for each is read in the same way, but long ones: compressing reads more than once.
OLD = b'{"seq": 0, "type": "old", "data": {"text": "%s"}}\n' % (b"a" * 3000) * 4

CORE = ["write:ENOSPC", "write:EIO", "write:EINTR", "write:SHORT", "open:EMFILE", "fstat:EIO",
        "read:EIO", "read:EINTR", "epoll:ENOMEM", "wait:EINTR", "malloc:ENOMEM",
        "message:ENOMEM", "message:EINTR"]
SUPERVISOR = ["open:EMFILE", "open:EIO", "open:ENOSPC", "write:ENOSPC", "write:EINTR",
              "write:SHORT", "fsync:EIO", "fstat:EIO", "fstat-empty:EIO",
              "truncate:ENOSPC", "truncate:EINTR", "mmap:ENOMEM", "epoll:ENOMEM", "wait:EINTR",
              "malloc:ENOMEM", "message:ENOMEM", "message:EINTR", "fork:ENOMEM", "read:EINTR"]
WEB = ["open:EMFILE", "mmap:ENOMEM", "wait:EINTR", "read:EINTR", "epoll:ENOMEM", "fstat:EIO",
       "message:EINTR", "malloc:ENOMEM"]
COMPRESS = ["open:EMFILE", "write:ENOSPC", "write:SHORT", "read:EIO", "fsync:EIO", "rename:EIO",
            "unlink:EIO", "malloc:ENOMEM"]
PLANS = [f"{process}:{plan}" for process, plans in
         (("core", CORE), ("lksm", SUPERVISOR), ("web", WEB), ("compress", COMPRESS))
         for plan in plans]

# some of each kind, for script/test
SOME = {"core:write:ENOSPC": [1, 3], "core:write:SHORT": [2], "core:write:EIO": [1], "core:write:EINTR": [4, 5],
        "core:open:EMFILE": [1], "core:fstat:EIO": [2], "core:read:EINTR": [4],
        "core:epoll:ENOMEM": [3], "core:wait:EINTR": [2],
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
        self.n_th = n
        self.is_interrupted = error == "EINTR"
        self.count = self.folder / "count"
        self.count.write_bytes(bytes(8))
        self.n = 0
        config = self.folder / "lksm.yaml"
        config.write_text(CONFIG)
        (self.folder / "logs").mkdir()
        (self.folder / "logs/lksm_events_2020-01-01.jsonl").write_bytes(OLD)
        # the newest two are not compressed, the oldest is one too many
        for day in ("2019-12-31", "2020-01-02", "2020-01-03"):
            (self.folder / f"logs/lksm_events_{day}.jsonl").touch()
        self.d = Daemon(folder, "--config", str(config), dashboard=process == "web")
        self.fault = {"LD_PRELOAD": FAULT, "LKSM_FAULT": f"{process}:{kind}:{n}:{error}",
                      "LKSM_FAULT_COUNT": str(self.count)}

    def is_reached(self):
        """Did the daemon make an n-th call?"""
        return int.from_bytes(self.count.read_bytes(), sys.byteorder) >= self.n_th

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

    def visit(self):
        """A look at the dashboard, which may be down, but not keep us."""
        if "#token=" not in self.d.stderr():
            return
        try:
            self.d.get("/api/events")
        except TimeoutError:
            raise Broken("the dashboard does not answer") from None
        except (OSError, http.client.HTTPException):
            pass

    def has(self, number):
        return b'"stream_seq": %d,' % number in self.d.tail()

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
            self.visit()
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
            expect(not self.is_interrupted or e["type"] not in ("log_write_failed", "seal_failed"),
                   f"a signal is no failure: {e['data']}")
        self.judge_old()

    def judge_old(self):
        """The closed day is there: plain, or compressed and complete."""
        plain = self.folder / "logs/lksm_events_2020-01-01.jsonl"
        if plain.exists():
            expect(plain.read_bytes() == OLD, "a closed log is not what it was")
            return
        packed = subprocess.run(["zstdcat", f"{plain}.zst"], capture_output=True, check=False)
        expect(packed.stdout == OLD, "a compressed log is not what it was")


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
        return run.is_reached(), broken, run.d.stderr()


def sweep(plan, pool):
    """The n that broke something, and how many n were reached: those before the first that was not."""
    bad, reached = [], 0
    lives = {n: pool.submit(fails, plan, n) for n in range(1, WORKERS + 1)}
    while lives:
        n = min(lives)
        is_reached, broken, said = lives.pop(n).result()
        if broken:
            bad.append((n, broken, said))
        if is_reached and n == reached + 1:
            reached = n
            lives[n + WORKERS] = pool.submit(fails, plan, n + WORKERS)
    return bad, reached


def main():
    plans = sys.argv[1:] or PLANS
    failed = total = 0
    print(f"1..{len(plans)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for i, plan in enumerate(plans, 1):
            start = time.monotonic()
            bad, reached = sweep(plan, pool)
            is_bad = bad or not reached  # a plan that meets no call tries nothing
            failed += bool(is_bad)
            total += reached
            print(f"{'not ok' if is_bad else 'ok'} {i} - {plan}: {reached} calls, "
                  f"{time.monotonic() - start:.0f} s", flush=True)
            for n, broken, said in bad:
                print(f"# n={n}: {broken}\n#   " + said.strip().replace("\n", "\n#   "), flush=True)
    print(f"# {total} calls failed, one in each life")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
