#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The history of a whole daemon and /api/v1 on it. TAP. LKSM names the binary."""
import collections
import contextlib
import csv
import datetime
import io
import json
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import urllib.error
import urllib.parse

from lksm_test import LKSM, ROOT, Skip, equal, main, open_files, record, wait_for

SEVERITIES = ["info", "medium", "high", "critical"]


def lines_for(first, last):
    """Records of several kinds, some with words that need escapes."""
    texts = ["[PHOTON RING] Kprobe registered for symbol: sym_{0}",
             "[PHOTON RING] Module loaded: mod_{1} by uid {1}",
             "[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe {0} detected!",
             "[PHOTON RING] type=test_alarm severity=critical name=\"a, b\" number={1}",
             "[PHOTON RING] =cmd \"quoted\" 'x' OR 1=1 -- \u00fcml\u00e4ut {1}"]
    return b"".join(record(i, texts[i % len(texts)].format(i % 7, i % 3)) for i in range(first, last + 1))


def ask(d, path, **parameters):
    query = urllib.parse.urlencode({k.replace("__", "."): v for k, v in parameters.items()})
    return d.get(f"/api/v1/{path}?{query}")


def get(d, path, **parameters):
    return json.loads(ask(d, path, **parameters))


def problem(d, path, headers=None):
    """(status, problem) of what is refused"""
    try:
        d.get(path, headers)
    except urllib.error.HTTPError as error:
        equal(error.headers["Content-Type"], "application/problem+json")
        body = json.loads(error.read())
        equal(body["status"], error.code)
        assert body["title"] and body["detail"], body
        return error.code, body
    raise AssertionError(f"{path} was not refused")


def indexed(d):
    """All that is in the log is in the history."""
    def is_there():
        try:
            return get(d, "stats")["events"] == len(d.lines())
        except (urllib.error.URLError, ConnectionError):
            return False
    wait_for(is_there, "the history to have all events")


def started(daemon, n, **how):
    d = daemon(dashboard=True, history=True)
    d.append(lines_for(0, n - 1))
    d.start(**how)
    wait_for(lambda: len(d.lines()) >= n, "the log")
    indexed(d)
    return d


def history_of(d):
    for pid in d.children():
        with contextlib.suppress(OSError):  # it may just have ended
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "history\n":
                return pid
    return None


def pages(d, between=lambda: None, **parameters):
    """All events, page by page."""
    events, cursor = [], None
    while True:
        answer = get(d, "events", **parameters, **({"cursor": cursor} if cursor else {}))
        events += answer["events"]
        cursor = answer.get("next_cursor")
        if not cursor:
            return events
        between()


def rows_of(d):
    with contextlib.closing(sqlite3.connect(f"file:{d.logs}/history/history.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM events").fetchone()[0]


def check_counts(d):
    """The counts of minutes and kinds are those of the events, which are those of the log."""
    with sqlite3.connect(f"file:{d.logs}/history/history.db?mode=ro", uri=True) as db:
        rows = db.execute("SELECT seq, line FROM events ORDER BY seq").fetchall()
        equal([f"{line}\n".encode() for _, line in rows], d.lines())
        equal(db.execute("SELECT sum(n) FROM minutes").fetchone()[0], len(rows))
        equal(db.execute("SELECT sum(n) FROM dims").fetchone()[0], len(rows))
        equal(db.execute("SELECT count(*) FROM (SELECT dim, at / 60000000 m, count(*) c FROM events "
                         "GROUP BY dim, m EXCEPT SELECT dims, minute, n FROM minutes)").fetchone()[0], 0)
        equal(db.execute("SELECT count(*) FROM words WHERE words MATCH 'text : photon'").fetchone()[0],
              sum(b"PHOTON" in line for line in d.lines()))


def test_the_lines_are_those_of_the_log(daemon, _):
    d = started(daemon, 250)
    want = [json.loads(line) for line in d.lines()]
    equal(pages(d, limit=7), want[::-1])
    equal(pages(d, limit=1000, order="asc"), want)
    body = d.get("/api/v1/events?limit=3")
    for line in d.lines()[-3:]:
        assert line.strip() in body, (line, body)
    equal(d.get("/api/v1/events/17"), d.lines()[17])
    equal(problem(d, "/api/v1/events/99999")[0], 404)
    for path in ("x", "", "-1", "1/2", "99999999999999999999", "9223372036854775808"):
        equal(problem(d, "/api/v1/events/" + path)[0], 404)
    check_counts(d)
    d.stop()


def has_words(event, *words):
    text = json.dumps([event.get("message"), event["type"], event.get("rule"), *event["data"].values()],
                      ensure_ascii=False).lower()
    return all(word in text for word in words)


def test_filters(daemon, _):
    d = started(daemon, 300)
    events = [json.loads(line) for line in d.lines()]
    middle = sorted(e["time"] for e in events)[150]
    cases = [({"severity": "high"}, lambda e: e["severity"] == "high"),
             ({"severity": "high,critical"}, lambda e: e["severity"] in ("high", "critical")),
             ({"min_severity": "medium"}, lambda e: e["severity"] != "info"),
             ({"type": "module_loaded"}, lambda e: e["type"] == "module_loaded"),
             ({"type": "module_loaded,test_alarm", "order": "asc"},
              lambda e: e["type"] in ("module_loaded", "test_alarm")),
             ({"type": "!module_loaded"}, lambda e: e["type"] != "module_loaded"),
             ({"source": "kprobe_reader"}, lambda e: e["source"] == "kprobe_reader"),
             ({"source": "nobody"}, lambda e: False),
             ({"host": events[5]["host"]}, lambda e: e.get("host") == events[5]["host"]),
             ({"rule": "module_loaded"}, lambda e: e.get("rule") == "module_loaded"),
             ({"type": "module_loaded", "severity": "high"}, lambda e: False),
             ({"since": middle}, lambda e: e["time"] >= middle),
             ({"until": middle}, lambda e: e["time"] < middle),
             ({"since": middle, "severity": "info"}, lambda e: e["time"] >= middle and e["severity"] == "info"),
             ({"until": middle, "q": "photon"}, lambda e: e["time"] < middle and has_words(e, "photon")),
             ({"q": "sym_3"}, lambda e: has_words(e, "sym_3")),
             ({"q": '"kallsyms_lookup_name probe"'}, lambda e: has_words(e, "kallsyms_lookup_name probe")),
             ({"q": "kallsyms* detected"}, lambda e: has_words(e, "kallsyms")),
             ({"q": "photon -module"}, lambda e: has_words(e, "photon") and not has_words(e, "module")),
             ({"q": "registered"}, lambda e: e["type"] == "kprobe_registered"),
             ({"q": "test_al*"}, lambda e: e["type"] == "test_alarm"),
             ({"q": "TEST_ALARM -\"a b\""}, lambda e: False),
             ({"q": "-alarm"}, lambda e: e["type"] != "test_alarm"),
             ({"q": "alarm", "severity": "info"}, lambda e: False),
             ({"q": "\u00fcml\u00e4ut"}, lambda e: has_words(e, "\u00fcml\u00e4ut")),
             ({"q": "photon", "type": "module_loaded"}, lambda e: e["type"] == "module_loaded"),
             ({"data__uid": "1"}, lambda e: e["data"].get("uid") == 1),
             ({"data__symbol": "sym_5"}, lambda e: e["data"].get("symbol") == "sym_5"),
             ({"data__name": "a, b", "data__number": "2"},
              lambda e: e["data"].get("name") == "a, b" and e["data"].get("number") == 2),
             ({"data__uid": "1", "severity": "high"}, lambda e: False),
             ({"severity": "!info"}, lambda e: e["severity"] != "info"),
             ({"severity": "!info,!high"}, lambda e: e["severity"] in ("medium", "critical")),
             ({"q": "-module"}, lambda e: not has_words(e, "module")),
             ({"q": "-module", "order": "asc", "severity": "!critical"},
              lambda e: not has_words(e, "module") and e["severity"] != "critical"),
             ({"q": "-module", "type": "nothing"}, lambda e: False),
             ({"!data__uid": "1"}, lambda e: e["data"].get("uid") != 1),
             ({"!data__uid": "1", "type": "module_loaded", "order": "asc"},
              lambda e: e["type"] == "module_loaded" and e["data"]["uid"] != 1),
             ({"!data__uid": "1", "data__module": "mod_2"}, lambda e: e["data"].get("module") == "mod_2"),
             ({"!data__nothing": "1", "since": middle}, lambda e: e["time"] >= middle),
             ({"attack": "T1014"}, lambda e: "T1014" in e.get("attack", [])),
             ({"attack": "!T1014"}, lambda e: "T1014" not in e.get("attack", [])),
             ({"attack": "T1014,T1547.006", "order": "asc"}, lambda e: {"T1014", "T1547.006"} & set(e.get("attack", []))),
             ({"attack": "!T1014,!T1547.006"}, lambda e: not {"T1014", "T1547.006"} & set(e.get("attack", []))),
             ({"stream": "kmsg"}, lambda e: e.get("stream") == "kmsg"),
             ({"stream": "!kmsg"}, lambda e: e.get("stream") != "kmsg"),
             ({"stream": "kmsg", "q": "sym_3"}, lambda e: e.get("stream") == "kmsg" and has_words(e, "sym_3")),
             ({"boot_id": events[0]["boot_id"], "data__uid": "1"}, lambda e: e["data"].get("uid") == 1),
             ({"boot_id": "!" + events[0]["boot_id"]}, lambda e: False),
             ({"tags": "nothing"}, lambda e: False),
             ({"data__message": '=cmd "quoted" \'x\' OR 1=1 -- \u00fcml\u00e4ut 1'},
              lambda e: "quoted" in e["data"].get("message", "") and e["data"]["message"].endswith(" 1")),
             ({"!data__message": '=cmd "quoted" \'x\' OR 1=1 -- \u00fcml\u00e4ut 1'},
              lambda e: not ("quoted" in e["data"].get("message", "") and e["data"]["message"].endswith(" 1")))]
    for parameters, is_wanted in cases:
        want = [e for e in events if is_wanted(e)]
        got = pages(d, limit=9, **parameters)
        if parameters.get("order") != "asc":
            got.reverse()
        assert got == want, (parameters, len(got), len(want), d.stderr())
        counts = get(d, "facets", **{k: v for k, v in parameters.items() if k not in ("order", "since", "until")})
        if not {"since", "until"} & set(parameters):
            equal(sum(counts["severity"].values()), len(want))
            histogram = get(d, "histogram", **{k: v for k, v in parameters.items() if k != "order"})
            equal(sum(b[s] for b in histogram["buckets"] for s in SEVERITIES), len(want))
    d.stop()


def test_counts(daemon, _):
    d = started(daemon, 300)
    events = [json.loads(line) for line in d.lines()]
    facets = get(d, "facets")
    equal(facets["severity"], {s: sum(e["severity"] == s for e in events) for s in SEVERITIES})
    for field in ("type", "source", "host", "rule"):
        want = collections.Counter(e[field] for e in events if field in e)
        equal({v["value"]: v["count"] for v in facets[field]}, dict(want))
        counts = [v["count"] for v in facets[field]]
        equal(counts, sorted(counts, reverse=True))
    histogram = get(d, "histogram", bucket=60)
    want = collections.Counter((e["time"][:16] + ":00Z", e["severity"]) for e in events)
    equal({(b["time"], s): b[s] for b in histogram["buckets"] for s in SEVERITIES if b[s]}, dict(want))
    first = datetime.datetime.fromisoformat(histogram["buckets"][0]["time"].replace("Z", "+00:00"))
    equal(get(d, "histogram", until=int(first.timestamp()))["buckets"], [])
    equal(problem(d, "/api/v1/histogram?since=0&bucket=60")[0], 400)
    stats = get(d, "stats")
    equal((stats["first_seq"], stats["last_seq"], stats["events"]), (0, events[-1]["seq"], len(events)))
    d.stop()


def test_rare_phrases(daemon, _):
    text = b"".join(record(i, "[PHOTON RING] Kprobe registered for symbol: " + {7: "alpha_beta", 9: "beta_beta"}.get(
        i % 400, "alpha_or_beta" if i % 2 else "beta_or_alpha")) for i in range(60000))
    d = daemon(dashboard=True, history=True)
    d.append(text)
    d.start()
    wait_for(lambda: len(d.lines()) >= 60000, "the log")  # what is frequent is known by then
    indexed(d)
    for phrase in ("alpha_beta", "beta_beta", "alpha_alpha", "symbol alpha_beta"):
        want = [e["seq"] for e in map(json.loads, d.lines()) if re.search(phrase.replace(" ", ": "), e["message"])]
        for order, step in (("asc", 1), ("desc", -1)):
            equal([e["seq"] for e in pages(d, limit=50, order=order, q=f'"{phrase}"')], want[::step])
        equal(sum(b[s] for b in get(d, "histogram", q=f'"{phrase}"')["buckets"] for s in SEVERITIES), len(want))
    d.stop()


def test_cursors_stay_right_while_events_arrive(daemon, _):
    d = started(daemon, 200)
    before = len(d.lines())
    added = [200]

    def add():
        d.append(lines_for(added[0], added[0] + 4))
        added[0] += 5
        wait_for(lambda: len(d.lines()) >= added[0] + before - 200, "the log")
        indexed(d)
    seqs = [e["seq"] for e in pages(d, add, limit=20)]
    equal(seqs, list(range(before))[::-1])
    seqs = [e["seq"] for e in pages(d, lambda: added[0] < 400 and add(), limit=20, order="asc")]
    equal(seqs, [json.loads(line)["seq"] for line in d.lines()])
    d.stop()


def test_kills_lose_and_double_nothing(daemon, _):
    d = started(daemon, 50)
    rng = random.Random(5)
    last = None
    for i in range(12):
        d.append(lines_for(50 + i * 200, 249 + i * 200))
        target = rng.randrange(50 + i * 200, 250 + i * 200)
        wait_for(lambda t=target: len(d.lines()) >= t, "the log to grow")
        pid = wait_for(lambda: history_of(d) not in (None, last) and history_of(d), "a history process")
        if i % 2:  # as soon as some rows of these are in the database
            wait_for(lambda n=50 + i * 200: rows_of(d) > n, "new rows")
        os.kill(pid, signal.SIGKILL)
        last = pid
    wait_for(lambda: len(d.lines(routine=False)) >= 2450, "the log")
    wait_for(lambda: history_of(d), "a history process")
    indexed(d)
    wait_for(lambda: len(d.events("process_restarted")) == 12, "each kill to be told")
    indexed(d)
    check_counts(d)
    d.stop()


def test_what_is_broken_is_made_anew(daemon, _):
    d = started(daemon, 300)
    d.stop()
    path = d.logs / "history/history.db"

    def torn_cursor():
        with sqlite3.connect(path) as db:
            db.execute("UPDATE meta SET value = 77 WHERE key = 'offset'")

    def wrong_file():
        with sqlite3.connect(path) as db:
            db.execute("UPDATE meta SET value = 'lksm_events_1999-01-01.jsonl' WHERE key = 'name'")

    def another_version():
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")

    def gone():
        drop_wal()
        path.unlink()

    def no_table():
        with sqlite3.connect(path) as db:
            db.execute("DROP TABLE minutes")

    def drop_wal():  # it may hold all pages
        for name in ("history.db-wal", "history.db-shm"):
            (d.logs / "history" / name).unlink(missing_ok=True)

    def nonsense():
        drop_wal()
        path.write_bytes(os.urandom(50000))

    def damaged():
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        drop_wal()
        data = bytearray(path.read_bytes())
        data[4096:] = bytes(len(data) - 4096)
        path.write_bytes(data)

    for n, harm in enumerate((torn_cursor, wrong_file, another_version, no_table, nonsense, damaged,
                              gone)):
        harm()
        d.append(lines_for(300 + n * 10, 309 + n * 10))
        d.start()
        wait_for(lambda m=n: len(d.events()) >= 310 + m * 10, "the log")
        indexed(d)
        check_counts(d)
        is_anew = "made anew" in d.stderr()[d.said_before:]
        equal((harm.__name__, is_anew),
              (harm.__name__, harm.__name__ not in ("torn_cursor", "wrong_file", "gone")))
        equal(get(d, "events", data__symbol="sym_3", limit=1000)["events"],
              [e for e in d.events()[::-1] if e["data"].get("symbol") == "sym_3"])
        d.stop()


def test_rebuild_and_status(daemon, _):
    d = started(daemon, 100)

    def run(what):
        return subprocess.run([LKSM, "history", what, "--log-dir", str(d.logs)], capture_output=True, text=True)
    inode = (d.logs / "history/history.db").stat().st_ino
    equal(json.loads(run("status").stdout)["events"], len(d.lines()))
    equal(run("rebuild").returncode, 0)
    wait_for(lambda: "made anew" in d.stderr(), "the daemon to do it")
    indexed(d)
    check_counts(d)
    d.stop()
    answer = run("rebuild")
    equal(answer.returncode, 0)
    check_counts(d)
    assert inode, "it was there"
    d.append(lines_for(100, 110))
    d.start()
    wait_for(lambda: len(d.events()) >= 111, "the log")
    indexed(d)
    check_counts(d)
    d.stop()
    equal(subprocess.run([LKSM, "history", "nonsense"], capture_output=True).returncode, 2)


def test_status_without_a_daemon(daemon, folder):
    def status(logs):
        return subprocess.run([LKSM, "history", "status", "--log-dir", str(logs)], capture_output=True, text=True)
    empty = folder / "empty"
    empty.mkdir()
    answer = status(empty)
    equal((answer.returncode, answer.stdout), (1, ""))
    assert answer.stderr.startswith(f"lksm: there is no history in {empty}/history: start the daemon"), answer.stderr
    d = started(daemon, 100)
    d.stop()
    answer = status(d.logs)
    equal((answer.returncode, answer.stderr), (0, ""))
    equal((json.loads(answer.stdout)["events"], json.loads(answer.stdout)["complete"]), (len(d.lines()), True))
    with contextlib.closing(sqlite3.connect(d.logs / "history/history.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # who is last takes the other two away
    names = sorted(path.name for path in (d.logs / "history").iterdir())
    equal((status(d.logs).returncode, names), (0, ["history.db"]))
    equal(sorted(path.name for path in (d.logs / "history").iterdir()), names)
    (d.logs / "history/history.db").write_bytes(b"nonsense" * 1000)
    answer = status(d.logs)
    equal((answer.returncode, answer.stdout), (1, ""))
    assert answer.stderr.startswith("lksm: the history cannot tell: "), answer.stderr


def test_what_cannot_be_asked(daemon, _):
    d = started(daemon, 20)
    for query in ("nonsense=1", "limit=0", "limit=1001", "limit=x", "cursor=x", "order=up", "severity=bad",
                  "since=yesterday", "q=%", "!type=a", "bucket=60", "type=", "data.=1", "!data.=1", "attack=!", "q=" + "a+" * 3000):
        status, body = problem(d, f"/api/v1/events?{query}")
        equal((query, status, body["title"]), (query, 400, "This cannot be asked"))
    for path in ("histogram?limit=1", "facets?limit=1", "stats?q=1", "export?format=xml", "histogram?bucket=7"):
        equal(problem(d, f"/api/v1/{path}")[0], 400)
    equal(problem(d, "/api/v1/nothing")[0], 404)
    for path in ("events", "events/1", "histogram", "facets", "stats", "export", "openapi.json", "mutes", "rules",
                 "rules/test?line=a"):
        equal(problem(d, f"/api/v1/{path}", {"Authorization": "Bearer 0"})[0], 401)
        equal(problem(d, f"/api/v1/{path}", {"Origin": "http://evil.example"})[0], 403)
        equal(problem(d, f"/api/v1/{path}", {"Host": "evil.example"})[0], 421)
    d.stop()


def test_hostile_values_are_values(daemon, _):
    d = started(daemon, 100)
    n = len(d.lines())
    hostile = ["' OR 1=1 --", 'a" OR text : "photon', 'photon"',
               '" OR text : "photon', "'; DROP TABLE events; --", "*", '"', "NEAR(a b)", "{text} : x",
               "a AND", "(", ")", "^photon", "\\", "%", "\0", "\ud7ff", "x" * 500, "dims : d1", "!"]
    for value in hostile:
        for key in ("q", "type", "source", "host", "rule", "data__symbol", "data__'; DROP TABLE dims; --"):
            try:
                events = get(d, "events", **{key: value})["events"]
            except urllib.error.HTTPError as error:
                equal(error.code, 400)
                continue
            assert key == "q" or value.startswith("!") or not events, (key, value, events)
    equal(len(get(d, "events", q='" OR text : "photon', limit=1000)["events"]), 0)
    equal(get(d, "stats")["events"], n)
    check_counts(d)
    d.stop()


def test_one_client_asks_one_after_the_other(daemon, _):
    """Of one client two questions wait: who asks for more at once is told so, and others are served."""
    d = started(daemon, 1500)
    base, token = d.url()
    port = int(base.rsplit(":", 1)[1].rstrip("/"))
    request = (f"GET /api/v1/histogram?q=photon HTTP/1.1\r\nHost: localhost:{port}\r\n"
               f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n").encode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(60)]
        for client in clients:
            client.sendall(request)
        answers = [b"".join(iter(lambda c=client: c.recv(65536), b"")) for client in clients]
    statuses = collections.Counter(answer.split(b" ", 2)[1].decode() for answer in answers)
    equal(set(statuses), {"200", "429"})
    assert statuses["200"] >= 2, statuses  # and one more, if the thread has taken one by then
    assert all(b"two of yours wait" in a for a in answers if b" 429 " in a[:20]), answers
    equal(get(d, "stats")["events"], len(d.lines()))
    d.stop()


def test_export(daemon, _):
    d = started(daemon, 1300)
    equal(ask(d, "export", order="asc"), b"".join(d.lines()))
    equal(ask(d, "export"), b"".join(d.lines()[::-1]))
    equal(ask(d, "export", limit=777, order="asc"), b"".join(d.lines()[:777]))
    want = [e for e in d.events() if e["type"] == "module_loaded"]
    rows = list(csv.DictReader(io.StringIO(ask(d, "export", type="module_loaded", format="csv", order="asc").decode())))
    equal([(int(r["seq"]), r["ts"], r["type"], json.loads(r["data"]), r["message"]) for r in rows],
          [(e["seq"], f"{e['ts']:.6f}", e["type"], e["data"], e["message"]) for e in want])
    for row in csv.reader(io.StringIO(ask(d, "export", format="csv").decode())):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row), row
    d.stop()


def test_bounded(daemon, folder):
    """What is old goes, and what is critical stays; the log has all."""
    logs = folder / "logs"
    logs.mkdir()
    now = datetime.datetime.now(datetime.timezone.utc)

    def line(seq, days, severity):
        at = (now - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return (f'{{"seq": {seq}, "ts": 1.000000, "type": "old", "data": {{"n": {seq}}}, "severity": "{severity}", '
                f'"source": "test", "time": "{at}"}}\n')
    rows = [(i, 200 if i < 1500 else 50 if i < 1600 else 1, "critical" if i % 10 == 0 else "high") for i in range(1700)]
    (logs / "lksm_events_2026-01-01.jsonl").write_text("".join(line(*row) for row in rows))
    d = daemon(dashboard=True, history=True, env={"LKSM_HISTORY_DAYS": "30"}).start()
    want = [i for i, days, severity in rows if days < 30 or (severity == "critical" and days < 120)]

    def is_trimmed():
        try:
            return [e["seq"] for e in get(d, "events", type="old", order="asc", limit=1000)["events"]] == want
        except (urllib.error.URLError, ConnectionError):
            return False
    wait_for(is_trimmed, "what is old to go")
    equal(get(d, "facets", type="old")["severity"]["critical"], sum(i % 10 == 0 for i in want))
    equal(get(d, "events", data__n="1")["events"], [])
    d.stop()


def schema_of(description, schema):
    return {**schema, "components": description["components"]}


def test_openapi_is_valid(daemon, _):
    try:
        import jsonschema
    except ImportError as error:
        raise Skip("python3-jsonschema is not installed") from error
    d = started(daemon, 5)
    description = get(d, "openapi.json")
    with contextlib.suppress(ImportError):  # not in Debian 12; where it is, it knows more
        from openapi_spec_validator import validate_spec
        validate_spec(description)
    equal(description["openapi"], "3.1.0")
    names = {p["name"] for p in description["paths"]["/api/v1/events"]["get"]["parameters"]}
    assert {"since", "until", "q", "data.KEY", "cursor", "limit", "order"} <= names, names
    for path, methods in description["paths"].items():
        equal([p["name"] for p in methods["get"]["parameters"] if p["in"] == "path"],
              re.findall(r"{(\w+)}", path))
        for parameter in methods["get"]["parameters"]:
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            if parameter["in"] == "query" and "KEY" not in parameter["name"]:
                equal((path, problem(d, f"{path}?{parameter['name']}=%")[0]), (path, 400))
        for kind, content in methods["get"]["responses"]["200"]["content"].items():
            schema = schema_of(description, content["schema"])
            jsonschema.Draft202012Validator.check_schema(schema)
            if kind == "application/json":
                needed = {p["name"]: p["example"] for p in methods["get"]["parameters"] if "example" in p}
                query = "?" + urllib.parse.urlencode(needed) if needed else ""
                jsonschema.validate(json.loads(d.get(path.replace("{seq}", "1") + query)), schema)
    error = description["components"]["responses"]["problem"]["content"]["application/problem+json"]
    jsonschema.validate(problem(d, "/api/v1/events?x=1")[1], error["schema"])
    d.stop()


def test_the_examples_of_the_documentation(daemon, _):
    d = started(daemon, 30)
    base, token = d.url()
    text = (ROOT / "docs/api.md").read_text()
    examples = re.findall(r"^curl .*$", text, re.M)
    assert len(examples) >= 8, examples
    for example in examples:
        answer = subprocess.run(["sh", "-c", example.replace("curl -s", "curl -sf")], capture_output=True,
                                env={**os.environ, "LKSM": base, "TOKEN": token})
        equal((example, answer.returncode, bool(answer.stdout)), (example, 0, True))
    equal(problem(d, "/api/v1/events?nonsense=1")[1],
          json.loads(re.search(r'^{"type": "about:blank".*$', text, re.M).group()))
    table = set(re.findall(r"^\| `([a-z]+)(?:/SEQ)?`", text, re.M))
    paths = {path.split("/")[3] for path in get(d, "openapi.json")["paths"]}
    assert paths <= table, (paths, table)
    d.stop()


def test_the_rules_in_force_are_shown_and_tried(daemon, folder):
    rules = folder / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text(
        "rules:\n  - id: mine\n    match: 'hello {who}'\n    severity: high\n    tags: [a, b]\n"
        "    attack: T1014\n    examples: [{line: 'hello world'}, {line: hello, no_match: true}]\n"
        "  - id: costly\n    regex: '^(?<x>(a+)+)$'\n    examples: [{line: aaa}]\n"
        "  - id: quiet\n    for: kernel_log\n    contains: noise\n    drop: true\n    examples: [{line: noise}]\n")
    d = daemon("--rules", str(rules), dashboard=True, history=False).start()
    d.append(record(0, "[PHOTON RING] hello you") + record(1, "[PHOTON RING] hello me"))
    d.wait_events(2, "mine")
    first = get(d, "rules")["rules"]
    equal([r["id"] for r in first], ["mine", "costly", "quiet"])
    equal(first[0], {"id": "mine", "type": "mine", "severity": "high", "for": "photon_ring",
                     "condition": "match 'hello {who}'", "tags": ["a", "b"], "attack": ["T1014"],
                     "file": str(rules / "a.yaml"), "line": 2, "examples": ["hello world", "hello"],
                     "drop": False, "matches": 2})
    equal([(r["drop"], r["matches"]) for r in first[1:]], [(False, 0), (True, 0)])
    listed = subprocess.run([LKSM, "rules", "list", "--json", "--counts", "--rules", str(rules), "--log-dir", str(d.logs)],
                            capture_output=True, text=True, check=True).stdout.splitlines()
    equal([json.loads(line) for line in listed], first)  # one shape for both

    def tried(line):
        return get(d, "rules/test", line=line)

    outcome = tried("[PHOTON RING] hello wörld")
    equal((outcome["rule"], outcome["line_number"], outcome["event"]["data"], outcome["event"]["severity"]),
          ("mine", 2, {"who": "wörld"}, "high"))
    equal({k: tried("hello you")[k] for k in ("line", "matched", "rule")},
          {"line": "hello you", "matched": True, "rule": "mine"})
    equal((tried("4,7,99,-;some noise")["rule"], tried("4,7,99,-;some noise")["event"]), ("quiet", None))
    equal(tried("aaaa")["rule"], "costly")
    equal(tried("[PHOTON RING] " + "a" * 5000 + "b")["rule"], None)  # given up, and the process lives
    equal(tried("\0\x1b[2J\n")["line"], "\0\x1b[2J\n")
    for query in ("", "?line=", "?line=a&line=b", "?line=a&x=b", "?x=a", "?line=%", "?line=%4", "?line=" + "a" * 8193):
        equal((query[:20], problem(d, "/api/v1/rules/test" + query)[0]), (query[:20], 400))
    (rules / "a.yaml").write_text("rules: [{id: other, match: 'bye {who}', examples: [{line: bye you}]}]\n")
    d.wait_events(1, "config_reloaded")
    wait_for(lambda: [r["id"] for r in get(d, "rules")["rules"]] == ["other"], "the new rules")
    equal((tried("hello you")["matched"], tried("bye you")["rule"]), (False, "other"))
    equal(d.events("process_restarted") + d.events("sandbox_violated"), [])
    equal(len(d.events("mine")), 2)
    d.stop()


def test_least_power(daemon, folder):
    if os.geteuid():
        raise Skip("only root gives power up")
    (folder / "logs").mkdir(0o750)
    d = started(daemon, 20, umask=0o077)  # as systemd starts it
    status = pathlib.Path(f"/proc/{history_of(d)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split()[0] not in ("0", "65521", "65522"), fields["Uid"]
    equal((fields["CapEff"], fields["CapBnd"], fields["NoNewPrivs"], fields["Seccomp"]), ("0" * 16, "0" * 16, "1", "2"))
    equal((d.logs / "history").stat().st_mode & 0o7777, 0o2751)
    # of what others read nothing can be written, but the index of its own database
    maps = pathlib.Path(f"/proc/{history_of(d)}/maps").read_text()
    equal(set(re.findall(r" rw-s .* (\S+?)(?: \(deleted\))?$", maps, re.M)) - {str(d.logs / "history/history.db-shm")}, set())
    links = set(open_files(history_of(d)).values())
    assert not any("lksm-live" in link or link == "anon_inode:[eventfd]" for link in links), links
    d.stop()


def test_what_root_made_is_given_away(daemon, _):
    """As after `lksm history rebuild` where there was no daemon before, or one that was interrupted."""
    if os.geteuid():
        raise Skip("only root can make what is root's")
    d = started(daemon, 20)
    d.stop()
    folder = d.logs / "history"
    owner = folder.stat().st_uid
    for is_whole in (True, False):
        if is_whole:
            os.chown(folder, 0, 0)
        for name in folder.iterdir():
            os.chown(name, 0, 0)
        n = len(d.lines())
        d.append(lines_for(n, n + 4))
        d.start()
        wait_for(lambda m=n: len(d.lines()) >= m + 5, "the log")
        indexed(d)
        equal(((folder / "history.db").stat().st_uid, folder.stat().st_uid), (owner, owner))
        assert "not up to date" not in d.stderr()[d.said_before:], d.stderr()
        d.stop()


def test_what_cannot_be_written_is_made_anew_once(daemon, _):
    if os.geteuid():
        raise Skip("only root can make what is root's")
    d = started(daemon, 20)
    d.stop()
    folder = d.logs / "history"
    os.chown(folder / "history.db", 0, 0)
    os.link(folder / "history.db", folder / "another")  # which is not given away
    n = len(d.lines())
    d.append(lines_for(n, n + 4))
    d.start()
    wait_for(lambda: len(d.lines()) >= n + 5, "the log")
    indexed(d)
    equal(((folder / "another").stat().st_uid, d.stderr().count("made anew")), (0, 1))
    d.stop()


@contextlib.contextmanager
def disk_of(folder, size):
    if os.geteuid():
        raise Skip("only root can mount a small disk")
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={size}", "tmpfs", disk],
                      capture_output=True).returncode:
        raise Skip("cannot mount a tmpfs")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_small_disk_is_for_the_logs(daemon, folder):
    with disk_of(folder, "8m") as disk:
        d = daemon("--log-dir", str(disk / "logs"), history=True, dashboard=True)
        d.logs = disk / "logs"
        d.append(lines_for(0, 4999))
        d.start()
        wait_for(lambda: len(d.lines()) >= 5000, "the log")
        wait_for(lambda: "its file system is too small" in d.stderr(), "a sentence")
        equal(list((d.logs / "history").iterdir()), [])
        code, body = problem(d, "/api/v1/events")
        assert code == 503 and "its file system is too small" in body["detail"], (code, body)
        d.stop()
        equal(d.stderr().count("its file system is too small"), 1)


def test_little_room_is_left_to_the_logs(daemon, folder):
    with disk_of(folder, "300m") as disk:
        d = daemon("--log-dir", str(disk / "logs"), history=True, dashboard=True)
        d.logs = disk / "logs"
        d.append(lines_for(0, 99))
        d.start()
        indexed(d)
        filler = disk / "filler"
        with open(filler, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, 250 << 20)
        before = rows_of(d)
        d.append(lines_for(100, 199))
        wait_for(lambda: len(d.lines()) >= 200, "the log")
        wait_for(lambda: "waits until there is more room" in d.stderr(), "a sentence")
        equal(rows_of(d), before)
        filler.unlink()
        indexed(d)
        equal((d.stderr().count("waits until there is more room"), d.stderr().count("the history goes on")), (1, 1))
        d.stop()


def test_without(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    equal(problem(d, "/api/v1/events")[0], 404)
    assert not (d.logs / "history").exists()
    d.stop()


main(globals())
