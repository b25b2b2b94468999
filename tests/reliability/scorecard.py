#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is promised, tried in its long form, one after the other; the results go into
docs/reliability.md.

	tests/reliability/scorecard.py [NAME...]	the names are those of the rows below

Rows that are not tried keep what was seen when they last were.
"""
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- begin: tests/reliability/scorecard.py -->", "<!-- end -->"
LKSM = os.environ.get("LKSM", str(ROOT / "build/lksm"))

DAEMON = "tests/integration/test-daemon.py"
# what takes the kernel's, a network's and a file's bytes apart
PARSERS = ("kmsg", "dmesg", "logfmt", "rules", "config", "http", "logtail", "verify")
# name: what is done, what has to come out, command, environment
ROWS = {
    "kills": ("200 × SIGKILL under 50,000 records a second, then stopped for 60 s",
              "none missing, none twice, no torn line",
              ["tests/reliability/kills.py"], {}),
    "kernel-log-kills": ("100 × SIGKILL under a stream into the real /dev/kmsg",
                         "none missing, none twice",
                         [DAEMON, "test_hundred_kills_on_the_real_kernel_log"], {}),
    "flood": ("1,000,000 records by two writers into the real /dev/kmsg",
              "stored + told as lost = written, number for number",
              [DAEMON, "test_a_flood_of_the_real_kernel_log_is_stored_or_told"],
              {"LKSM_TEST_FLOOD": "1000000"}),
    "disk": ("a small disk full and freed 100 times",
             "losses counted exactly, recovery by itself",
             ["tests/reliability/full-disk.py", "100"], {}),
    "tamper": ("the log deleted, renamed, replaced, linked, truncated, edited under the daemon",
               "told within a second; nothing outside the folder touched",
               ["tests/integration/test-tamper.py"], {}),
    "clock": ("the clock set by days, midnight, summer time, 2038",
              "order by seq exact, files by date right, the step told",
              ["tests/integration/test-clock.py"], {}),
    "edits": ("10,000 random edits of a sealed log", "all found, the span named",
              ["tests/integration/test-seals.py", "test_random_edits_are_all_found"],
              {"LKSM_SEAL_EDITS": "10000"}),
    "seal-kills": ("a sealed log under SIGKILLs", "verifies",
                   ["tests/integration/test-seals.py", "test_kills_leave_a_log_that_verifies"],
                   {}),
    "forged": ("8 forms of forged lines in the real /dev/kmsg", "none accepted, all told",
               [DAEMON, "test_forged_records_in_the_real_kernel_log"], {}),
    "json": ("hostile bytes through the encoder", "three JSON parsers agree, no byte is lost",
             ["tests/integration/test-json-agreement.py"], {}),
    "fuzzed": ("1,000,000 fuzzed records through the encoder",
               "three JSON parsers agree on each line, no byte is lost",
               ["tests/integration/test-json-agreement.py"], {"LKSM_JSON_RECORDS": "1000000"}),
    "power": ("code planted in the parser, the web server, a rule file",
              "can do nothing; the log's bytes stay",
              ["tests/integration/test-sandbox.py"], {}),
    "power-loss": ("the power fails after each call of a recorded life, and with it goes what was "
                   "not synced: pages and names, in any order",
                   "a log that verifies; `never`: but for its end; `interval`: all that is sealed "
                   "is there; `batch`: all that was shown",
                   ["tests/reliability/power.py"], {}),
    "soak": ("10,000,000 events at full speed, while a dashboard watches",
             "each once, seq exact; from a tenth of the way on supervisor, core and web keep their "
             "memory within 1 %, and all processes their descriptors",
             ["tests/reliability/soak.py"], {}),
    "coverage": ("the fuzzers' corpora and the unit tests, built to count lines",
                 "90 % of the lines of each parser reached", ["script/coverage"], {}),
    "fuzz-rest": ("every other fuzz target, a minute each", "nothing found",
                  ["script/fuzz", "alert", "crossview", "event", "external", "filter", "mutes",
                   "query", "request", "sensor", "settings", "60"], {}),
    **{f"fuzz-{name}": (f"`fuzz-{name}.c` for ten minutes, with libFuzzer, ASan and UBSan",
                        "nothing found", ["script/fuzz", name], {}) for name in PARSERS},
    "threads": ("the unit tests and a daemon under load, reloads and kills, with ThreadSanitizer",
                "no word from it", ["script/test-threads"], {}),
    "memory": ("the unit tests, the corpora and such a daemon, with Valgrind",
               "no errors, nothing definitely lost", ["script/test-memory"], {}),
    "faults": ("the n-th call of each kind in each process fails, for every n",
               "each record once, or told as lost; no crash, no hang",
               ["tests/reliability/faults.py"], {}),
}


def told(output):
    """What a command said it saw, in one line."""
    passed = len(re.findall(r"^ok ", output, re.M))
    said = re.findall(r"^# ([^\n]*\d[^\n]*)$", output, re.M)
    if passed:
        return f"{passed} passed" + (f"; {said[0]}" if said else "")
    return output.strip().splitlines()[-1] if output.strip() else "nothing was said"


def run(name):
    title, mark, command, env = ROWS[name]
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "LKSM": LKSM, **env},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode or re.search(r"^not ok", done.stdout, re.M):
        print(done.stdout)
        return f"| {name} | {title} | {mark} | **failed** | |"
    seconds = time.monotonic() - start
    when = datetime.date.today().isoformat()
    return f"| {name} | {title} | {mark} | {told(done.stdout)} | {seconds:.0f} s, {when} |"


def put(name, line):
    """Write a row into the page, over what it was; another run may have written others."""
    head, rest = PAGE.read_text().split(BEGIN)
    old, tail = rest.split(END)
    lines = {other: row for row, other in re.findall(r"^(\| ([a-z-]+) \|.*)$", old, re.M)}
    lines[name] = line
    table = ["| row | what is done | has to come out | seen | took, when |", "|---|---|---|---|---|"]
    table += [lines[name] for name in ROWS if name in lines]
    machine = f"{os.cpu_count()} processors, Linux {platform.release()}"
    PAGE.write_text(f"{head}{BEGIN}\n\nLast run on {machine}.\n\n" + "\n".join(table) +
                    f"\n\n{END}{tail}")


def main():
    failed = False
    for name in sys.argv[1:] or ROWS:
        line = run(name)
        failed |= "**failed**" in line
        print(line, flush=True)
        put(name, line)
    return failed


if __name__ == "__main__":
    sys.exit(main())
