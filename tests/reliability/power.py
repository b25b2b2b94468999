#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The power fails, at any moment, and the daemon starts on what is left of its folder.

A daemon's calls are recorded (power.c, preloaded), once for each policy of output.fsync; then,
for each moment of the record, what may be left on the disk (power_disk.py) is made in a folder of
its own, and the same program is started on it, in another boot. What has to hold then:

	all		the log is JSON lines, in order, each with its own seq; what is missing has been
			told; `lksm verify` finds nothing worse than the policy allows; the
			daemon logs and seals
	never		a killed daemon loses nothing; of a crash, `lksm verify` says LOST at most
	interval	whatever was sealed and its key replaced is there
	batch		whatever was shown is there

	tests/reliability/power.py [--states N] [--policy NAME] [--calls FIRST LAST]

Without --states, all kinds of what may be left are tried after each call.
"""
import argparse
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import LKSM, ROOT, Daemon, equal, read_plain, record, wait_for  # noqa pylint: disable=C0413
import power_disk as disks  # noqa pylint: disable=wrong-import-position

LIBRARIES = f"{ROOT}/build/tests/libpower.so {ROOT}/build/tests/libfault.so"
POLICIES = ("never", "interval", "batch")
TRACE_BYTES = 1 << 28  # a file with a hole
TEXT = "[PHOTON RING] Kprobe registered for symbol: "
DAY = 24 * 3600
KEY_ASKED_AT = 1024  # in .seal_key, what `lksm keys` leaves for core
WORKERS = 8  # a daemon mostly waits
# crossview looks at nothing: it has no part in this, and costs most
CONFIG = """
poll_interval: 0.01
output:
  fsync: {policy}
  compress_after_days: 1
modules:
  crossview:
    enabled: false
"""
AFTER = b'"boot_id": "%036d", "stream": "kmsg", "stream_seq": 2,' % 2  # the last record then
FIXED_KEYS = ("seq", "ts", "type", "data", "severity", "source")


class Broken(Exception):
    """A promise was broken; the text says which."""


def expect(is_good, what):
    if not is_good:
        raise Broken(what)


# ---- the record ----

class Life:
    """A daemon with a full life: three days, a kill, compression, a log that is deleted."""

    def __init__(self, folder, policy):
        self.folder = pathlib.Path(folder)
        self.policy = policy
        self.logs = self.folder / "a/logs"
        self.trace = self.folder / "trace"
        disks.make_record(self.trace, TRACE_BYTES)
        (self.folder / "clock").write_bytes(bytes(8))
        (self.folder / "boot").write_text(f"{1:036d}\n")
        os.mkfifo(self.folder / "clock-set")
        self.notice = os.open(self.folder / "clock-set", os.O_RDWR)
        self.recorded = {"LD_PRELOAD": LIBRARIES, "LKSM_POWER_TRACE": str(self.trace)}
        config = self.folder / "lksm.yaml"
        config.write_text(CONFIG.format(policy=policy))
        self.d = Daemon(folder, "--config", str(config), "--log-dir", str(self.logs),
                        dashboard=True, env={**self.recorded,
                        "LKSM_BOOT_ID": str(self.folder / "boot"),
                        "LKSM_CLOCK": str(self.folder / "clock"),
                        "LKSM_CLOCK_SET": str(self.folder / "clock-set")})
        self.d.logs = self.logs
        self.rng = random.Random(policy)
        self.n = 0
        self.key_at = 0  # how far the record was when the key had been shown

    def feed(self, n):
        self.d.append(b"".join(record(i, TEXT + "a" * self.rng.randrange(4, 900))
                               for i in range(self.n, self.n + n)))
        self.n += n
        wanted = b'"stream_seq": %d,' % (self.n - 1)
        wait_for(lambda: any(wanted in line for line in self.d.lines()[-n - 5:]), "the records")

    def wait_sealed(self):
        wait_for(lambda: b'"log_sealed"' in (self.d.lines(routine=True) or [b""])[-1], "a seal")

    def make_key(self):
        done = subprocess.run([LKSM, "keys", "--log-dir", str(self.logs)], check=True,
                              env={**os.environ, **self.recorded}, capture_output=True)
        (self.folder / "key").write_bytes(done.stdout)
        self.key_at = disks.used_of(self.trace)

    def next_day(self, day):
        told = len(self.d.events("clock_jumped"))
        with open(self.folder / "clock", "r+b", buffering=0) as f:  # the daemon has it mapped
            f.write((day * DAY).to_bytes(8, sys.byteorder))
        os.write(self.notice, b"!")
        wait_for(lambda: len(self.d.events("clock_jumped")) > told, "the step to be told")

    def kill(self):
        """At rest, so that no call is done and not recorded."""
        self.wait_sealed()
        self.d.kill()
        self.d.start()

    def is_compressing(self):
        return any(b"compress" in read_plain(f"/proc/{pid}/comm") for pid in self.d.children())

    def kill_core_before_sync(self):
        restarted = len(self.d.events("process_restarted"))
        disks.kill_at_sync(self.trace)
        self.feed(6)
        wait_for(lambda: len(self.d.events("process_restarted")) > restarted, "another core")

    def delete(self):
        log = max(self.logs.glob("*.jsonl"))
        subprocess.run(["rm", str(log)], check=True)
        at = disks.used_of(self.trace)
        wait_for(lambda: self.d.events("log_restored"), "the log to be back")
        return str(log), at

    def live(self):
        self.d.start()
        self.d.wait_healthy()
        self.feed(1)
        self.make_key()
        for n in (5, 1, 40):
            self.feed(n)
        self.wait_sealed()
        self.feed(30)
        self.next_day(1)
        self.feed(20)
        self.wait_sealed()
        self.feed(7)
        self.next_day(3)
        self.feed(20)
        self.kill()
        wait_for(lambda: list(self.logs.glob("*.zst")), "the old log's compression")
        self.feed(30)
        wait_for(lambda: not self.is_compressing(), "the last compression")
        if self.policy != "never":
            self.kill_core_before_sync()
        self.feed(9)
        self.wait_sealed()
        deleted = self.delete()
        self.feed(30)
        self.wait_sealed()
        self.feed(12)
        self.d.stop()
        return deleted

    def inodes(self):
        paths = [self.folder, self.folder / "a", self.logs]
        return {str(p): p.stat().st_ino for p in paths}


class Recording:
    """The calls, what they come to, and what the log says at their end."""

    def __init__(self, folder, policy):
        self.policy = policy
        self.folder = pathlib.Path(folder)
        life = Life(folder, policy)
        try:
            self.deleted, self.deleted_at = life.live()
        finally:
            life.d.kill()
        self.key, self.key_at = life.folder / "key", life.key_at
        self.root, self.inodes = str(life.folder), life.inodes()
        self.logs = str(life.logs)
        self.calls = disks.read_calls(life.trace)
        life.trace.unlink()
        self.mended_at = self.find_mended()
        self.lines = {}  # seq: line, as they were written
        self.check(life)

    def find_mended(self):
        """How far the record was when the log was on the disk again, and its name."""
        name = os.path.basename(self.deleted)
        renamed = next(i for i, c in enumerate(self.calls)
                       if c.kind == disks.RENAME and c.names[1] == name)
        return next((c.begin for c in self.calls[renamed:] if c.kind == disks.SYNC
                     and c.file == self.inodes[self.logs]), self.calls[renamed + 1].begin)

    def disks(self):
        """(calls that were made, the disk then), from none to all."""
        # docs/seals.md says that this can lose the key
        whole = [".seal_key"] if self.policy == "never" else []
        disk = disks.Disk(self.root, self.inodes, whole)
        is_deleted = False
        yield 0, disk
        for i, call in enumerate(self.calls):
            if call.begin >= self.deleted_at and not is_deleted:
                is_deleted = True  # what rm did is in no record
                disks.change(disk.names, [(self.deleted, disks.DELETED)])
                disk.pending.append((call.begin, self.logs, [(self.deleted, disks.DELETED)]))
            disk.do(call)
            yield i + 1, disk

    def check(self, life):
        """The record is right if what it comes to is what is really there."""
        *_, (_, disk) = self.disks()
        made = disks.left_of(disk, "all", 0)
        for path in sorted(life.logs.glob("*.jsonl*")) + [life.logs / ".seal_key"]:
            equal(made.get(str(path)) == path.read_bytes() and path.name, path.name)
        for line in log_lines(life.logs):
            self.lines[json.loads(line)["seq"]] = line
        equal(sorted(self.lines), list(range(len(self.lines))))

    def kept(self, n):
        """Seqs that the policy promises after so many calls."""
        if self.policy == "never":
            return set()
        mark = self.is_shown if self.policy == "batch" else self.is_key_replaced
        seqs = self.written(max((i for i in range(n) if mark(self.calls[i])), default=0))
        if self.policy == "interval":
            sealed = max((x for x in seqs if b'"type": "log_sealed"' in self.lines[x]), default=-1)
            seqs = {x for x in seqs if x <= sealed}
        return seqs

    def has_key(self, n):
        """Had `lksm keys` shown its key by then?"""
        return n > 0 and self.calls[n - 1].begin >= self.key_at

    def is_ours(self, n):
        """Between somebody's deleting the log and its being put back, the loss is his."""
        return n == 0 or not self.deleted_at <= self.calls[n - 1].begin < self.mended_at

    def is_shown(self, call):
        return call.kind == disks.SHOWN

    def is_key_replaced(self, call):
        return (call.kind == disks.WRITE and call.file == self.key_file and call.at < KEY_ASKED_AT
                and any(call.data))

    @property
    def key_file(self):
        return next(c.file for c in self.calls
                    if c.kind == disks.OPEN and c.names[0] == ".seal_key")

    def written(self, n):
        """Seqs of the lines that were written by the first @n calls."""
        seqs = set()
        for call in self.calls[:n]:
            if call.kind == disks.WRITE and call.data.startswith(b'{"seq": '):
                seqs |= {json.loads(x)["seq"] for x in call.data.splitlines()}
        return seqs


# ---- a folder after the failure ----

def unpack(path):
    return subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True).stdout


def log_files(logs):
    """Of a day that is there both plain and compressed, the plain one."""
    logs = pathlib.Path(logs)
    plain = {p.name for p in logs.glob("lksm_events_*.jsonl")}
    packed = {p.name[:-4] for p in logs.glob("lksm_events_*.jsonl.zst")} - plain
    for name in sorted(plain | packed):
        yield read_plain(logs / name) if name in plain else unpack(logs / f"{name}.zst")


def log_lines(logs):
    data = b"".join(log_files(logs))
    expect(not data or data.endswith(b"\n"), "the log ends in the middle of a line")
    return data.splitlines(keepends=True)


def readable(state, logs):
    """Seqs of the lines that can be read in what is left, as it is."""
    seqs = set()
    for path, content in state.items():
        if content is None or not path.startswith(f"{logs}/lksm_events_") or path.endswith(".zst"):
            continue
        for line in content[:content.rfind(b"\n") + 1].splitlines():
            try:
                seqs.add(json.loads(line)["seq"])
            except (ValueError, KeyError, TypeError):
                pass
    return seqs


class Start:
    """The daemon starts on a folder that the failure left."""

    def __init__(self, recording, n, state, folder):
        self.recording, self.n, self.state = recording, n, state
        self.folder = pathlib.Path(folder)
        self.logs = pathlib.Path(self.moved(recording.logs))
        for path, content in sorted(state.items()):
            at = pathlib.Path(self.moved(path))
            if content is None:
                at.mkdir(mode=0o750)
            else:
                at.write_bytes(content)
                at.chmod(0o640 if "lksm_events_" in path else 0o600)
        (self.folder / "boot").write_text(f"{2:036d}\n")
        self.d = Daemon(folder, "--config", str(recording.folder / "lksm.yaml"), "--log-dir",
                        str(self.logs), dashboard=self.has_new_token(), env={
                            "LD_PRELOAD": LIBRARIES, "LKSM_BOOT_ID": str(self.folder / "boot")})
        self.d.logs = self.logs
        self.events = []

    def moved(self, path):
        return str(self.folder) + path[len(self.recording.root):]

    def has_new_token(self):
        """Its file is as good as it ever is, or there is none: web need not run."""
        token = self.state.get(f"{self.recording.logs}/.dashboard_token")
        return token is not None and b"\n" not in token

    def run(self):
        self.d.append(b"".join(record(i, TEXT + "after") for i in range(3)))
        self.d.start()
        try:
            def is_logged():
                expect(self.d.process.poll() is None, "it does not start")
                return AFTER in self.d.tail()
            wait_for(is_logged, "the records after the failure")
            self.d.stop()
        except AssertionError as why:
            raise Broken(str(why)) from None
        finally:
            self.d.kill()

    def judge(self):
        lines = log_lines(self.logs)
        try:
            self.events = [json.loads(line) for line in lines]
        except ValueError as why:
            raise Broken(f"a line is not JSON: {why}") from None
        expect(all(tuple(e)[:6] == FIXED_KEYS for e in self.events), "a line is no event")
        self.judge_seqs(lines)
        self.judge_told()
        self.judge_seals()

    def judge_seqs(self, lines):
        told = set()
        for e in self.events:
            if e["type"] == "log_lines_lost":
                told |= set(range(e["data"]["first"], e["data"]["last"] + 1))
        seqs = [e["seq"] for e in self.events]
        expect(seqs == sorted(set(seqs)), f"out of order, or twice: {seqs}")
        missing = set(range(seqs[-1])) - set(seqs)
        expect(missing <= told, f"missing and not told: {sorted(missing - told)}")
        for e, line in zip(self.events, lines):
            if int(e["boot_id"]) == 1:
                expect(line == self.recording.lines[e["seq"]], f"seq {e['seq']} is another line")
        old = {e["seq"] for e in self.events if int(e["boot_id"]) == 1}
        again = readable(self.state, self.recording.logs) & (set(seqs) - old)
        expect(not again, f"seqs given a second time: {sorted(again)}")
        lost = self.recording.kept(self.n) - old
        expect(not lost, f"promised, and lost: {sorted(lost)}")

    def judge_told(self):
        now = [e for e in self.events if int(e["boot_id"]) == 2]
        equal([e["stream_seq"] for e in now if e.get("stream") == "kmsg"], [0, 1, 2])
        forbidden = {"log_tail_missing", "seal_key_lost", "log_tampered", "seal_failed",
                     "log_write_failed"}
        if self.recording.policy != "never":
            forbidden.add("log_tail_lost")
        said = forbidden & {e["type"] for e in now}
        expect(not said, f"it says {', '.join(sorted(said))}")
        expect(now[-1]["type"] == "log_sealed", "it does not seal")

    def judge_seals(self):
        arguments = ["--accept-lost"] if self.recording.policy == "never" else []
        if self.recording.has_key(self.n):
            arguments += ["--key", str(self.recording.key)]
        done = subprocess.run([LKSM, "verify", *arguments, str(self.logs)], check=False,
                              capture_output=True, text=True)
        expect(done.returncode == 0, f"verify: {done.stdout}{done.stderr}")


# ---- all of them ----

def plan(recording, count, first, last):
    """{calls made: [(variant, seed)]}: all variants for each of them, or @count of these."""
    rng = random.Random(recording.policy)
    moments = [n for n in range(first, min(last, len(recording.calls)) + 1) if recording.is_ours(n)]
    wanted = list(itertools.product(moments, disks.VARIANTS))
    if count < len(wanted):
        wanted = rng.sample(wanted, count)
    chosen = {}
    for n, variant in wanted:
        chosen.setdefault(n, []).append((variant, rng.random()))
    return chosen


def states(recording, *which):
    """(calls made, variant, seed, state), each different."""
    wanted, seen = plan(recording, *which), set()
    for made, disk in recording.disks():
        for variant, seed in wanted.get(made, []):
            state = disks.left_of(disk, variant, seed)
            digest = hashlib.blake2b(repr(sorted(state.items())).encode()).digest()
            promised = recording.kept(made)
            if (digest, len(promised)) not in seen:
                seen.add((digest, len(promised)))
                yield made, variant, seed, state


def try_one(recording, where, made, variant, seed, state):
    """Return: None, or what was broken."""
    with tempfile.TemporaryDirectory(prefix="state-", dir=where) as folder:
        start = Start(recording, made, state, folder)
        try:
            start.run()
            start.judge()
            return None
        except (Broken, AssertionError) as why:
            keep = os.environ.get("LKSM_POWER_KEEP")
            if keep:
                shutil.copytree(folder, f"{keep}/{recording.policy}-{made}-{variant}".replace(" ", "-"),
                                dirs_exist_ok=True)
            return (f"{recording.policy}: after {made} of {len(recording.calls)} calls, "
                    f"{variant} ({seed}): {why}")


def run(folder, policy, count=sys.maxsize, first=0, last=sys.maxsize):
    """Return: how many calls were recorded and states tried, and what was broken."""
    recording = Recording(folder, policy)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        tried = [pool.submit(try_one, recording, folder, *s) for s in states(recording, count, first, last)]
        broken = [t.result() for t in tried if t.result()]
    return len(recording.calls), len(tried), broken


def memory_folder():
    """What is synced is synced nowhere: a folder in memory is as good, and fast."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--states", type=int, default=sys.maxsize)
    parser.add_argument("--calls", type=int, nargs=2, default=(0, sys.maxsize))
    parser.add_argument("--policy", choices=POLICIES)
    args = parser.parse_args()
    broken, said = [], []
    for policy in [args.policy] if args.policy else POLICIES:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lksm-power-", dir=memory_folder()) as folder:
            calls, tried, bad = run(folder, policy, args.states, *args.calls)
        broken += bad
        said.append(f"{policy}: {calls} calls, {tried} states")
        print(f"{said[-1]}, {len(bad)} broken, {time.monotonic() - begin:.0f} s", file=sys.stderr)
        print("".join(f"{b}\n" for b in bad), end="")
    print("; ".join(said) + f"; {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
