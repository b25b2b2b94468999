#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges what the test guests sent back; called by tests/vm/run, prints TAP.

check.py TREE WORK SERIES-SCENARIO...

Each guest left WORK/SERIES-SCENARIO.result (its second serial port: a tar file as base64
between two marks) and .console, .exit; a scenario without them was not run.
"""

import base64
import glob
import io
import itertools
import json
import os
import re
import sys
import tarfile

import check_attacks
import check_channel
import check_debug

TAG = "[PHOTON RING] "
SEVERITY_OF_LEVEL = {6: "i", 5: "m", 4: "h", 2: "c"}
TAINT = str(1 << 12 | 1 << 13)  # out-of-tree and unsigned, nothing else

# What the steps file may leave open.
PATTERNS = {
    "{hex}": r"(5|9)",
    "{pid}": r"[1-9][0-9]*",
    "{errno}": r"(2|22)",
    "{names}": r"[a-z0-9_,.]+",
    "{digits}": r"[0-9]{252}",
    "{escapes}": r"(\\x0a|[0-9])+",
}

# Kernel lines that a scenario may cause. Anything else fails the test.
EXPECTED_OTHERS = [
    r"\w+: loading out-of-tree module taints kernel\.",
    r"\w+: module verification failed: signature and/or required key missing - tainting kernel",
    r"random: .*(crng|urandom|random_bytes|randomness).*",
    # An emulated clock on a busy machine: not the sensor's doing.
    r"(clocksource|sched_clock|tsc|hrtimer|perf): .*",
    r"workqueue: .* hogged CPU for .*",
    r"input: .* as /devices/.*",
    # Processors that come and go.
    r"(x86: Booting SMP configuration:|smpboot: (CPU 1 is now offline|Booting Node 0 Processor 1 .*))",
    r"(IPv6: )?ADDRCONF\(.*",
]

DETAILS_MAX = 40

results = []


def report(is_ok, name, details=()):
    results.append(is_ok)
    print(f"{'ok' if is_ok else 'not ok'} {len(results)} - {name}")
    details = [] if is_ok else [line for line, _ in itertools.groupby(map(str, details))]
    for line in details[:DETAILS_MAX]:
        print("#   " + line)
    if len(details) > DETAILS_MAX:
        print(f"#   ... and {len(details) - DETAILS_MAX} more")


def skip(name, why):
    results.append(True)
    print(f"ok {len(results)} - {name} # SKIP {why}")


class Line:
    """One line of the kernel log, from dmesg -r: `<6>[    1.234567] text`."""

    def __init__(self, raw):
        m = re.match(r"<(\d+)>\[ *(\d+\.\d+)\] (.*)$", raw, re.S)
        self.priority = int(m[1]) if m else -1
        self.stamp = float(m[2]) if m else -1.0
        self.text = m[3] if m else raw
        self.is_kernel = self.priority >= 0 and self.priority >> 3 == 0
        self.is_sensor = self.is_kernel and self.text.startswith(TAG)
        self.mark = None
        if not self.is_kernel and self.text.startswith("vm: "):
            self.mark = self.text[4:].rstrip(":")

    def as_step(self):
        letter = SEVERITY_OF_LEVEL.get(self.priority, "?")
        return f"{letter} {self.text[len(TAG):]}"


class Guest:
    """What one guest left behind."""

    def __init__(self, work, name):
        self.name = name
        self.base = os.path.join(work, name)
        self.files = {}
        self.lines = []
        if os.path.exists(self.base + ".result"):
            self._unpack()

    def _unpack(self):
        with open(self.base + ".result", "rb") as f:
            m = re.search(rb"BEGIN-OUT\s(.*)END-OUT", f.read(), re.S)
        if not m:
            return
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(m[1]))) as tar:
            for member in tar:
                if member.isfile():
                    path = member.name.split("/", 1)[1]
                    self.files[path] = tar.extractfile(member).read()
        log = self.files.get("dmesg", b"").decode("utf-8", "backslashreplace")
        lines = [Line(raw) for raw in log.split("\n") if raw]
        begin = [i for i, line in enumerate(lines) if (line.mark or "").startswith("begin")]
        self.lines = lines[begin[0]:] if begin else []

    def text(self, path):
        return self.files.get(path, b"").decode("utf-8", "backslashreplace")

    def console_tail(self):
        try:
            with open(self.base + ".console", errors="backslashreplace") as f:
                return ["console: " + line.rstrip() for line in f.readlines()[-30:]]
        except OSError:
            return ["no console"]

    def sections(self):
        """The kernel log cut at the marks: {mark: [Line]}"""
        sections, current = {}, None
        for line in self.lines:
            if line.mark:
                current = sections.setdefault(line.mark, [])
            elif current is not None:
                current.append(line)
        return sections

    def sensor_texts(self, mark):
        return [line.text[len(TAG):] for line in self.sections().get(mark, [])
                if line.is_sensor]


def check_finished(guest):
    if not guest.files:
        report(False, f"{guest.name}: the guest finishes", guest.console_tail())
        return False
    clean = guest.text("status").strip() == "0" and not guest.text("stdout").strip()
    report(clean, f"{guest.name}: the guest finishes and its commands succeed",
           ["status " + guest.text("status").strip()] + guest.text("stdout").splitlines())
    return True


def check_clean(guest):
    """No splat, no stranger in the kernel log, no other taint, nothing left loaded."""
    strangers = [line.text for line in guest.lines if not line.is_sensor and not line.mark
                 and not any(re.fullmatch(p, line.text) for p in EXPECTED_OTHERS)]
    report(not strangers, f"{guest.name}: no unexpected line in the kernel log", strangers)
    taint, modules = guest.text("tainted").strip(), guest.text("modules").strip()
    report(taint == TAINT and not modules, f"{guest.name}: taint is O and E only, no module left",
           [f"taint {taint}, modules: {modules}"])


def read_steps(path, version):
    steps = []
    with open(path) as f:
        for line in f.read().splitlines():
            if line.startswith("== "):
                steps.append((line[3:].split(" | ")[0], []))
            elif line and not line.startswith("#"):
                steps[-1][1].append(line.replace("{version}", version))
    return steps


def as_pattern(line):
    parts = re.split("(" + "|".join(map(re.escape, PATTERNS)) + ")", line)
    return "".join(PATTERNS.get(part) or re.escape(part) for part in parts)


def check_sensor(guest, tree):
    version = read_version(tree)
    sections = guest.sections()
    steps = read_steps(os.path.join(tree, "tests/vm/guest/sensor.steps"), version)
    for number, (name, wanted) in enumerate(steps, 1):
        seen = [x.as_step() for x in sections.get(f"step {number}", []) if x.is_sensor]
        same = f"step {number}" in sections and len(seen) == len(wanted) and all(
            re.fullmatch(as_pattern(w), s) for w, s in zip(wanted, seen))
        report(same, f"{guest.name}: {name}",
               ["wanted:", *wanted, "seen:", *seen])


def read_version(tree):
    with open(os.path.join(tree, "kernel/dkms.conf")) as f:
        return re.search(r'^PACKAGE_VERSION="(.*)"', f.read(), re.M)[1]


def count_lost(texts, reason):
    pattern = rf"type=records_lost severity=high stream=sensor count=(\d+) reason={reason}"
    return sum(int(m[1]) for m in (re.fullmatch(pattern, t) for t in texts) if m)


def check_loss(guest, mark, kind, n_wanted, reason, wants_loss):
    """Printed + reported as lost = happened, exactly."""
    texts = guest.sensor_texts(f"step {mark}")
    # The module's own record may be lost like any other.
    printed = sum(bool(re.match(kind, t)) for t in texts)
    lost = count_lost(texts, reason)
    others = [t for t in texts if not re.match(kind + "|type=(sensor_st|records_lost|coverage|module_unloaded|foreign_thread)", t)]
    total = printed + lost
    report(total == n_wanted and (lost > 0) == wants_loss and not others,
           f"{guest.name}: {mark}: {n_wanted} records = printed + {reason}",
           [f"printed {printed}, lost {lost}, strangers {others[:10]}"])
    print(f"# {guest.name}: {mark}: printed {printed}, {reason} {lost}")


RACE_LINES = re.compile(
    r"type=sensor_(started severity=info|stopped severity=high) version=\S+"
    r"|type=sensor_stopping severity=high version=\S+ pid=\d+ comm=rmmod uid=0 exe=/bin/busybox"
    r"|type=coverage severity=info have=\S+ missing=\S+"
    r"|type=module_unloaded severity=info module=probe_(array|return) .*"
    r"|Module loaded: probe_(array|return) by uid 0"
    # registered while the sensor comes or goes: found by a look, not as it happens
    r"|type=kprobe_registered severity=high symbol=vfs_fallocate new=probe_return:on_return "
    r"when=(start|init|unload|event|sweep) module=probe_return.*"
    r"|Kprobe registered for symbol: "
    r"(begin_new_exec|kallsyms_lookup_name|commit_creds|vfs_fallocate)"
    r"|SUSPICIOUS \*\*\* kallsyms_lookup_name probe detected!")


def check_race(guest, tree):
    hunt = "type=symbol_hunt severity=medium symbol=unknown error=-(2|22) |Module loaded: probe_flood"
    registered = "Kprobe registered for symbol: commit_creds$|Module loaded: probe_flood"
    check_loss(guest, "overrun", hunt, 3001, "overrun", True)
    check_loss(guest, "missed", registered, 201, "missed", True)
    check_loss(guest, "crowd", registered, 201, "missed", False)

    registered = [t for t in guest.sensor_texts("step scans") if "vfs_fallocate" in t]
    report(registered == ["Kprobe registered for symbol: vfs_fallocate"] * 10,
           f"{guest.name}: a registration is told once while others scan", registered)

    texts = guest.sensor_texts("step cycles")
    strangers = [t for t in texts if not RACE_LINES.fullmatch(t)]
    starts = sum(t.startswith("type=sensor_started") for t in texts)
    stops = sum(t.startswith("type=sensor_stopped") for t in texts)
    probes = sum(t.startswith("Kprobe") for t in texts)
    report(starts == stops == 20 and not strangers and probes > 0,
           f"{guest.name}: 20 loads and unloads racing other modules",
           [f"{starts} starts, {stops} stops, {probes} probes"] + strangers[:10])
    print(f"# {guest.name}: cycles: {probes} probes seen")


def check_storm(guest, tree):
    """Every hit was printed and read, or told to be lost."""
    log = guest.text("log")
    hits = re.search(r"probe_storm: hits=(\d+) in (\d+) s", log)
    counts = dict(re.findall(r"^([a-z-]+)=(\d+)$", guest.text("counted"), re.M))
    n, seconds = (int(hits[1]), int(hits[2])) if hits else (0, 1)
    for n_lost in re.findall(r"type=records_lost .* count=(\d+) reason=unaccounted", log):
        counts["sensor-unaccounted"] = n_lost
    total = sum(map(int, counts.values()))
    loaded = int(guest.text("loaded") or 0)
    report(n > 0 and total == n + 3 * loaded and "proc-overrun" not in counts,
           f"{guest.name}: all hits = printed + told to be lost",
           [f"hits {n} and {3 * loaded}, accounted for {total}: {counts}"])
    alarms = [x for x in guest.text("counted").splitlines() if "=critical" in x]
    splats = [x for x in log.splitlines() if TAG not in x and check_debug.SPLAT.search(x)]
    report(not alarms and not splats, f"{guest.name}: no false alarm, no splat", alarms + splats)
    print(f"# {guest.name}: {n} hits in {seconds} s ({n // seconds} a second): {counts}; "
          f"a processor unplugged {guest.text('plugged').strip()} times, "
          f"{loaded} other modules loaded")


def check_file(guest, tree):
    check_channel.check(guest, report)


def load_lines(guest, folder):
    """The log's raw lines, over all days, in order."""
    paths = sorted(p for p in guest.files if re.fullmatch(
        folder + r"/lksm_events_\d{4}-\d\d-\d\d\.jsonl", p))
    data = b"".join(guest.files[p] for p in paths)
    return data.split(b"\n")[:-1] if data.endswith(b"\n") or not data else None


def api_lines(data):
    """The API's array as the raw bytes of its elements, however they are separated."""
    text = data.decode()
    decoder, at, lines = json.JSONDecoder(), 1, []
    assert text[0] == "["
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" \n,"))
        if text[at] == "]":
            return lines
        end = decoder.raw_decode(text, at)[1]
        lines.append(text[at:end].encode())
        at = end


def is_sublist_end(part, whole):
    """Is `part` a run of `whole`? The API holds the last 500 at the time it was asked."""
    return any(whole[i:i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def by_insmod(module):
    return {"module": module, "pid": int, "comm": "insmod", "uid": 0, "exe": "/bin/busybox"}


def loaded_by_insmod(module):
    return {"from": "file", "path": f"/modules/{module}.ko", "taints": "OE", **by_insmod(module)}


# type, severity, data: values, or the type of those that nobody can foretell
WANTED_FIRST = [
    ("sensor_started", "info", {"version": "{version}"}),
    ("coverage", "info", {"have": str, "missing": str}),
    ("module_loaded", "medium", loaded_by_insmod("probe_kallsyms")),
    ("kprobe_registered", "high",
     {"symbol": "kallsyms_lookup_name", **by_insmod("probe_kallsyms")}),
    ("suspicious_probe", "high",
     {"message": "SUSPICIOUS *** kallsyms_lookup_name probe detected!",
      "symbol": "kallsyms_lookup_name", **by_insmod("probe_kallsyms")}),
]
WANTED_SECOND = WANTED_FIRST + [
    ("module_loaded", "medium", loaded_by_insmod("probe_return")),
    ("kprobe_registered", "high",
     {"symbol": "vfs_fallocate", **by_insmod("probe_return")}),
    ("module_loaded", "medium", loaded_by_insmod("probe_init_module")),
    ("kprobe_registered", "high",
     {"symbol": "do_init_module", **by_insmod("probe_init_module")}),
]
FIRST_KEYS = ["seq", "ts", "type", "data", "severity", "source"]


def is_wanted(data, wanted, version):
    if list(data) != list(wanted):
        return False
    for key, want in wanted.items():
        want = want.replace("{version}", version) if isinstance(want, str) else want
        if want is int and type(data[key]) is int and data[key] > 0:
            continue
        if want is str and type(data[key]) is str and data[key]:
            continue
        if type(data[key]) is not type(want) or data[key] != want:
            return False
    return True


def as_record(event):
    """The record without number, time and mirror. No value here needs an escape."""
    def value(x):
        return f'"{x}"' if " " in str(x) else str(x)
    pairs = {"type": event["type"], "severity": event["severity"], **event["data"]}
    return " ".join(f"{k}={value(v)}" for k, v in pairs.items())


def faults_of(event, wanted, version):
    """What is wrong with an event; the wanted keys of `data` are all that may be there."""
    kind, severity, data = wanted
    ts, stream_seq = event.get("ts"), event.get("stream_seq")
    checks = {
        "type": event["type"] == kind,
        "severity": event["severity"] == severity,
        "source": event["source"] == "kprobe_reader",
        "data": is_wanted(event["data"], data, version),
        "order of keys": list(event)[:6] == FIRST_KEYS,
        "ts": isinstance(ts, float) and 0 < ts < 1000,
        "stream": re.fullmatch("proc:[0-9a-f]{16}", event.get("stream", ""))
                  and isinstance(stream_seq, int),
        "boot_id": re.fullmatch(r"[0-9a-f-]{36}", event.get("boot_id", "")),
        "host": event.get("host") == "guest",
        "message": event.get("message") == as_record(event),
    }
    return [f"seq {event['seq']}: {name} is wrong" for name, ok in checks.items() if not ok]


def is_own_question(event):
    """The kernel looks for a module that could answer crossview's question about sockets."""
    return (event["type"], event["data"].get("comm"), event["data"].get("path")) == (
        "usermodehelper_run", "crossview", "/sbin/modprobe")


def check_events(guest, tree, which, wanted):
    version = read_version(tree)
    raw = load_lines(guest, f"logs-{which}")
    name = f"{guest.name}: start {which}: "
    if not raw:
        report(False, name + "the log has whole lines", guest.text(f"daemon-{which}").splitlines())
        return None
    events = [json.loads(line) for line in raw]
    ours = [e for e in events if e["source"] == "kprobe_reader" and not is_own_question(e)]
    faults = [f"{len(ours)} events, not {len(wanted)}"] if len(ours) != len(wanted) else []
    for event, want in zip(ours, wanted):
        faults += faults_of(event, want, version)
    report(not faults, name + "the log has exactly the wanted events", faults + raw)
    strangers = [e for e in events if e["source"] not in ("kprobe_reader", "lksm")]
    spoofs = [e for e in events if e["type"] in ("spoof_suspected", "log_filtered")]
    report(not strangers and not spoofs, name + "and no others but its own",
           strangers + spoofs)
    report([e["seq"] for e in events] == list(range(len(events))),
           name + "seq counts from 0 without a gap", [e["seq"] for e in events])
    identities = [(e["boot_id"], e["stream"], e["stream_seq"]) for e in ours
                  if "stream_seq" in e]
    report(len(identities) == len(set(identities)) == len(ours), name + "no record twice",
           identities)
    check_api(guest, which, raw, name)
    return raw


def check_api(guest, which, raw, name):
    try:
        api = api_lines(guest.files[f"api-{which}"])
    except (AssertionError, IndexError, KeyError, ValueError) as e:
        report(False, name + "/api/events is an array", [repr(e), guest.text("wget-errors")])
        return
    seen = {json.loads(line)["seq"] for line in api}
    # what only says that all is well is in the log, but not shown
    raw = [x for x in raw if json.loads(x)["type"] not in ("log_sealed", "heartbeat")]
    report(api and is_sublist_end(api, raw) and 0 in seen,
           name + "/api/events holds the log's lines byte for byte",
           ["api:", *api, "log:", *raw])


def check_e2e(guest, tree):
    for which in ("1", "2"):
        report(guest.text(f"daemon-exit-{which}").strip() == "0",
               f"{guest.name}: start {which}: stops cleanly",
               guest.text(f"daemon-{which}").splitlines())
    first = check_events(guest, tree, "1", WANTED_FIRST)
    second = check_events(guest, tree, "2", WANTED_SECOND)
    report(bool(first and second) and second[:len(first)] == first,
           f"{guest.name}: the second start appends to the first's log")


def check_flood(guest, _):
    """A thousand records of the sensor's, each once, though the kernel log overflowed."""
    report(guest.text("daemon-exit-1").strip() == "0", f"{guest.name}: the daemon stops cleanly",
           guest.text("daemon-1").splitlines())
    events = [json.loads(line) for line in load_lines(guest, "logs-1")]
    hunts = [e for e in events if e["type"] == "symbol_hunt"]
    numbers = [e["stream_seq"] for e in hunts]
    report(len(numbers) == len(set(numbers)) == 1000, f"{guest.name}: all records, each once",
           [len(numbers), len(set(numbers))])
    lost = [e for e in events if e["type"] == "records_lost"]
    report(not any(e["data"]["stream"].startswith("proc") for e in lost),
           f"{guest.name}: the sensor's channel lost nothing", lost)
    wrong = [e for e in events if e["type"] in ("spoof_suspected", "log_filtered")]
    report(not wrong, f"{guest.name}: no false suspicion", wrong)
    n_lost = sum(e["data"]["count"] for e in lost if e["data"]["stream"] == "kmsg")
    print(f"# {guest.name}: {guest.text('written').strip()} records flooded the kernel log, "
          f"{n_lost} of it were told to be lost")


def main():
    tree, work = sys.argv[1:3]
    for name in sys.argv[3:]:
        series, scenario = name.split("-", 1)
        if not glob.glob(os.path.join(work, name + ".exit")):
            skip(name, "there is no lksm binary")
            continue
        guest = Guest(work, name)
        if not check_finished(guest):
            continue
        if scenario.startswith("debug-"):
            check_debug.check(guest, series, scenario, report)
            continue
        if scenario.startswith(("attacks-", "controls-")):
            check_attacks.check(guest, tree, series, scenario, report)
            continue
        {"sensor": check_sensor, "channel": check_file, "race": check_race,
         "storm": check_storm, "e2e": check_e2e, "flood": check_flood}[scenario](guest, tree)
        check_clean(guest)
    if os.environ.get("LKSM_VM_WRITE_DOCS"):
        check_attacks.write_docs(tree, work, sys.argv[3:])
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
