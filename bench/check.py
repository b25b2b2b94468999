#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The short form of the benchmarks, as TAP: what is written is right, and no hot path has
got more than 5 % worse, by the instructions that callgrind counts.

    bench/check.py [LKSM]             compare with bench/instructions.json
    bench/check.py --record [LKSM]    make the counts of now the ones to compare with

Counted are the instructions for LINES lines without those for a single line, so that the
start does not count. A count depends on the compiler and on libc, which picks its string
functions by the processor (Valgrind hides what it does not know, such as AVX-512, but not the
lack of AVX2): what was recorded with others is not compared.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from measure import HERE, ROOT, Bench, Skip, Wrong, need, same_bytes
from rows_replay import compare_w2

LINES = 20000
WORSE = 1.05
BASELINE = HERE / "instructions.json"
PATHS = {"W1": ["--fields", "seed"], "W2 seed": ["--fields", "seed", "--all"], "W2 full": ["--all"]}


def run(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)


def has_avx2():
    return "avx2" in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()


def surroundings():
    return {"compiler": run("cc", "-dumpfullversion").stdout.strip(),
            "libc": os.confstr("CS_GNU_LIBC_VERSION"), "avx2": has_avx2()}


def build_tools(folder):
    for source, flags in (("floor", ["-O3", "-mavx2"]), ("baseline", ["-O2"])):
        run("cc", *flags, "-o", folder / source, HERE / f"{source}.c")


def replay(bench, options, path, name):
    out = bench.output(name)
    run(bench.lksm, "replay", *options, "-o", out, path)
    return out


def check_baseline(bench, path):
    """replay names the sensor's lines as the plain way does"""
    ours, theirs = replay(bench, PATHS["W1"], path, "ours"), bench.output("baseline-out")
    run(bench.tool("baseline"), path, theirs)
    same_bytes(ours, theirs)


def check_floor(bench, path):
    """replay writes what the floor writes, for the sensor's lines and for all"""
    if not has_avx2():
        raise Skip("the floor needs AVX2")
    for work, options in (("w1", PATHS["W1"]), ("w2", PATHS["W2 seed"])):
        ours, theirs = replay(bench, options, path, "ours"), bench.output("floor-out")
        run(bench.tool("floor"), work, path, theirs)
        if work == "w1":
            same_bytes(ours, theirs)
        else:
            compare_w2(ours, theirs)


def instructions(bench, options, path):
    said = run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", bench.lksm,
               "replay", *options, "-o", bench.output("counted"), path).stderr
    return int(re.search(r"Collected : (\d+)", said).group(1))


def count(bench, options, path):
    one = bench.folder / "one"
    one.write_bytes(path.read_bytes().split(b"\n", 1)[0] + b"\n")
    return instructions(bench, options, path) - instructions(bench, options, one)


def compare(name, got):
    recorded = json.loads(BASELINE.read_text(encoding="utf-8"))
    if recorded["surroundings"] != surroundings():
        raise Skip(f"recorded with {recorded['surroundings']}: bench/check.py --record")
    was = recorded["instructions"][name]
    if got < LINES:
        raise Wrong(f"{got} instructions for {LINES} lines: that is not lksm")
    print(f"# {name}: {got / LINES:.0f} instructions a line, {got / was - 1:+.1%}")
    if got > was * WORSE:
        raise Wrong(f"{got / was - 1:.1%} more instructions than recorded. If that is right: "
                    "bench/check.py --record")


def report(number, what, check):
    """One TAP line; Return: whether it is good."""
    try:
        check()
    except Skip as skip:
        print(f"ok {number} - {what} # SKIP {skip}")
    except (Wrong, subprocess.CalledProcessError) as wrong:
        print(f"not ok {number} - {what}\n# {wrong}")
        return False
    else:
        print(f"ok {number} - {what}")
    return True


def record(bench, path):
    counts = {name: count(bench, options, path) for name, options in PATHS.items()}
    text = json.dumps({"surroundings": surroundings(), "lines": LINES, "instructions": counts},
                      indent=1)
    BASELINE.write_text(text + "\n", encoding="utf-8")
    print(text)


def main():
    arguments = [x for x in sys.argv[1:] if x != "--record"]
    lksm = str(pathlib.Path(arguments[0] if arguments else ROOT / "build/lksm").resolve())
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base, prefix="lksm-bench-") as folder:
        bench = Bench(lksm, folder, folder)
        build_tools(bench.folder)
        path = bench.corpus("dmesg", LINES)
        need("valgrind")
        if "--record" in sys.argv:
            record(bench, path)
            return
        print(f"1..{2 + len(PATHS)}")
        good = [report(1, check_baseline.__doc__, lambda: check_baseline(bench, path)),
                report(2, check_floor.__doc__, lambda: check_floor(bench, path))]
        for i, (name, options) in enumerate(PATHS.items()):
            good.append(report(3 + i, f"{name} takes no more instructions",
                               lambda: compare(name, count(bench, options, path))))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
