# SPDX-License-Identifier: Apache-2.0
"""L1 … L4: following the kernel log of this machine."""
import pathlib
import statistics
import subprocess
import time

from live import Daemon, Loop, write_records, writable_kernel_log
from measure import (Line, OTHER_CPU, Wrong, cpu_of, need, pinned, pss_mib, wait_for)
from rows_start import PipedDaemon

RATES = (10000, 100000)
L1_SECONDS = 2
FLOOD = 200000
N_LATENCIES = 200
IDLE_S = 60
STRACE_S = 20


def wait_until_stored(daemon, n, start):
    """Each of the @n records stored or told as lost."""
    size = -1

    def is_done():
        nonlocal size
        now = daemon.log().stat().st_size
        if now == size:
            return sum(daemon.counts(start)) >= n
        size = now
        return False
    wait_for(is_done, f"{n} records in the log")
    return daemon.counts(start)


def loop_run(bench, n, rate):
    """(microseconds of processor time a record, records lost)"""
    with Loop(bench) as loop:
        before = cpu_of(loop.pids())
        write_records(bench, n, rate)
        wait_for(lambda: loop_is_idle(loop), "the bare loop")
        spent = cpu_of(loop.pids()) - before
        return spent / n * 1e6, loop.stop()[1]


def loop_is_idle(loop):
    stat = pathlib.Path(f"/proc/{loop.process.pid}/stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0] == "S"


def daemon_run(bench, n, rate, seal):
    with Daemon(bench, seal) as daemon:
        start = daemon.log().stat().st_size
        pids = daemon.pids()
        before = cpu_of(pids)
        write_records(bench, n, rate)
        stored, lost = wait_until_stored(daemon, n, start)
        spent = cpu_of(pids) - before
        if stored + lost < n:
            raise Wrong(f"{stored} stored + {lost} told as lost is not {n}")
        return spent / n * 1e6, lost


def l1(bench):
    """L1: processor time a record, at 10,000 and 100,000 records a second"""
    with writable_kernel_log():
        for rate in RATES:
            n = rate * L1_SECONDS
            bare, plain, sealed = bench.take_turns(
                lambda: loop_run(bench, n, rate), lambda: daemon_run(bench, n, rate, False),
                lambda: daemon_run(bench, n, rate, True))
            for what, ours, limit in (("sealing off", plain, 1.25), ("sealing on", sealed, 1.6)):
                yield Line("L1", f"{rate} records/s, {what}: CPU a record", [x[0] for x in ours],
                           "µs", "bare loop", [x[0] for x in bare], at_most=limit)
                yield Line("L1", f"{rate} records/s, {what}: lost", [x[1] for x in ours],
                           "records", "bare loop", [x[1] for x in bare],
                           at_most=0 if rate == RATES[-1] else None)


def l2(bench):
    """L2: 200,000 records flat out"""
    with writable_kernel_log():
        bare, ours = bench.take_turns(lambda: loop_run(bench, FLOOD, 0),
                                      lambda: daemon_run(bench, FLOOD, 0, True))
        yield Line("L2", f"{FLOOD} records flat out: lost", [x[1] / FLOOD * 100 for x in ours],
                   "%", "bare loop", [x[1] / FLOOD * 100 for x in bare], at_most=1)


def percentiles(command):
    """(p50, p99) in ms of what @command prints"""
    said = subprocess.run(pinned(OTHER_CPU, command), check=True, capture_output=True, text=True)
    times = sorted(int(x) / 1000 for x in said.stdout.split())
    return times[len(times) // 2], times[len(times) * 99 // 100]


def l3(bench):
    """L3: from write(2) to the line in the file, and to a client of the live stream"""
    def bare():
        with Loop(bench) as loop:
            return percentiles([bench.tool("latency"), N_LATENCIES, "file", loop.path])[1]

    def to_file():
        with Daemon(bench, True) as daemon:
            return percentiles([bench.tool("latency"), N_LATENCIES, "file", daemon.log()])[1]

    def to_stream():
        with Daemon(bench, True) as daemon:
            return percentiles([bench.tool("latency"), N_LATENCIES, "stream", daemon.port,
                                "/api/v1/stream"])[1]
    with writable_kernel_log():
        theirs, file, stream = bench.take_turns(bare, to_file, to_stream)
    yield Line("L3", "write → whole line in the file, p99", file, "ms", "bare loop", theirs,
               at_most=1, allowance=0.5)
    yield Line("L3", "write → event at a client of the stream, p99", stream, "ms", "bare loop",
               theirs, at_most=1, allowance=2)


def switches(pids):
    """Voluntary ones: each is a wake-up."""
    n = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            text = (task / "status").read_text()
            n += int(text.split("voluntary_ctxt_switches:")[1].split()[0])
    return n


def l4(bench):
    """L4: an idle minute; a pipe stands for the kernel log, which others may write to"""
    with PipedDaemon(bench, 0, keep=False) as daemon:
        settled = [0, 0]

        def is_settled():
            settled[:] = settled[1], switches(daemon.pids())
            time.sleep(2)
            return settled[1] - settled[0] <= 4
        wait_for(is_settled, "an idle daemon")
        pids = daemon.pids()
        before, woken = cpu_of(pids), switches(pids)
        time.sleep(IDLE_S)  # what is measured is the minute
        yield Line("L4", "an idle minute: CPU", [(cpu_of(pids) - before) * 1000], "ms", at_most=5)
        yield Line("L4", "an idle minute: wake-ups", [(switches(pids) - woken) / IDLE_S],
                   "a second", at_most=1)
        yield Line("L4", "all processes: PSS", [pss_mib(pids)], "MiB", at_most=24)
        yield Line("L4", "an idle minute: system calls", [calls_of(bench, pids)], "a second",
                   at_most=6)


def calls_of(bench, pids):
    """System calls a second of all @pids, as strace counts them."""
    out = bench.output("strace")
    command = [need("strace"), "-f", "-c", "-o", str(out)]
    for pid in pids:
        command += ["-p", str(pid)]
    subprocess.run(["timeout", "--signal=INT", str(STRACE_S), *command], check=False,
                   capture_output=True)
    total = [x.split() for x in out.read_text().splitlines() if x.endswith(" total")]
    return int(total[0][3 if len(total[0]) > 4 else 2]) / (STRACE_S) if total else 0
