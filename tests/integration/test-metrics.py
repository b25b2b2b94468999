#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: Prometheus' format, checked by a strict parser and by promtool; numbers that
are those of the log; the alert rules and the dashboard in packaging/ name what is there. TAP."""
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error

from lksm_test import ROOT, Skip, equal, main, record, wait_for

PACKAGING = ROOT / "packaging"
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def parse_labels(text):
    labels, at = [], 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, f"bad labels {text!r}"
        labels.append((match.group(1), match.group(2)))
        at = match.end()
    assert len({name for name, _ in labels}) == len(labels), f"a label twice in {text!r}"
    return tuple(labels)


def parse(page):
    """{(name, labels): value} and {name: type}; each line has to be exactly right."""
    values, types, helps, current = {}, {}, set(), None
    assert page.endswith("\n")
    for line in page[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, current, text = line.split(" ", 3)
            assert text and current not in helps, line
            helps.add(current)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and name not in types and kind in ("counter", "gauge"), line
            types[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            name, labels, value = match.groups()
            assert name == current and name in types, f"{line!r} outside its family"
            assert types[name] != "counter" or name.endswith("_total"), line
            key = (name, parse_labels(labels or ""))
            assert key not in values, f"twice: {line!r}"
            values[key] = float(value)
    return values, types


def scrape(d):
    return parse(d.get("/metrics").decode())[0]


def sum_of(values, name, **labels):
    return sum(v for (n, have), v in values.items() if n == name and labels.items() <= dict(have).items())


def promtool(*arguments, **options):
    program = shutil.which("promtool")
    if not program:
        raise Skip("promtool is not there (Debian: prometheus)")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False,
                          **options)
    equal((done.returncode, done.stderr if "metrics" in arguments else ""), (0, ""))


def test_the_numbers_are_those_of_the_log(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(b"".join(record(i, f"[PHOTON RING] Module loaded: m{i} by uid 0") for i in range(40)))
    d.append(record(50, "[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!"))
    d.wait_events(41 + 1)  # and the gap in the numbers
    # with a seal at its end the log is at rest
    wait_for(lambda: b'"type": "log_sealed"' in d.lines(routine=True)[-1] and
             len(d.lines(routine=True)) == sum_of(scrape(d), "lksm_log_lines_total"), "a seal")
    values = scrape(d)
    events = d.events()
    for kind, severity in {(e["type"], e["severity"]) for e in events}:
        equal(sum_of(values, "lksm_events_total", type=kind, severity=severity),
              sum(e["type"] == kind and e["severity"] == severity for e in events))
    for rule in {e["rule"] for e in events if "rule" in e}:
        equal(sum_of(values, "lksm_rule_matches_total", rule=rule), sum(e.get("rule") == rule for e in events))
    equal(sum_of(values, "lksm_rule_matches_total"), sum("rule" in e for e in events))
    assert sum_of(values, "lksm_rule_matches_total", rule="module_loaded") == 40, values
    lost = [e["data"] for e in d.events("log_filtered") + d.events("records_lost")]
    equal(sum_of(values, "lksm_records_lost_total"),
          sum(e["count"] for e in lost if "reason" in e))
    everything = d.lines(routine=True)
    equal(sum_of(values, "lksm_log_lines_total"), len(everything))
    equal(sum_of(values, "lksm_log_written_bytes_total"), sum(map(len, everything)))
    equal(sum_of(values, "lksm_seals_total"), len(d.events("log_sealed")))
    equal(sum_of(values, "lksm_up"), 1)
    equal(sum_of(values, "lksm_sensor_present"), 0)
    status = json.loads(d.get("/api/v1/status"))
    equal((status["writer"], status["sensor"], status["history"]), ("running", "gone", False))
    equal(sum(status["lost"].values()), sum_of(values, "lksm_records_lost_total"))
    equal(status["sealed_to"], d.events("log_sealed")[-1]["data"]["to"])
    equal(status["newest_seq"], json.loads(d.lines()[-1])["seq"])
    d.stop()


def test_promtool_has_nothing_to_say(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(record(0, "[PHOTON RING] Module loaded: a by uid 0"))
    d.wait_events(1)
    promtool("check", "metrics", input=d.get("/metrics").decode())
    d.stop()


def test_what_the_types_mean(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    types = json.loads(d.get("/api/v1/types"))
    equal(types["module_hidden"]["attack"], ["T1014", "T1547.006"])
    for path in ("types", "status"):
        try:
            d.get(f"/api/v1/{path}", {"Authorization": "Bearer 0"})
            raise AssertionError(f"{path} needs no token")
        except urllib.error.HTTPError as error:
            equal(error.code, 401)
    d.stop()


def test_only_with_the_token(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    for authorization in ("", "Bearer 00", "Basic eDp5"):
        try:
            d.get("/metrics", {"Authorization": authorization})
            raise AssertionError(f"let in with {authorization!r}")
        except urllib.error.HTTPError as refused:
            equal(refused.code, 401)
    equal(sum_of(scrape(d), "lksm_http_requests_total", code="401"), 3)
    d.stop()


def test_counters_outlive_the_process_that_counts(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(record(0, "[PHOTON RING] Module loaded: a by uid 0"))
    d.wait_events(1)
    os.kill(d.children()[0], signal.SIGKILL)
    d.wait_events(1, "process_restarted")
    d.append(record(1, "[PHOTON RING] Module loaded: b by uid 0"))
    d.wait_events(2, "module_loaded")
    wait_for(lambda: sum_of(scrape(d), "lksm_events_total", type="module_loaded") == 2, "both of them")
    equal(sum_of(scrape(d), "lksm_process_restarts_total", process="core"), 1)
    d.stop()


def test_the_sensor_is_seen_to_come_and_go(daemon, _):
    d = daemon(dashboard=True)
    d.proc.write_text("lksm_version=1 sensor=0.1.0 instance=00000000000000aa boot_id=unknown first=0 next=0\n")
    d.start()
    wait_for(lambda: sum_of(scrape(d), "lksm_sensor_armed") == 1, "an armed sensor")
    with open(d.proc, "a", encoding="ascii") as f:
        f.write("seq=0 ts=1.000000 type=sensor_disarmed severity=critical how=canary\n")
    d.wait_events(1, "sensor_disarmed")
    wait_for(lambda: sum_of(scrape(d), "lksm_sensor_armed") == 0, "a disarmed sensor")
    equal(sum_of(scrape(d), "lksm_sensor_present"), 1)
    d.proc.unlink()
    d.wait_events(1, "sensor_gone")
    wait_for(lambda: sum_of(scrape(d), "lksm_sensor_present") == 0, "no sensor")
    d.stop()


def test_streams_are_counted(daemon, _):
    d = daemon(dashboard=True).start()
    base, token = d.url()
    d.wait_healthy()
    equal(sum_of(scrape(d), "lksm_sse_clients"), 0)
    stream = subprocess.Popen(["python3", "-c", f"""
import urllib.request
r = urllib.request.Request({base + "/api/v1/stream"!r}, headers={{"Authorization": "Bearer {token}"}})
with urllib.request.urlopen(r) as answer:
    answer.read()
"""])
    try:
        wait_for(lambda: sum_of(scrape(d), "lksm_sse_clients") == 1, "a stream")
    finally:
        stream.kill()
        stream.wait()
    wait_for(lambda: sum_of(scrape(d), "lksm_sse_clients") == 0, "no stream")
    d.stop()


def names_in(text):
    return set(re.findall(r"\blksm_[a-z_]+[a-z]", text)) - {"lksm_alerts"}


def test_rules_and_dashboard_name_what_is_there(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(record(0, "[PHOTON RING] Module loaded: a by uid 0"))
    d.wait_events(1)
    types = parse(d.get("/metrics").decode())[1]
    d.stop()
    dashboard = json.loads((PACKAGING / "grafana/lksm.json").read_text())
    expressions = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
    assert len(expressions) >= 8, expressions
    rules = re.findall(r"expr: (.*)", (PACKAGING / "prometheus/lksm.rules.yaml").read_text())
    assert rules
    for expression in expressions + rules:
        assert names_in(expression) and names_in(expression) <= set(types), expression


def test_promtool_takes_the_alert_rules(*_):
    promtool("check", "rules", PACKAGING / "prometheus/lksm.rules.yaml")
    promtool("test", "rules", PACKAGING / "prometheus/lksm.rules.test.yaml", cwd=PACKAGING / "prometheus")


if __name__ == "__main__":
    main(globals())
