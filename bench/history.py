# SPDX-License-Identifier: Apache-2.0
"""Logs of many events, of seven days and twenty boots, and what is asked of their history. The
real indexer makes the database, a daemon serves it. See rows_history.py; by itself

    bench/history.py LKSM EVENTS FOLDER

asks each question ROUNDS times, and says how long the answer took, and the processor time of the
daemon, which does not depend on what else the machine does. 10,000,000 need 12 GB; the FOLDER is kept
and used again.
"""
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from measure import cpu_of, family

ROUNDS = 20
DAYS = 7
BOOTS = 20
# type, severity, source, weight, what else a rule gives
TYPES = [("kprobe_registered", "info", "kprobe_reader", 60, ""),
         ("module_loaded", "medium", "kprobe_reader", 20, '"attack": ["T1547.006"], '),
         ("process_exited", "info", "kernel_log", 15, ""),
         ("suspicious_probe", "high", "kprobe_reader", 4, '"tags": ["symbol", "rootkit"], "attack": ["T1014"], '),
         ("syscall_table_changed", "critical", "kprobe_reader", 1, '"tags": ["hook"], "attack": ["T1014", "T1562"], ')]
BEGIN = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
STRANGE = 50000  # one event in so many is not root's


def boot(i):
    return f"40e21022-b720-4c05-a804-5f40ef64{i:04}"


def day(us):
    return (BEGIN + datetime.timedelta(microseconds=us)).date()


def lines(first, last, n, rng):
    """Of one day. Each of them is the same each time."""
    step_us = DAYS * 86_400_000_000 // n
    kinds = rng.choices(TYPES, [row[3] for row in TYPES], k=last - first)
    for seq, (kind, severity, source, _, more) in zip(range(first, last), kinds):
        us = seq * step_us
        s = us // 1_000_000 % 86_400
        word = f"sym_{rng.randrange(5000)}"
        i = seq * BOOTS // n
        yield (f'{{"seq": {seq}, "ts": {us // 1_000_000}.{us % 1_000_000:06}, "type": "{kind}", '
               f'"data": {{"symbol": "{word}", "pid": {rng.randrange(30000)}, "comm": "insmod", '
               f'"uid": {0 if seq % STRANGE else 1000}}}, "severity": "{severity}", "source": "{source}", '
               f'"time": "{day(us)}T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{us % 1_000_000:06}Z", "host": "bench", '
               f'"boot_id": "{boot(i)}", "stream": "{"kmsg" if source == "kernel_log" else f"proc:{i:08x}"}", '
               f'"stream_seq": {seq}, "level": 6, "facility": 0, "rule": "{kind}", {more}'
               f'"message": "[PHOTON RING] {kind} for symbol {word} by insmod"}}\n')


def make_logs(folder, n):
    rng = random.Random(1)
    for i in range(DAYS):
        with open(folder / f"lksm_events_{day(i * 86_400_000_000)}.jsonl", "w", buffering=1 << 20, encoding="utf-8") as f:
            f.writelines(lines(i * n // DAYS, (i + 1) * n // DAYS, n, rng))


def questions(n):
    middle = (BEGIN + datetime.timedelta(days=DAYS / 2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = (BEGIN + datetime.timedelta(days=DAYS / 2, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = [("a severity", {"severity": "critical"}),
               ("all but a type", {"type": "!kprobe_registered"}),
               ("what nothing has", {"type": "kprobe_registered", "severity": "critical"}),
               ("an attack", {"attack": "T1562"}), ("all but an attack", {"attack": "!T1547.006"}),
               ("a tag", {"tags": "hook"}), ("all but a tag", {"tags": "!rootkit"}),
               ("the first boot", {"boot_id": boot(0)}), ("all but the last boot", {"boot_id": f"!{boot(BOOTS - 1)}"}),
               ("a stream", {"stream": "proc:00000003"}), ("a stream of all boots", {"stream": "kmsg"}),
               ("all but a frequent value", {"!data.uid": "0"}), ("all but a rare value", {"!data.uid": "1000"}),
               ("all but what all have", {"!data.comm": "insmod"}),
               ("a value", {"data.symbol": "sym_4999"}), ("a frequent value", {"data.comm": "insmod"}),
               ("a value, and not another", {"data.symbol": "sym_4999", "!data.uid": "1000"}),
               ("a rare word", {"q": "sym_42"}), ("a frequent word", {"q": "insmod"}),
               ("all but a rare word", {"q": "-sym_42"}), ("a word, and not another", {"q": "symbol -sym_42"}),
               ("a word and a severity", {"q": "insmod", "severity": "critical"}),
               ("a phrase and a word", {"q": '"for symbol" sym_77'}),
               ("a rare phrase of frequent words", {"q": '"insmod kprobe"'}),
               ("all but a rare phrase", {"q": '-"insmod kprobe"'}),
               ("a rare phrase and a severity", {"q": '"insmod kprobe"', "severity": "critical"}),
               ("a word in a boot", {"q": "sym_42", "boot_id": boot(0)})]
    return [("page", "events", {}), ("page far back", "events", {"cursor": n // 3}),
            ("page, the oldest first", "events", {"type": "!kprobe_registered", "order": "asc"}),
            ("page of an hour", "events", {"since": middle, "until": later, "min_severity": "high"}),
            *[(f"page: {name}", "events", f) for name, f in filters],
            ("histogram", "histogram", {}),
            ("histogram by the minute of a day", "histogram", {"since": "2026-02-02T00:00:00Z",
                                                               "until": "2026-02-03T00:00:00Z", "bucket": 60}),
            *[(f"histogram: {name}", "histogram", f) for name, f in filters],
            ("facets", "facets", {}), ("facets of an hour", "facets", {"since": middle, "until": later}),
            *[(f"facets: {name}", "facets", f) for name, f in filters],
            ("export of 1,000", "export", {"attack": "T1014", "limit": 1000}),
            ("event", f"events/{n // 2}", {}), ("stats", "stats", {})]


def ask(base, token, path, parameters):
    """The body; what the server refuses is raised."""
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def time_of(pid, *question):
    """Milliseconds that it took, and that the daemon ran for it."""
    processes = family(pid)
    ran, began = cpu_of(processes), time.perf_counter()
    ask(*question)
    return (time.perf_counter() - began) * 1000, (cpu_of(processes) - ran) * 1000


def make(lksm, n, folder):
    """The logs and the database, if they are not there; seconds that the indexer took, or None."""
    logs = folder / "logs"
    if (logs / "history/history.db").exists():
        return None
    if not logs.exists():
        logs.mkdir(parents=True)
        make_logs(logs, n)
    began = time.monotonic()
    subprocess.run([lksm, "history", "rebuild", "--log-dir", str(logs)], check=True)
    return time.monotonic() - began


@contextlib.contextmanager
def served(lksm, n, folder):
    """(its pid, base URL, token) of a daemon that has all of it"""
    (folder / "kmsg").touch()
    environment = {**os.environ, "LKSM_HISTORY_DAYS": "0", "LKSM_HISTORY_SIZE": "0", "LKSM_HISTORY_ENABLED": "true",
                   "LKSM_OUTPUT_COMPRESS_AFTER_DAYS": "0", "LKSM_DASHBOARD_RATE_LIMIT": "0"}
    daemon = subprocess.Popen([lksm, "run", "--kmsg", str(folder / "kmsg"), "--proc", str(folder / "proc"),
                               "--log-dir", str(folder / "logs"), "--listen", "127.0.0.1:0"], env=environment,
                              stderr=subprocess.PIPE, text=True)
    try:
        while not (match := re.search(r"(http://\S+?)/#token=(\w+)", daemon.stderr.readline())):
            pass
        base, token = match.groups()
        while True:
            try:
                if json.loads(ask(base, token, "stats", {}))["events"] >= n:
                    break
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.1)
        yield daemon.pid, base, token
    finally:
        daemon.terminate()
        daemon.wait()


def main():
    lksm, n, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    seconds = make(lksm, n, folder)
    if seconds:
        print(f"{n} events indexed in {seconds:.0f} s", flush=True)
    size = sum(f.stat().st_size for f in (folder / "logs/history").iterdir())
    print(f"database: {size / 1e9:.2f} GB; logs: {sum(f.stat().st_size for f in (folder / 'logs').glob('*.jsonl')) / 1e9:.2f} GB")
    with served(lksm, n, folder) as server:
        for name, path, parameters in questions(n):
            try:
                times, ran = zip(*(time_of(*server, path, parameters) for _ in range(ROUNDS)))
            except urllib.error.HTTPError as error:
                print(f"{name:40} {error.code} {error.read().decode().strip()}", flush=True)
                continue
            print(f"{name:40} {statistics.median(times):8.1f} ms ({min(times):.1f} … {max(times):.1f}), "
                  f"{statistics.median(ran):8.1f} ms of processor", flush=True)


if __name__ == "__main__":
    main()
