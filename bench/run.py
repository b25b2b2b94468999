#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the rows of the table and writes bench/RESULTS.md. See script/bench.

    run.py LKSM TOOLS [ROW...]
"""
import datetime
import os
import pathlib
import platform
import sys
import tempfile

import rows_http
import rows_live
import rows_replay
import rows_rules
import rows_start
from measure import ROOT, RUNS, Bench, Line, Skip, Wrong, spread

ROWS = {
    "W1": rows_replay.w1, "W2": rows_replay.w2, "W1k": rows_replay.w1k, "W2k": rows_replay.w2k,
    "peers": rows_replay.peers,
    "L1": rows_live.l1, "L2": rows_live.l2, "L3": rows_live.l3, "L4": rows_live.l4,
    "R": rows_rules.r, "H1": rows_http.h1, "H2": rows_http.h2, "S": rows_start.s,
}
HEAD = ("row", "work", "LKSM", "beside it", "ratio", "mark", "")


def cells(line):
    ratio, met = line.ratio(), line.is_met()
    return (line.row, line.work, f"{spread(line.ours)} {line.unit}",
            f"{line.other}: {spread(line.theirs)}" if line.theirs else line.other,
            "" if ratio is None else f"{ratio:.2f}", line.mark(),
            "" if met is None else "met" if met else "**missed**")


def show(row):
    print("| " + " | ".join(row) + " |", flush=True)
    return row


def measure(bench, name):
    """The lines of one row; what cannot be measured says why."""
    try:
        for line in ROWS[name](bench):
            yield cells(line) if isinstance(line, Line) else \
                (name, "", "", "", "", "", f"skipped: {line}")
    except Skip as skip:
        yield name, "", "", "", "", "", f"skipped: {skip}"
    except Wrong as wrong:
        yield name, "", "", "", "", "", f"**wrong**: {wrong}"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return (f"{datetime.date.today()}, {os.cpu_count()} × {model}, Linux {platform.release()}, "
            f"load at the end {load}.")


def write_results(rows):
    lines = ["# What was measured", "",
             f"Written by `script/bench`: {machine()} At least {RUNS} runs each, in turn with what",
             "stands beside it, both on one processor; median (smallest … largest).", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    (ROOT / "bench/RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    lksm, tools, *names = sys.argv[1:]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        sys.exit(f"bench: there is no row {unknown[0]!r}; the rows are: {' '.join(ROWS)}")
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    rows = []
    show(HEAD)
    with tempfile.TemporaryDirectory(dir=base, prefix="lksm-bench-") as folder:
        bench = Bench(str(pathlib.Path(lksm).resolve()), tools, folder)
        for name in names or ROWS:
            for row in measure(bench, name):
                rows.append(show(row))
    if not names:
        write_results(rows)
    sys.exit(any("**wrong**" in row[-1] for row in rows))


if __name__ == "__main__":
    main()
