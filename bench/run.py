#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the rows of the table and writes bench/RESULTS.md. See script/bench.

    run.py LKSM TOOLS [ROW...]
"""
import datetime
import os
import pathlib
import platform
import signal
import sys
import tempfile

import rows_browser
import rows_growth
import rows_history
import rows_http
import rows_live
import rows_query
import rows_replay
import rows_rules
import rows_start
import rows_verify
from measure import ROOT, RUNS, Bench, Line, Skip, Wrong, spread

ROWS = {
    "W1": rows_replay.w1, "W2": rows_replay.w2, "W1k": rows_replay.w1k, "W2k": rows_replay.w2k,
    "peers": rows_replay.peers,
    "L1": rows_live.l1, "L2": rows_live.l2, "L3": rows_live.l3, "L4": rows_live.l4,
    "V": rows_verify.v, "R": rows_rules.r, "H1": rows_http.h1, "H2": rows_http.h2, "S": rows_start.s,
    "G": rows_growth.g, "F": rows_query.f, "Q": rows_history.q, "U": rows_browser.u,
}
RESULTS = ROOT / "bench/RESULTS.md"
HEADING = f"""# What was measured

Written by `script/bench`, row by row. At least {RUNS} runs each ({rows_growth.RUNS} of G, one of
L4), in turn with what stands beside it, both on one processor: median (smallest … largest). Outputs are compared
before any time counts.
"""
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


def conditions():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    return (f"{datetime.date.today()}, {os.cpu_count()} × {model}, Linux {platform.release()}, "
            f"load {os.getloadavg()[0]:.1f} at the end.")


def section(name, rows):
    lines = [f"## {ROWS[name].__doc__}", "", conditions(), "",
             "| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def write_results(name, rows):
    """This row's section anew, the others as they were, in the order of ROWS."""
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = {part.split(":")[0]: "## " + part.rstrip() + "\n"
                for part in old.split("\n## ")[1:]}
    sections[ROWS[name].__doc__.split(":")[0]] = section(name, rows)
    order = [sections[key] for key in (row.__doc__.split(":")[0] for row in ROWS.values())
             if key in sections]
    RESULTS.write_text(HEADING + "\n".join(["", *order]), encoding="utf-8")


def main():
    lksm, tools, *names = sys.argv[1:]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        sys.exit(f"bench: there is no row {unknown[0]!r}; the rows are: {' '.join(ROWS)}")
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    # what was changed on this machine is put back then, too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    is_wrong = False
    show(HEAD)
    with tempfile.TemporaryDirectory(dir=base, prefix="lksm-bench-") as folder:
        bench = Bench(str(pathlib.Path(lksm).resolve()), tools, folder)
        for name in names or ROWS:
            rows = [show(row) for row in measure(bench, name)]
            write_results(name, rows)
            is_wrong = is_wrong or any("**wrong**" in row[-1] for row in rows)
    sys.exit(is_wrong)


if __name__ == "__main__":
    main()
