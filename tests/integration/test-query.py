#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lksm query`, `stats` and `top` on logs that this test writes, against the same in Python."""
import collections
import csv
import datetime
import fcntl
import fnmatch
import io
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import termios

import jsonschema

from lksm_test import DEADLINE_S, LKSM, ROOT, Skip, equal, main

SEVERITIES = ("info", "medium", "high", "critical")
FIXTURES = ROOT / "tests/fixtures/formats"


def lksm(*arguments, want=0, env=None, text=True):
    done = subprocess.run([LKSM, *map(str, arguments)], capture_output=True, text=text, timeout=DEADLINE_S,
                          env={**os.environ, "TZ": "UTC", **(env or {})}, check=False)
    assert done.returncode == want, f"{arguments}: exit {done.returncode}, not {want}: {done.stderr}"
    return done.stdout, done.stderr


def query(folder, *arguments, want=0):
    return lksm("query", "--log-dir", folder, "--json", *arguments, want=want)[0].splitlines()


def make_events(n, seed):
    """Events of three days, in the order of their seq."""
    rng = random.Random(seed)
    events = []
    for seq in range(n):
        kind = rng.choice(("module_loaded", "usb_device", "log_gap", "log_sealed"))
        event = {"seq": seq, "ts": seq / 1000, "type": kind,
                 "data": {"n": seq % 7, "name": rng.choice(("a b", 'q"q', "ü\\", "x\u0001y", "")),
                          "deep": {"severity": "high", "l": [1, "}"]}},
                 "severity": rng.choice(SEVERITIES),
                 "source": "lksm" if kind == "log_sealed" else rng.choice(("kernel_log", "guest")),
                 "time": f"2026-02-{10 + 3 * seq // n}T{seq * 72 // n % 24:02}:00:00.{seq:06}Z",
                 "host": rng.choice(("web-1", "web-2"))}
        if rng.random() < 0.5:
            event["rule"] = rng.choice(("r1", "r2"))
        event["message"] = f"Message {seq} says {rng.choice(('Hello', 'bye'))}"
        events.append(event)
    return events


def write_logs(folder, events):
    """A log a day, the first two compressed, and a line without its end in the last."""
    folder.mkdir()
    days = collections.defaultdict(list)
    for event in events:
        days[event["time"][:10]].append(json.dumps(event, ensure_ascii=False) + "\n")
    for i, (day, lines) in enumerate(sorted(days.items())):
        path = folder / f"lksm_events_{day}.jsonl"
        path.write_text("".join(lines) + ('{"seq": 99' if i == 2 else ""))
        if i < 2:
            subprocess.run(["zstd", "-q", "--rm", path], check=True)
    return folder


def is_routine(event):
    return event["type"] == "log_sealed" and event["source"] == "lksm"


def has_text(event, text):
    values = [event["type"], event["message"], event.get("rule", "")]
    for value in event["data"].values():
        values.append(value if isinstance(value, str) else json.dumps(value))
    return any(text.lower() in value.lower() for value in values)


CHOICES = [
    ([], lambda e: True),
    (["--severity", "high"], lambda e: e["severity"] == "high"),
    (["--severity", "info,critical"], lambda e: e["severity"] in ("info", "critical")),
    (["--min-severity", "high"], lambda e: e["severity"] in ("high", "critical")),
    (["--type", "module_loaded"], lambda e: e["type"] == "module_loaded"),
    (["--type", "log_*,usb*"], lambda e: fnmatch.fnmatch(e["type"], "log_*") or e["type"] == "usb_device"),
    (["--source", "guest"], lambda e: e["source"] == "guest"),
    (["--host", "web-2"], lambda e: e["host"] == "web-2"),
    (["--rule", "r1"], lambda e: e.get("rule") == "r1"),
    (["--severity", "!info,!high"], lambda e: e["severity"] not in ("info", "high")),
    (["--type", "!usb*,!module_loaded"], lambda e: e["type"] != "module_loaded" and "usb" not in e["type"]),
    (["--rule", "!r1", "--host", "!web-2"], lambda e: e.get("rule") != "r1" and e["host"] != "web-2"),
    (["n=3"], lambda e: e["data"]["n"] == 3),
    (["n!=3", "name!=*q*"], lambda e: e["data"]["n"] != 3 and "q" not in e["data"]["name"]),
    (["data.n=3"], lambda e: e["data"]["n"] == 3),
    (["!data.n=3"], lambda e: e["data"]["n"] != 3),
    (["name=q\"q"], lambda e: e["data"]["name"] == 'q"q'),
    (["name=ü\\"], lambda e: e["data"]["name"] == "ü\\"),
    (["name="], lambda e: e["data"]["name"] == ""),
    (["-q", "hello"], lambda e: has_text(e, "hello")),
    (["-q", "A B", "-q", "bye"], lambda e: has_text(e, "a b") and has_text(e, "bye")),
    (["-q", "nowhere"], lambda e: False),
    (["--since", "2026-02-11"], lambda e: e["time"] >= "2026-02-11"),
    (["--until", "2026-02-11 06:30"], lambda e: e["time"] < "2026-02-11T06:30"),
    (["--since", "2026-02-10T20:00:00Z", "--until", "2026-02-12T02:00:00+01:00"],
     lambda e: "2026-02-10T20" <= e["time"] < "2026-02-12T01"),
    (["--min-severity", "medium", "--type", "usb_device", "--host", "web-1", "n=1", "-q", "says"],
     lambda e: e["severity"] != "info" and e["type"] == "usb_device" and e["host"] == "web-1"
     and e["data"]["n"] == 1),
]


def test_each_filter_chooses_what_python_chooses(_, folder):
    events = make_events(600, 1)
    logs = write_logs(folder / "logs", events)
    for arguments, is_chosen in CHOICES:
        asked = "log_*,usb*" in arguments  # a type that is asked for is shown
        wanted = [e for e in events if is_chosen(e) and (asked or not is_routine(e))]
        got = [json.loads(x) for x in query(logs, *arguments, want=0 if wanted else 1)]
        assert got == wanted, f"{arguments}: {len(got)} events, not {len(wanted)}"
        got = [json.loads(x) for x in query(logs, "--reverse", *arguments, want=0 if wanted else 1)]
        assert got == wanted[::-1], f"{arguments} --reverse"
        got = [json.loads(x) for x in query(logs, "-n", 5, *arguments, want=0 if wanted else 1)]
        assert got == wanted[-5:], f"{arguments} -n 5"
        got = [json.loads(x) for x in query(logs, "-r", "-n", 300, *arguments, want=0 if wanted else 1)]
        assert got == wanted[::-1][:300], f"{arguments} -r -n 300"
    equal(len(query(logs, "--all")), 600)


def test_since_opens_only_the_days_that_it_must(_, folder):
    logs = write_logs(folder / "logs", make_events(300, 2))
    (logs / "lksm_events_2026-01-05.jsonl.zst").write_bytes(b"not packed")
    out, err = lksm("query", "--log-dir", logs, "--json", "--since", "2026-02-12", want=0)
    assert out and not err, err
    _, err = lksm("query", "--log-dir", logs, "--json", want=2)
    assert "2026-01-05" in err, err


def test_exit_codes_and_complaints(_, folder):
    logs = write_logs(folder / "logs", make_events(30, 3))
    for arguments, word in ((["--since", "soon"], "--since"), (["--since", "2x"], "units: s, m, h, d, w"),
                            (["--severity", "hgih"], "--severity"),
                            (["--type", "a,,b"], "--type"), (["-q", ""], "--text"), (["noequals"], "-q 'noequals'"),
                            (["-o", "xml"], "--output"), (["-n", "many"], "--lines"),
                            (["--log-dir", "/nonexistent"], "no log folder")):
        _, err = lksm("query", "--log-dir", logs, *arguments, want=2)
        assert word in err, f"{arguments}: {err}"
    lksm("query", "--log-dir", logs, "--type", "no_such", want=1)


def test_a_likely_slip_is_told_when_nothing_is_found(_, folder):
    logs = write_logs(folder / "logs", make_events(30, 3))
    (folder / "empty").mkdir()
    for verb in ("query", "stats", "top"):
        for arguments, want in (
                (["--type", "modul_loaded"], "of type 'modul_loaded' was found (did you mean 'module_loaded'?)"),
                (["severity=high"], "data has severity=high; did you mean --severity high?"),
                (["--type", "no_such"], None), (["uid=77777"], None), (["--type", "modul_x*"], None),
                (["--log-dir", folder / "empty"], "there are no logs in")):
            _, err = lksm(verb, "--log-dir", logs, *arguments, want=1)
            assert want in err if want else not err, f"{verb} {arguments}: {err}"


def test_colours_can_be_had_for_a_pager(_, folder):
    logs = write_logs(folder / "logs", make_events(30, 3))
    for env, arguments, want in (({}, [], False), ({}, ["--color", "auto"], False), ({}, ["--color=never"], False),
                                 ({}, ["--color=always"], True), ({"NO_COLOR": "1"}, ["--color=always"], True)):
        equal("\x1b[" in lksm("query", "--log-dir", logs, *arguments, env={**os.environ, **env})[0], want)
    assert "none of auto, always, never" in lksm("query", "--color", "yes", want=2)[1]
    equal(lksm("query", "--log-dir", logs, "-S", "2026-02-11", "-U", "2026-02-12"),
          lksm("query", "--log-dir", logs, "--since", "2026-02-11", "--until", "2026-02-12"))


def test_an_output_that_cannot_be_written_is_told(_, folder):
    logs = write_logs(folder / "logs", make_events(3000, 8))
    for arguments in (["--json"], ["-r"], ["-n", "1"], ["-n", "2000"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LKSM, "query", "--log-dir", logs, *arguments], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=DEADLINE_S, check=False)
        equal((done.returncode, done.stderr), (2, "lksm: cannot write the output: No space left on device\n"))


def test_events_of_another_day_have_their_date(_, folder):
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.hour == 23 and now.minute == 59:
        raise Skip("the day ends")
    days = (now - datetime.timedelta(days=1), now)
    with open(folder / f"lksm_events_{now:%Y-%m-%d}.jsonl", "w") as file:
        for seq, day in enumerate(days):
            file.write(json.dumps({"seq": seq, "ts": 0.5, "type": "t", "data": {}, "severity": "info", "source": "s",
                                   "time": f"{day:%Y-%m-%dT%H:%M:%S.%f}Z"}) + "\n")
    out = lksm("query", "--log-dir", folder)[0].splitlines()
    equal([line.partition(" info")[0] for line in out],
          [f"{days[0]:%Y-%m-%d %H:%M:%S.%f}"[:-3], f"{now:%H:%M:%S.%f}"[:-3]])


def test_a_bad_line_is_named_and_the_rest_is_shown(_, folder):
    (folder / "lksm_events_2026-02-10.jsonl").write_text(
        'nonsense\n{}\n{"seq": 1, "ts": 0.000001, "type": "a", "data": {}, "severity": "info", "source": "s"}\n')
    out, err = lksm("query", "--log-dir", folder, "--json")
    equal(out.count("\n"), 1)
    equal(err.count("no event"), 2)


def test_who_does_not_listen_ends_it(_, folder):
    logs = write_logs(folder / "logs", make_events(3000, 4))
    with subprocess.Popen([LKSM, "query", "--log-dir", logs, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        equal(process.wait(DEADLINE_S), 0)
        equal(process.stderr.read(), b"")


def test_stats_count_what_python_counts(_, folder):
    events = make_events(500, 5)
    logs = write_logs(folder / "logs", events)
    shown = [e for e in events if not is_routine(e)]
    stats = json.loads(lksm("stats", "--log-dir", logs, "--json")[0])
    equal(stats["events"], len(shown))
    for key in ("severity", "type", "source", "rule"):
        equal(stats[key], dict(collections.Counter(e[key] for e in shown if key in e)))
    equal(stats["hour"], dict(collections.Counter(e["time"][:13] for e in shown)))
    counts = list(stats["type"].values())
    equal(counts, sorted(counts, reverse=True))
    equal(list(stats["hour"]), sorted(stats["hour"]))
    only = json.loads(lksm("stats", "--log-dir", logs, "--json", "--severity", "high")[0])
    equal(only["severity"], {"high": sum(e["severity"] == "high" for e in shown)})
    text = lksm("stats", "--log-dir", logs, "-n", 2)[0]
    assert re.search(rf"^ +{len(shown)}  events$", text, re.M) and "and 1 more" in text, text
    lksm("stats", "--log-dir", logs, "--type", "none", want=1)
    for verb in ("stats", "top"):
        one = lksm(verb, "--log-dir", FIXTURES, "--severity", "critical", "--since", "2026-02-10")[0]
        assert re.search(r"^ *1  ?event( |$)", one, re.M), one


def test_stats_with_more_words_than_it_keeps(_, folder):
    with open(folder / "lksm_events_2026-02-10.jsonl", "w") as file:
        for seq in range(12000):
            file.write(f'{{"seq": {seq}, "ts": 0.000000, "type": "t{seq}", "data": {{}}, '
                       '"severity": "info", "source": "s"}\n')
    stats = json.loads(lksm("stats", "--log-dir", folder, "--json")[0])
    equal(len(stats["type"]), 10000)
    equal(stats["type"]["…"], 12000 - 9999)


def test_top_prints_one_table_without_a_terminal(_, folder):
    events = make_events(200, 6)
    logs = write_logs(folder / "logs", events)
    out = lksm("top", "--log-dir", logs, "--since", "2026-02-10", "-n", 3)[0]
    rows = [line.split() for line in out.splitlines()[3:]]
    equal(len(rows), 3)
    counts = collections.Counter((e["severity"], e["type"], e["source"], e.get("rule"))
                                 for e in events if not is_routine(e))
    for row, count in zip(rows, sorted(counts.values(), reverse=True)):
        equal(int(row[0]), count)
        equal(counts[(row[2], row[3], row[4], row[5] if len(row) > 5 else None)], count)


def test_top_gives_one_object_to_programs(_, folder):
    events = [{**e, "rule": e.get("rule", "") + 'q"\\\t'} for e in make_events(200, 6)]
    logs = write_logs(folder / "logs", events)
    counts = collections.Counter((e["severity"], e["type"], e["source"], e["rule"])
                                 for e in events if not is_routine(e))
    for arguments in (["--json"], ["-o", "json"]):
        top = json.loads(lksm("top", "--log-dir", logs, "--since", "2026-02-10", "-n", 5, *arguments)[0])
        equal((top["since"], top["events"], len(top["rows"])), ("2026-02-10T00:00:00.000000Z", sum(counts.values()), 5))
        for row, count in zip(top["rows"], sorted(counts.values(), reverse=True)):
            equal(row["events"], count)
            equal(counts[(row["severity"], row["type"], row["source"], row["rule"])], count)
    for verb in ("top", "stats"):
        equal(lksm(verb, "--log-dir", logs, "--since", "2026-02-10", "--json"),
              lksm(verb, "--log-dir", logs, "--since", "2026-02-10", "-o", "json"))
        assert "neither text nor json" in lksm(verb, "-o", "csv", want=2)[1]


def test_a_narrow_terminal_is_kept_to(_, __):
    for verb in (["top", "-i", "3600"], ["stats"]):
        for columns in (50, 80):
            leader, follower = pty.openpty()
            fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
            with subprocess.Popen([LKSM, *verb, "--log-dir", FIXTURES, "--severity", "!medium",
                                   "--since", "2026-02-10"], stdout=follower) as process:
                data = b""
                while not data.endswith(b"\n") or b"info" not in data or b"T12" not in data and verb == ["stats"]:
                    assert select.select([leader], [], [], DEADLINE_S)[0], data
                    data += os.read(leader, 65536)
                process.terminate()
            os.close(follower)
            os.close(leader)
            lines = data.decode().replace("\033[H\033[J", "").splitlines()
            assert max(map(len, lines)) <= columns, lines
            assert max(map(len, lines)) > 45, lines


def test_top_goes_on_showing_what_is_new(_, folder):
    logs = write_logs(folder / "logs", make_events(20, 7))
    line = '{"seq": 0, "ts": 0.000000, "type": "fresh_one", "data": {}, "severity": "high", "source": "s", ' \
           '"time": "2026-02-12T23:59:00.000000Z"}\n'
    path = logs / "lksm_events_2026-02-12.jsonl"
    path.write_text(path.read_text().rpartition("\n")[0] + "\n")
    leader, follower = pty.openpty()
    with subprocess.Popen([LKSM, "top", "--log-dir", logs, "--since", "2026-02-10", "-i", "1", "fresh=yes"],
                          stdout=follower, stderr=subprocess.PIPE) as process:
        os.close(follower)

        def wait_for_row(pattern):
            data = b""
            while not re.search(pattern, data):
                assert select.select([leader], [], [], DEADLINE_S)[0], data
                data += os.read(leader, 65536)

        wait_for_row(rb"EVENTS")
        with open(path, "a") as file:
            file.write(line.replace('"data": {}', '"data": {"fresh": "yes"}'))
        wait_for_row(rb" 1 +1 +high +fresh_one")
        wait_for_row(rb" 1 +0 +high +fresh_one")  # it was read once
        process.terminate()
        equal(process.wait(DEADLINE_S), 0)
    os.close(leader)


def formatted(name, *arguments):
    """What a format makes of the fixture, and the events of the fixture."""
    out = lksm("query", "--log-dir", FIXTURES, "-o", name, "--all", *arguments, text=False)[0]
    lines = (FIXTURES / "lksm_events_2026-02-10.jsonl").read_text().splitlines()
    return out.decode(), [json.loads(line) for line in lines]


def test_formats_are_as_they_were(_, __):
    version = lksm("version")[0].split()[1]
    for path in sorted(FIXTURES.glob("want.*")):
        got = formatted(path.suffix[1:])[0].replace(version, "VERSION")
        equal(got, path.read_bytes().decode())
    equal(len(list(FIXTURES.glob("want.*"))), 6)


def test_csv_by_pythons_csv(_, __):
    out, events = formatted("csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    equal(len(rows), len(events))
    for row, event in zip(rows, events):
        equal(json.loads(row["data"]), event["data"])
        equal(float(row["ts"]), event["ts"])
        for key in ("seq", "type", "severity", "source", "time", "host", "message", "raw", "rule", "stream_seq"):
            equal(row[key], str(event.get(key, "")))
        equal(row["attack"].split(), event.get("attack", []))


def test_csv_has_no_formulas(_, folder):
    texts = ["=cmd|'/c x'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "a=1", ""]
    with open(folder / "lksm_events_2026-02-10.jsonl", "w") as file:
        for seq, text in enumerate(texts):
            file.write(json.dumps({"seq": seq, "ts": 0.5, "type": "t", "data": {}, "severity": "info", "source": "s",
                                   "message": text}) + "\n")
    out = lksm("query", "--log-dir", folder, "-o", "csv", text=False)[0].decode()
    got = [row["message"] for row in csv.DictReader(io.StringIO(out, newline=""))]
    equal(got, ["'" + text if i < 7 else text for i, text in enumerate(texts)])


# RFC 5424, section 6: the grammar, as far as it is regular
SYSLOG = re.compile(r'<(?P<pri>\d{1,3})>(?P<version>1) (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) '
                    r'(?P<procid>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) '
                    r'\[(?P<sdid>[!#-<>-\\^-~]{1,32})(?P<params>(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]'
                    r'(?: (?P<msg>.*))?', re.S)
SYSLOG_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z|-")


def test_syslog_by_the_grammar_of_rfc_5424(_, __):
    out, events = formatted("syslog")
    lines = out[:-1].split("\n")
    equal(len(lines), len(events))
    for line, event in zip(lines, events):
        match = SYSLOG.fullmatch(line)
        assert match and SYSLOG_TIME.fullmatch(match["time"]), line
        assert not re.search(r"[\x00-\x1f\x7f]", line), line
        equal(int(match["pri"]), 80 + {"info": 6, "medium": 4, "high": 3, "critical": 2}[event["severity"]])
        params = dict(re.findall(r' ([^=]+)="((?:[^"\\\]]|\\.)*)"', match["params"], re.S))
        params = {key: re.sub(r'\\(["\\\]])', r"\1", value) for key, value in params.items()}
        equal(json.loads(params["data"]), event["data"])
        equal(params["seq"], str(event["seq"]))
        equal(params["type"], event["type"])
        if "message" in event:
            equal(match["msg"][0], "\ufeff")
            printable = re.sub(r"[\x00-\x1f\x7f]", lambda m: f"#{ord(m[0]):03o}", event["message"])
            equal(match["msg"][1:], printable)


def test_cef_read_back(_, __):
    out, events = formatted("cef")
    for line, event in zip(out[:-1].split("\n"), events, strict=True):
        head = re.match(r"CEF:0\|" + r"((?:[^|\\]|\\.)*)\|" * 6, line)
        assert head and not re.search(r"[\x00-\x1f\x7f]", line), line
        equal(re.sub(r"\\(.)", r"\1", head[4]), event["type"])
        assert 0 <= int(head[6]) <= 10
        # a key is a word before an = that is not escaped; what is between two keys is a value
        starts = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", re.sub(r"\\.", "__", line[head.end():])))
        rest = line[head.end():]
        values = {}
        for i, start in enumerate(starts):
            end = starts[i + 1].start() if i + 1 < len(starts) else len(rest)
            values[start[1]] = re.sub(r"\\(.)", r"\1", rest[start.end():end])
        equal(json.loads(values["cs3"]), event["data"])
        equal(values["cat"], event["source"])
        equal(values["externalId"], str(event["seq"]))


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}


def needs(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


# https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html: types, and the words that are allowed
ECS = {**needs(**{
    "@timestamp": {"type": "string", "format": "date-time"}, "ecs": needs(version=TEXT),
    "event": needs(kind={"enum": ["alert", "event"]}, action=TEXT, code=TEXT, severity=NUMBER, sequence=NUMBER,
                   category={"type": "array", "items": {"enum": ["driver", "intrusion_detection"]}},
                   type={"type": "array", "items": {"enum": ["info", "start", "end", "change"]}},
                   module=TEXT, dataset=TEXT, provider=TEXT),
    "host": needs(name=TEXT), "log": needs(level=TEXT), "lksm": needs(data={"type": "object"})})}
ECS["properties"].update({"message": TEXT, "tags": TEXTS, "rule": needs(id=TEXT),
                          "threat": needs(framework=TEXT, technique=needs(id=TEXTS))})
# ocsf-schema: events/base_event.json, events/findings/*.json, objects/{metadata,product,finding_info,attack}.json
OCSF = needs(category_uid={"const": 2}, class_uid={"const": 2004}, activity_id={"enum": [0, 1, 2, 3, 99]},
             type_uid={"const": 200401}, severity_id={"enum": [0, 1, 2, 3, 4, 5, 6, 99]}, time=NUMBER,
             metadata=needs(version=TEXT, product=needs(vendor_name=TEXT)),
             finding_info={**needs(uid=TEXT, title=TEXT)},
             evidences={"type": "array", "items": needs(data={"type": "object"})}, is_alert={"type": "boolean"})
OCSF["properties"]["finding_info"]["properties"].update({
    "analytic": needs(type_id={"const": 1}, uid=TEXT),
    "attacks": {"type": "array", "items": needs(technique=needs(uid={"type": "string", "pattern": r"^T\d{4}$"}))}})
# opentelemetry-proto: logs/v1/logs.proto, common/v1/common.proto
ANY = {"type": "object", "maxProperties": 1, "additionalProperties": False, "properties": {
    "stringValue": TEXT, "boolValue": {"type": "boolean"}, "intValue": {"type": "string", "pattern": r"^-?\d+$"},
    "doubleValue": {"type": "number"}, "arrayValue": needs(values={"type": "array", "items": {"$ref": "#/$defs/any"}}),
    "kvlistValue": needs(values={"type": "array", "items": {"$ref": "#/$defs/pair"}})}}
PAIRS = {"type": "array", "items": {"$ref": "#/$defs/pair"}}
RECORD = needs(timeUnixNano={"type": "string", "pattern": r"^\d+$"}, severityText=TEXT, attributes=PAIRS,
               severityNumber={"type": "integer", "minimum": 1, "maximum": 24}, body={"$ref": "#/$defs/any"})
SCOPE = needs(scope=needs(name=TEXT), logRecords={"type": "array", "items": RECORD})
OTLP = {**needs(resourceLogs={"type": "array", "items": needs(
    resource=needs(attributes=PAIRS), scopeLogs={"type": "array", "items": SCOPE})}),
    "$defs": {"any": ANY, "pair": needs(key=TEXT, value={"$ref": "#/$defs/any"})}}


def checked(name, schema):
    out, events = formatted(name)
    objects = [json.loads(line) for line in out[:-1].split("\n")]
    equal(len(objects), len(events))
    for o in objects:
        jsonschema.validate(o, schema)
    return zip(objects, events)


def test_ecs_by_its_field_reference(_, __):
    for o, event in checked("ecs", ECS):
        equal(o["@timestamp"], event["time"])
        equal(o["event"]["kind"], "event" if event["severity"] == "info" else "alert")
        equal(o["lksm"]["data"], event["data"])
        for attack in event.get("attack", []):
            assert attack.split(".")[0] in o["threat"]["technique"]["id"]
            if "." in attack:
                assert attack in o["threat"]["technique"]["subtechnique"]["id"]


def test_ocsf_by_its_schema(_, __):
    seen = set()
    for o, event in checked("ocsf", OCSF):
        equal(o["evidences"][0]["data"], event["data"])
        equal(o["severity_id"], {"info": 1, "medium": 3, "high": 4, "critical": 5}[event["severity"]])
        equal(len(o["finding_info"].get("attacks", [])), len(event.get("attack", [])))
        assert o["finding_info"]["uid"] not in seen
        seen.add(o["finding_info"]["uid"])


def plain(value):
    """A value of OTLP as Python has it."""
    if not value:
        return None
    (kind, inner), = value.items()
    if kind == "intValue":
        return int(inner)
    if kind == "arrayValue":
        return [plain(x) for x in inner["values"]]
    if kind == "kvlistValue":
        return {x["key"]: plain(x["value"]) for x in inner["values"]}
    return inner


def test_otlp_by_its_protocol(_, __):
    for o, event in checked("otlp", OTLP):
        record = o["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
        attributes = {x["key"]: plain(x["value"]) for x in record["attributes"]}
        equal(attributes["lksm.data"], event["data"])
        equal(attributes["event.name"], event["type"])
        equal(plain(record["body"]), event.get("message", event["type"]))
        equal(int(record["timeUnixNano"]) % 10**9 // 1000, int(event["time"][20:26]))


if __name__ == "__main__":
    main(globals())
