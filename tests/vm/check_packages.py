#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges what the machine of tests/vm/packages sent back, prints TAP.

check_packages.py WORK

Each boot left WORK/first.result and WORK/second.result (its second serial port: a tar file as
base64 between two marks), .console and .exit.
"""

import base64
import collections
import io
import json
import os
import re
import sys
import tarfile

UNITS = ["lksm.service", "lksm-crossview.service", "lksm-dashboard.socket",
         "lksm-crossview.socket", "lksm-sensor.service"]
FIVE_CAPABILITIES = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 34  # kill, setgid, setuid, setpcap, syslog
MODULES = ["probe_kallsyms", "probe_return", "probe_init_module"]

# Warnings that are meant: what the test itself does to the daemon.
EXPECTED_WARNINGS = [
    r"core killed by SIGKILL",
    r"lksm\.service: Main process exited, code=killed, status=9/KILL",
    r"lksm\.service: Failed with result 'signal'\.",
    r"lksm\.service: Killing process \d+ \(\S+\) with signal SIGKILL\.",
]
# What installing anything leaves behind.
LEFT_BY_DPKG = re.compile(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock"
                          r"|/etc/ld\.so\.cache|/var/lib/vm-stage|/var/log(/.*)?")
DETAILS_MAX = 40

results = []


def report(is_ok, name, details=()):
    results.append(bool(is_ok))
    print(f"{'ok' if is_ok else 'not ok'} {len(results)} - {name}")
    for line in [] if is_ok else list(map(str, details))[:DETAILS_MAX]:
        print("#   " + line)


class Boot:
    """What one boot of the machine left behind."""

    def __init__(self, work, name):
        self.name = name
        self.files = {}
        self.base = os.path.join(work, name)
        with open(self.base + ".result", "rb") as f:
            m = re.search(rb"BEGIN-OUT\s(.*)END-OUT", f.read(), re.S)
        if m:
            with tarfile.open(fileobj=io.BytesIO(base64.b64decode(m[1]))) as tar:
                for member in tar:
                    if member.isfile():
                        self.files[os.path.normpath(member.name)] = tar.extractfile(member).read()

    def text(self, path):
        return self.files.get(path, b"").decode("utf-8", "replace")

    def lines(self, path):
        return self.text(path).splitlines()

    def events(self):
        paths = sorted(p for p in self.files if re.fullmatch(r"logs/lksm_events_.*\.jsonl", p))
        return [json.loads(x) for p in paths for x in self.files[p].split(b"\n")[:-1]]

    def succeeded(self, path, name):
        lines = self.lines(path)
        report(lines[-1:] == ["exit 0"], f"{self.name}: {name}", lines)

    def console(self):
        with open(self.base + ".console", errors="replace") as f:
            return f.read().splitlines()


def check_finished(boot):
    is_done = bool(boot.files) and not boot.text("vain")
    report(is_done, f"{boot.name}: all that was waited for came",
           boot.lines("vain") + boot.lines("stdout") + boot.console()[-25:])
    return bool(boot.files)


def check_units(boot, when):
    name = f"{boot.name}: {when}: "
    active = dict(zip(UNITS, boot.lines(f"{when}/active")))
    report(all(active.get(u) == "active" for u in UNITS), name + "all units are active",
           [active] + boot.lines(f"{when}/status"))
    enabled = dict(zip(UNITS, boot.lines(f"{when}/enabled")))
    report(all(enabled.get(u) == "enabled" for u in UNITS), name + "and enabled", [enabled])
    report(not boot.lines(f"{when}/failed"), name + "no unit failed", boot.lines(f"{when}/failed"))


def processes_of(boot, when):
    """{name: {field: value}} of /proc/PID/status, of one process of each name"""
    found, fields = {}, {}
    for line in boot.lines(f"{when}/processes"):
        m = re.fullmatch(r"== (\S+) \d+", line)
        if m:
            fields = found.setdefault(m[1], {})
        elif ":" in line:
            key, value = line.split(":", 1)
            fields[key] = value.split()
    return found


def check_locks(boot, when):
    name = f"{boot.name}: {when}: "
    processes = processes_of(boot, when)
    for process in ("core", "web"):
        p = processes.get(process, {})
        is_locked = (p.get("Uid", ["0"])[0] != "0" and p.get("NoNewPrivs") == ["1"]
                     and p.get("Seccomp") == ["2"]
                     and all(int(p.get(c, ["1"])[0], 16) == 0
                             for c in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")))
        report(is_locked, name + f"{process} has its own user, no capability, and seccomp", [p])
        said = [x for x in boot.lines(f"{when}/doctor") if f"Process {process} " in x]
        report(len(said) == 1 and "Landlock" in said[0] and said[0].startswith("ok"),
               name + f"lksm doctor finds all locks of {process}", boot.lines(f"{when}/doctor"))
    users = {processes.get(p, {}).get("Uid", ["0"])[0] for p in ("core", "web")}
    report(len(users) == 2, name + "core and web are not each other's user", [processes])
    bound = int(processes.get("lksm", {}).get("CapBnd", ["f" * 16])[0], 16)
    report(bound == FIVE_CAPABILITIES, name + "the supervisor can get five capabilities only",
           [hex(bound)])
    report("The sensor photon_ring is loaded, and the daemon reads it" in boot.text(f"{when}/doctor"),
           name + "the sensor is loaded, and read", boot.lines(f"{when}/doctor"))
    report('"sensor": "armed"' in boot.text(f"{when}/sensor"), name + "and armed, as the dashboard says",
           boot.lines(f"{when}/sensor"))
    report('"status": "ok"' in boot.text(f"{when}/healthz"), name + "/healthz says that all is well",
           boot.lines(f"{when}/healthz"))


def loads_of(events, module):
    return [e for e in events if e["type"] == "module_loaded" and e["data"].get("module") == module]


def check_detected(boot, events, modules):
    api = boot.text("api")
    for module in modules:
        loads = loads_of(events, module)
        report(len(loads) == 1 and "E" in loads[0]["data"].get("taints", "")
               and loads[0]["stream"].startswith("proc:"),
               f"{boot.name}: {module}, which is not signed, is one event in {'/var/log/lksm'}",
               loads or ["none"])
        report(f'"module": "{module}"' in api, f"{boot.name}: {module} is in /api/events", [api[-2000:]])


def check_exact(boot, events):
    report([e["seq"] for e in events] == list(range(events[0]["seq"], events[0]["seq"] + len(events))),
           f"{boot.name}: seq counts without a gap", [e["seq"] for e in events])
    identities = collections.Counter((e["boot_id"], e["stream"], e["stream_seq"])
                                     for e in events if "stream_seq" in e)
    report(max(identities.values()) == 1, f"{boot.name}: no record is there twice",
           [x for x in identities.items() if x[1] > 1])
    bad = [e for e in events if e["type"] in
           ("records_lost", "log_filtered", "spoof_suspected", "sandbox_violated", "log_lines_lost",
            "log_tampered", "log_tail_missing", "module_failed", "sensor_gone", "sensor_disarmed")
           and e["data"].get("reason") != "before_start"]
    report(not bad, f"{boot.name}: nothing was lost, and nothing is suspected", bad)
    boot.succeeded("verify", "the log verifies")


def check_journal(boot):
    entries = [json.loads(x) for x in boot.lines("warnings")]
    texts = [str(e.get("MESSAGE")) for e in entries]
    strangers = [t for t in texts if not any(re.fullmatch(p, t) for p in EXPECTED_WARNINGS)]
    report(not strangers, f"{boot.name}: no unexpected warning of the units in the journal", strangers)


def check_first(boot):
    boot.succeeded("install", "the package installs")
    check_units(boot, "installed")
    check_locks(boot, "installed")
    boot.succeeded("reload", "systemctl reload")
    boot.succeeded("upgrade", "the same version installs again")
    check_units(boot, "upgraded")
    check_locks(boot, "upgraded")
    events = boot.events()
    check_detected(boot, events, MODULES)
    killed = [e["data"] for e in events if e["type"] == "process_restarted"]
    report(len([d for d in killed if d["process"] == "core" and d["reason"] != "reload"]) == 1,
           f"{boot.name}: that core was killed is told", killed)
    check_exact(boot, events)
    check_journal(boot)


def check_purged(boot, first):
    boot.succeeded("purge", "lksm is purged")
    boot.succeeded("purge-dkms", "lksm-dkms is purged")
    before = set(first.lines("files-before"))
    left = [p for p in boot.lines("files-after") if p not in before and not LEFT_BY_DPKG.fullmatch(p)]
    report(not left, f"{boot.name}: the purge of lksm leaves no file but the logs", left)
    logs = boot.lines("left")
    report(logs and all(re.fullmatch(r"lksm_events_.*\.jsonl|\.seal_key", x) for x in logs),
           f"{boot.name}: and leaves the logs", logs)
    sensor = [p for p in boot.lines("files-last") if re.search(r"photon|lksm", p)
              and not re.match(r"/var/log/|/root/|/tmp/", p)]
    report(not sensor, f"{boot.name}: the purge of lksm-dkms leaves no file", sensor)
    for path, what in (("units-left", "unit"), ("users-left", "user")):
        report(not boot.lines(path), f"{boot.name}: no {what} is left", boot.lines(path))
    report("photon_ring" not in boot.text("modules-left"), f"{boot.name}: the sensor is unloaded",
           boot.lines("modules-left"))


def check_second(boot, first):
    check_units(boot, "rebooted")
    check_locks(boot, "rebooted")
    before = {e["seq"] for e in first.events()}
    events = [e for e in boot.events() if e["seq"] not in before]
    boot_id = events[-1]["boot_id"]
    report(boot_id != first.events()[-1]["boot_id"], "second: it is another boot", [boot_id])
    check_detected(boot, [e for e in events if e["boot_id"] == boot_id], MODULES[:1])
    check_exact(boot, boot.events())
    check_journal(boot)
    check_purged(boot, first)


def main():
    first, second = (Boot(sys.argv[1], name) for name in ("first", "second"))
    if check_finished(first):
        check_first(first)
    if check_finished(second) and first.files:
        check_second(second, first)
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
