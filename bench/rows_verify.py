# SPDX-License-Identifier: Apache-2.0
"""V: how fast a sealed log is verified."""
import subprocess

from live import Daemon
from measure import RUNS, Line, wait_for
from rows_replay import MILLION

MOST_NS = 2 # a byte: 500 MB a second


class Reader(Daemon):
    """Its kernel log is a file, which it has read when the last record is logged."""

    def __enter__(self):
        wait_for(lambda: self.has(f'"stream_seq": {MILLION - 1}'), "the last record in the log", pause_s=0.5)
        return self


def sealed_log(bench):
    """(log of a million records that a daemon sealed, file with the key that verifies it)"""
    key, logs = bench.output("key"), bench.folder / "verify/logs"
    logs.mkdir(parents=True)
    key.write_bytes(subprocess.run([bench.lksm, "keys", "--log-dir", logs], check=True, capture_output=True).stdout)
    with Reader(bench, True, "verify", ("--kmsg", str(bench.corpus("kmsg", MILLION))), keep=True) as daemon:
        log = daemon.log()
    return log, key


def v(bench):
    """V: lksm verify of a sealed log"""
    log, key = sealed_log(bench)
    size = log.stat().st_size
    usages = [bench.run([bench.lksm, "verify", "--key", key, log]) for _ in range(RUNS)]
    yield Line("V", f"verify, {size // 10**6} MB", [u.cpu_s / size * 1e9 for u in usages], "CPU ns a byte",
               at_most=MOST_NS)
    yield Line("V", "verify: memory", [u.rss_mib for u in usages], "MiB")
