#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast the history answers: logs of EVENTS events are made, the real indexer makes the
database of them, a daemon serves it, and each kind of question is asked ROUNDS times.

	bench/history.py [EVENTS [FOLDER]]	10,000,000 need 12 GB; a FOLDER is kept and used again
"""
import datetime
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
LKSM = os.environ.get("LKSM", str(ROOT / "build/lksm"))
ROUNDS = 20
DAYS = 7
TYPES = [("kprobe_registered", "info", "kprobe_reader", 60), ("module_loaded", "medium", "kprobe_reader", 20),
         ("process_exited", "info", "kernel_log", 15), ("suspicious_probe", "high", "kprobe_reader", 4),
         ("syscall_table_changed", "critical", "kprobe_reader", 1)]
BEGIN = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)


def make_logs(folder, n):
    """The same logs each time."""
    rng = random.Random(1)
    weights = [row[3] for row in TYPES]
    step_us = DAYS * 86_400_000_000 // n
    for day in range(DAYS):
        first, last = day * n // DAYS, (day + 1) * n // DAYS
        date = (BEGIN + datetime.timedelta(days=day)).date()
        with open(folder / f"lksm_events_{date}.jsonl", "w", buffering=1 << 20) as f:
            kinds = rng.choices(TYPES, weights, k=last - first)
            for seq, (kind, severity, source, _) in zip(range(first, last), kinds):
                us = seq * step_us
                s = us // 1_000_000 % 86_400
                at = f"{date}T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{us % 1_000_000:06}Z"
                word = f"sym_{rng.randrange(5000)}"
                f.write(f'{{"seq": {seq}, "ts": {us // 1_000_000}.{us % 1_000_000:06}, "type": "{kind}", '
                        f'"data": {{"symbol": "{word}", "pid": {rng.randrange(30000)}, "comm": "insmod"}}, '
                        f'"severity": "{severity}", "source": "{source}", "time": "{at}", "host": "bench", '
                        f'"boot_id": "40e21022-b720-4c05-a804-5f40ef645b54", "stream": "kmsg", '
                        f'"stream_seq": {seq}, "level": 6, "facility": 0, "rule": "{kind}", '
                        f'"message": "[PHOTON RING] {kind} for symbol {word} by insmod"}}\n')


def questions(n):
    middle = (BEGIN + datetime.timedelta(days=DAYS / 2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = (BEGIN + datetime.timedelta(days=DAYS / 2, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [("page", "events", {}),
            ("page far back", "events", {"cursor": n // 3}),
            ("page by severity", "events", {"severity": "critical"}),
            ("page by type and source", "events", {"type": "suspicious_probe", "source": "kprobe_reader"}),
            ("page, all but a type", "events", {"type": "!kprobe_registered", "order": "asc"}),
            ("page, nothing matches", "events", {"type": "kprobe_registered", "severity": "critical"}),
            ("page of an hour", "events", {"since": middle, "until": later, "min_severity": "high"}),
            ("page of a frequent word", "events", {"q": "insmod"}),
            ("page of a rare word", "events", {"q": "sym_42"}),
            ("page of a word and a severity", "events", {"q": "sym_42", "severity": "critical"}),
            ("page of two words", "events", {"q": '"for symbol" sym_77'}),
            ("page of data", "events", {"data.symbol": "sym_4999"}),
            ("histogram", "histogram", {}),
            ("histogram of a severity", "histogram", {"severity": "high"}),
            ("histogram by the minute of a day", "histogram", {"since": "2026-02-02T00:00:00Z",
                                                               "until": "2026-02-03T00:00:00Z", "bucket": 60}),
            ("histogram of a rare word", "histogram", {"q": "sym_42"}),
            ("facets", "facets", {}),
            ("facets of an hour", "facets", {"since": middle, "until": later}),
            ("event", f"events/{n // 2}", {}),
            ("stats", "stats", {})]


def ask(base, token, path, parameters):
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    began = time.perf_counter()
    with urllib.request.urlopen(urllib.request.Request(
            url, headers={"Authorization": f"Bearer {token}"}), timeout=60) as answer:
        body = answer.read()
    return (time.perf_counter() - began) * 1000, json.loads(body)


def measure(base, token, n):
    print(f"| question | p50 ms | max ms | of {ROUNDS} |")
    print("|---|---|---|---|")
    for name, path, parameters in questions(n):
        try:
            times, answers = zip(*(ask(base, token, path, parameters) for _ in range(ROUNDS)))
        except urllib.error.HTTPError as error:
            print(f"| {name} | {error.code} | {error.code} | {error.read().decode().strip()} |")
            continue
        what = f"{len(answers[0]['events'])} events" if "events" in answers[0] and path == "events" else path
        print(f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} | {what} |", flush=True)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    temporary = None if len(sys.argv) > 2 else tempfile.TemporaryDirectory(prefix="lksm-bench-")
    folder = pathlib.Path(temporary.name if temporary else sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    logs = folder / "logs"
    if not logs.exists():
        logs.mkdir()
        make_logs(logs, n)
        began = time.monotonic()
        subprocess.run([LKSM, "history", "rebuild", "--log-dir", str(logs)], check=True)
        print(f"{n} events indexed in {time.monotonic() - began:.0f} s", flush=True)
    size = sum(f.stat().st_size for f in (logs / "history").iterdir())
    print(f"database: {size / 1e9:.2f} GB; logs: {sum(f.stat().st_size for f in logs.glob('*.jsonl')) / 1e9:.2f} GB")
    (folder / "kmsg").touch()
    environment = {**os.environ, "LKSM_HISTORY_DAYS": "0", "LKSM_HISTORY_SIZE": "0",
                   "LKSM_OUTPUT_COMPRESS_AFTER_DAYS": "0", "LKSM_DASHBOARD_RATE_LIMIT": "0"}
    daemon = subprocess.Popen([LKSM, "run", "--kmsg", str(folder / "kmsg"), "--proc", str(folder / "proc"),
                               "--log-dir", str(logs), "--listen", "127.0.0.1:0"], env=environment,
                              stderr=subprocess.PIPE, text=True)
    try:
        while not (match := re.search(r"(http://\S+?)/#token=(\w+)", daemon.stderr.readline())):
            pass
        base, token = match.groups()
        while True:
            try:
                if ask(base, token, "stats", {})[1]["events"] >= n:
                    break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        measure(base, token, n)
    finally:
        daemon.terminate()
        daemon.wait()


main()
