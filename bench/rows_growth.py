# SPDX-License-Identifier: Apache-2.0
"""G: how time and memory grow, with the log, the rules, and the clients of the stream."""
from live import writable_kernel_log
from measure import Line
from rows_http import stream
from rows_replay import MILLION, replay
from rows_rules import rules_file

LINES = (100000, MILLION, 10 * MILLION)
RULES = (10, 30, 100, 300, 1000)
CLIENTS = (1, 10, 100, 1000)
RUNS = 3
STREAM_S = 3
STEEPER = 1.25 # than the line through the first: still called straight


def by_lines(bench):
    first = None
    for lines in LINES:
        path = bench.corpus("dmesg", lines)
        runs = bench.take_turns(lambda: replay(bench, path, "--fields", "seed"),
                                lambda: replay(bench, path, "--fields", "seed", "--all"), n=RUNS)
        if lines > MILLION:
            bench.forget("dmesg", lines)
            bench.output()
        first = first or runs
        for what, usages, before in zip(("the sensor's", "all"), runs, first):
            ns = lambda of, n: [u.cpu_s / n * 1e9 for u in of]
            yield Line("G", f"{lines} lines, {what}: CPU a line", ns(usages, lines), "ns",
                       f"{LINES[0]} lines", ns(before, LINES[0]), at_most=STEEPER)
            yield Line("G", f"{lines} lines, {what}: memory", [u.rss_mib for u in usages], "MiB",
                       f"{LINES[0]} lines", [u.rss_mib for u in before], at_most=STEEPER)


def by_rules(bench):
    path = bench.corpus("dmesg", LINES[0])
    first = None
    for n in RULES:
        file = rules_file(bench, n)
        usages = bench.take_turns(lambda: replay(bench, path, "--all", "--rules", file), n=RUNS)[0]
        first = first or usages
        yield Line("G", f"{n} rules, {LINES[0]} lines: CPU", [u.cpu_s for u in usages], "s",
                   f"{RULES[0]} rules", [u.cpu_s for u in first], at_most=1.5)


def by_clients(bench):
    with writable_kernel_log():
        for n in CLIENTS:
            runs = bench.take_turns(lambda: stream(bench, n, STREAM_S), n=RUNS)[0]
            yield Line("G", f"{n} clients of the stream: p99", [x[0][2] / 1000 for x in runs], "ms")
            yield Line("G", f"{n} clients of the stream: PSS", [x[1] for x in runs], "MiB")


def g(bench):
    """G: growth"""
    yield from by_lines(bench)
    yield from by_rules(bench)
    yield from by_clients(bench)
