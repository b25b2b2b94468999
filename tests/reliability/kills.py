#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed and stopped while a source of known numbers floods it.

The source is a file of kernel-log records that, like the kernel's ring, forgets: when it is
full it is written anew, and what was not read by then is gone. Afterwards each of its records
is in the log once, was passed over because no rule names it, or lies in a records_lost range.

	tests/reliability/kills.py [--kills N] [--rate RECORDS_A_SECOND] [--stop SECONDS]
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from lksm_test import Daemon, equal, wait_for  # pylint: disable=wrong-import-position

NAMED = 8  # one record in so many is named by a rule, and logged
RING_BYTES = 3 << 20
NUMBER = re.compile(rb'"stream": "kmsg", "stream_seq": (\d+)')


def text_of(seq):
    return "[PHOTON RING] something new" if seq % NAMED == 0 else "usb 1-1: new device"


def source(path, rate, n, is_over):
    """Append records at that rate until is_over; n.value is how many there were."""
    seq = 0
    begin = time.monotonic()
    with open(path, "r+b", buffering=0) as f:
        while not is_over.is_set():
            due = int((time.monotonic() - begin) * rate)
            if due == seq:
                time.sleep(0.002)  # the rate is what is wanted
                continue
            due = min(due, seq + rate // 10)
            lines = "".join(f"6,{i},{i},-;{text_of(i)}\n" for i in range(seq, due)).encode()
            if f.tell() + len(lines) > RING_BYTES:
                f.seek(0)
                f.truncate()
            f.write(lines)
            seq = due
            n.value = seq


class Flood:
    """The source in a process of its own."""

    def __init__(self, path, rate):
        self.n = multiprocessing.Value("q", 0)
        self.is_over = multiprocessing.Event()
        self.process = multiprocessing.Process(
            target=source, args=(path, rate, self.n, self.is_over), daemon=True)
        self.process.start()

    def end(self):
        self.is_over.set()
        self.process.join()
        return self.n.value


def kill_and_go_on(d, rng):
    """The whole daemon, or its core alone, at a random moment; Return: is it to be started?"""
    time.sleep(rng.random() * 0.25)  # the moment is the point of it
    if rng.random() < 0.5:
        d.kill()
        return True
    children = d.children()
    if children:
        os.kill(children[0], signal.SIGKILL)
    return False


def stop_for(d, seconds):
    pids = [d.process.pid, *d.children()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)  # the time itself is the attack
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


def judge(d, n):
    """Return: how many are in the log, how many were told as lost."""
    lines = d.lines(routine=True)
    seqs, logged, lost = [], [], []
    for line in lines:
        match = NUMBER.search(line)
        if match:
            logged.append(int(match.group(1)))
        seqs.append(int(line[8:line.index(b",")]))
        if b'"type": "records_lost"' in line:
            event = json.loads(line)
            lost.append((event["data"]["first"], event["data"]["last"]))
    equal(seqs, list(range(len(seqs))))
    json.loads(b"[" + b",".join(lines) + b"]")
    covered = [i for first, last in lost for i in range(first, last + 1)]
    equal(len(covered), len(set(covered)))
    named = [i for i in range(n) if i % NAMED == 0] + [n]  # the last one ends it
    gone = set(covered)
    equal(logged, [i for i in named if i not in gone])
    return len(logged), len(covered)


def run(folder, kills, rate, stop_s):
    rng = random.Random(3)
    d = Daemon(folder)
    flood = Flood(d.kmsg, rate)
    is_down = True
    try:
        for _ in range(kills):
            if is_down:
                d.start()
            is_down = kill_and_go_on(d, rng)
        if is_down:
            d.start()
        wait_for(lambda: d.logs.exists() and d.lines(), "a first event")
        if stop_s:
            stop_for(d, stop_s)
        n = flood.end()
        d.append(f"6,{n},{n},-;[PHOTON RING] Module loaded: end by uid 0\n".encode())
        wait_for(lambda: b'"end"' in d.tail(), "the last record")
        d.stop()
    finally:
        flood.process.kill()
        d.kill()
    return n, judge(d, n)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rate", type=int, default=50000)
    parser.add_argument("--stop", type=float, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lksm-kills-") as folder:
        n, (logged, lost) = run(folder, args.kills, args.rate, args.stop)
    print(f"{args.kills} kills, {args.stop:g} s stopped, {n} records: {logged} logged, "
          f"{lost} told as lost, none twice, none missing")


if __name__ == "__main__":
    main()
