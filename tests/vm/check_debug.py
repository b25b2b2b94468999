# SPDX-License-Identifier: Apache-2.0
"""Judges the scenarios debug-*: what the debug kernel's checkers found; see check.py."""

import re

# What a checker, or the kernel in distress, prints; whatever else stands in the line.
SPLAT = re.compile(
    r"\bBUG\b|WARNING:|KASAN|UBSAN|ODEBUG|INFO: |Oops|Call Trace|general protection|\bleak"
    r"|refcount_t|don't try to register|sysfs: cannot|cannot create duplicate"
    r"|list_(add|del) corruption"
    r"|suspicious RCU|bad page state|allocated at module unload|unreferenced object"
    r"|Unrecoverable|stack guard|proc_dir_entry|remove_proc_entry|kmemleak: .*(disabled|Cannot)")

# What the sensor says of itself, and of the modules that the scenario loads.
LAWFUL_ALARMS = r"type=sensor_stop|type=kprobe_registered severity=high .* module=probe_(array|return)"

TAINT_FOREIGN = 1 << 12 | 1 << 13  # out-of-tree and unsigned
TAINT_WARNED = 1 << 9

# Injected failures make the kernel talk of memory that it lacks, with a trace.
INJECTING = ("step slab", "step pages")
SHORT_OF_MEMORY = re.compile(r"page allocation failure|vmalloc error|[Ff]ailed to allocate")
# The kernel's own: the ring buffer and jump labels warn where they could just fail, these twice.
EXCUSED = re.compile(
    r"Call Trace:|WARNING: .* at kernel/trace/ring_buffer\.c:\d+ trace_rb_cpu_prepare.*"
    r"|WARNING: .* at kernel/jump_label\.c:\d+ jump_label_(module_notify|del_module).*")
EXCUSED_LINES = 80

# bug: what must be in the kernel log, or in kmemleak's list
PLANTED = {
    "sleep": ("dmesg", r"BUG: sleeping function called from invalid context"),
    "uaf": ("dmesg", r"BUG: KASAN: slab-use-after-free in planted_init"),
    "leak": ("kmemleak", r"(unreferenced object[^\0]*){20}"),
    "pages": ("dmesg", r"planted_pages .*allocated at module unload"),
    "order": ("dmesg", r"possible recursive locking|possible circular locking dependency"),
    "unwind": ("kmemleak", r"unreferenced object"),
}


def splats(guest):
    """Lines that only a fault prints, each with what follows; not a short memory's."""
    found, mark, excused_until, told_until = [], None, -1, -1
    for i, line in enumerate(guest.lines):
        mark = line.mark or mark
        if mark in INJECTING and SHORT_OF_MEMORY.search(line.text):
            excused_until = i + EXCUSED_LINES
        if i <= told_until or line.is_sensor or not SPLAT.search(line.text):
            continue
        if i <= excused_until and EXCUSED.fullmatch(line.text.strip()):
            continue
        found += [f"[{mark}] {x.text}" for x in guest.lines[i:i + 40]]
        told_until = i + 40
    return found


def check_splats(guest, report, has_lockdep=True):
    found = splats(guest)
    report(not found, f"{guest.name}: no report by the kernel's checkers", found)
    taint = int(guest.text("tainted").strip() or -1)
    allowed = TAINT_FOREIGN
    if any(line.mark in INJECTING for line in guest.lines):
        allowed |= TAINT_WARNED
    report(taint & ~allowed == 0 and not guest.text("modules").strip(),
           f"{guest.name}: no other taint, no module left",
           [f"taint {taint}, modules: {guest.text('modules')}"])
    if has_lockdep:
        report(guest.text("debug_locks").strip() == "1",
               f"{guest.name}: lockdep watched to the end", [guest.text("debug_locks")])


def check_leaks(guest, report):
    leaks = guest.text("kmemleak").splitlines()
    report("kmemleak" in guest.files and not leaks, f"{guest.name}: kmemleak finds nothing", leaks)


def check_cycles(guest, report):
    texts = guest.sensor_texts("step cycles")
    starts = sum("type=sensor_started" in t for t in texts)
    report(int(guest.text("cycles") or 0) > 0, f"{guest.name}: all cycles are done",
           [guest.text("memory")])
    alarms = [t for t in texts if re.search(r"severity=(high|critical) ", t)
              and not re.match(LAWFUL_ALARMS, t)]
    report(not alarms, f"{guest.name}: no false alarm", alarms)
    print(f"# {guest.name}: {guest.text('cycles').strip()} cycles ({starts} starts still in the log)")
    for line in guest.text("memory").splitlines():
        print("#   " + line)


def check_failures(guest, report, path):
    stories = re.findall(r"^\w+: loads=(\d+) failed=(\d+) .* odd=(\d+)$", guest.text(path), re.M)
    is_good = stories and all(int(odd) == 0 for _, _, odd in stories)
    report(is_good and sum(int(failed) for _, failed, _ in stories) > 0,
           f"{guest.name}: {path}: each failed load is a clean error, and the next one works",
           guest.text(path).splitlines()[-40:])
    for line in guest.text(path).splitlines():
        if "loads=" in line:
            print(f"# {guest.name}: {path}: {line}")


def check_planted(guest, report, bug):
    where, pattern = PLANTED[bug]
    text = guest.text(where)
    report(re.search(pattern, text), f"{guest.name}: the planted bug is found",
           text.splitlines()[-40:])


def check(guest, series, scenario, report):
    if scenario.startswith("debug-planted-"):
        check_planted(guest, report, scenario.removeprefix("debug-planted-"))
        return
    if scenario == "debug-cycles":
        check_cycles(guest, report)
    if scenario == "debug-failslab":
        for path in ("slab", "pages"):
            check_failures(guest, report, path)
    check_splats(guest, report, has_lockdep=series == "debug")
    if series == "debug":
        check_leaks(guest, report)
