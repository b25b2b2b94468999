#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a saved log is turned into events, as a ratio to the plain way (baseline.c).

    bench/replay.py LKSM BASELINE [LINES]

Five runs of each, in turn, on one processor; the median of the CPU seconds counts. The
two outputs are compared byte for byte before any time does.
"""
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RUNS = 5


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(commands):
    times = [[] for _ in commands]
    for _ in range(RUNS):
        for i, command in enumerate(commands):
            times[i].append(cpu_seconds(command))
    return [statistics.median(t) for t in times]


def main():
    lksm, baseline = sys.argv[1:3]
    lines = int(sys.argv[3]) if len(sys.argv) > 3 else 1000000
    os.sched_setaffinity(0, {0})
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        dmesg, kmsg, ours, theirs = (f"{folder}/{x}" for x in ("dmesg", "kmsg", "ours", "theirs"))
        for form, path in (("dmesg", dmesg), ("kmsg", kmsg)):
            subprocess.run([HERE / "corpus.py", "--lines", str(lines), "--form", form, path],
                           check=True)
        seed = [lksm, "replay", "--fields", "seed", "-o", ours]
        commands = [[baseline, dmesg, theirs], seed + [dmesg], seed + ["--all", dmesg],
                    [lksm, "replay", "--all", "-o", ours, dmesg], seed + [kmsg]]
        subprocess.run(commands[0], check=True)
        subprocess.run(commands[1], check=True)
        same = pathlib.Path(ours).read_bytes() == pathlib.Path(theirs).read_bytes()
        print(f"{lines} lines, {os.path.getsize(dmesg) / 1e6:.1f} MB; output equal to the "
              f"baseline's: {'yes' if same else 'NO'}")
        names = ["plain C: getline, strstr, fprintf", "lksm replay --fields seed",
                 "lksm replay --fields seed --all", "lksm replay --all",
                 "lksm replay --fields seed, raw records"]
        medians = measure(commands)
        sizes = [os.path.getsize(kmsg if kmsg in command else dmesg) for command in commands]
        for name, seconds, size in zip(names, medians, sizes):
            print(f"{name:40} {seconds:7.3f} CPU s {size / seconds / 1e6:8.0f} "
                  f"MB/s {medians[0] / seconds:6.2f} x the plain way")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
