# SPDX-License-Identifier: Apache-2.0
"""Judges what the guest's `channel` scenario read from /proc/lksm; used by check.py."""

import collections
import re

PAIR = re.compile(r'([a-z_][a-z0-9_]*)=("(?:[^"\\\x00-\x1f\x7f-\uffff]|\\x[0-9a-f]{2})*"'
                  r'|[!#-<>-\[\]-~]+)')
# Between the event and its line in the kernel log, on an emulated and busy machine.
MIRROR_DELAY_MAX_S = 3
CLOCKS_DIFFER_S = 0.01
WAKE_MS_MAX = 1000  # the module is loaded and linked in that time, too
HELD_S = 60  # readers keep their files for longer, if nobody tells them to let go
WAYS_TOLD = ("poll-hup", "epoll-hup")  # nothing else can wake them
WAYS_WOKEN = ("poll", "epoll", "epoll-edge")
WAYS_LEFT_ALONE = ("idle", "epoll-idle")


def parse(line):
    """{key: value} in order, or None if the line is not what lksm/wire.h says."""
    pairs, at = {}, 0
    while at < len(line):
        m = PAIR.match(line, at)
        if not m or m[1] in pairs or not (m.end() == len(line) or line[m.end()] == " "):
            return None
        quoted = m[2].startswith('"')
        value = m[2][1:-1] if quoted else m[2]
        pairs[m[1]] = re.sub(r"\\x(..)", lambda x: chr(int(x[1], 16)), value) if quoted else value
        at = m.end() + 1
    return pairs


def parse_all(text):
    return [parse(line) for line in text.splitlines()]


def split(text):
    """(header or None, lines about loss, records)"""
    lines = parse_all(text)
    if None in lines:
        return None, [], []
    header = lines.pop(0) if lines and "lksm_version" in lines[0] else None
    return (header, [x for x in lines if "seq" not in x], [x for x in lines if "seq" in x])


def numbers(text):
    return [int(x["seq"]) for x in split(text)[2]]


def records_only(text):
    return [line for line in text.splitlines() if line.startswith("seq=")]


def mirror_of(line):
    """What the kernel log must have for a record's line."""
    return parse(line).get("mirror") or line[line.index("type="):]


def check_format(guest, report):
    whole = guest.text("whole")
    header, lost, records = split(whole)
    report(bool(header) and list(header) == ["lksm_version", "sensor", "instance", "boot_id",
                                             "first", "next"]
           and re.fullmatch("[0-9a-f]{16}", header["instance"])
           and header["boot_id"] == guest.text("boot_id").strip(),
           f"{guest.name}: cat ends, and every line is logfmt under a header",
           whole.splitlines())
    n = len(records)
    report(n >= 16 and not lost and numbers(whole) == list(range(n)) and header
           and (header["first"], header["next"]) == ("0", str(n)),
           f"{guest.name}: numbers count from 0 without a gap", [header, numbers(whole)])
    report(guest.text("three-empty") == "" and records_only(guest.text("four")) ==
           records_only(guest.text("three-a") + guest.text("three-b")) == records_only(whole)
           and "lksm_version" not in guest.text("three-b"),
           f"{guest.name}: two readers have cursors of their own",
           guest.text("three-a").splitlines() + guest.text("three-b").splitlines())
    check_mirrors(guest, report, records_only(whole))
    check_fields(guest, report, records)
    report(guest.text("mode").strip() == "-rw-------" and guest.text("small").splitlines() ==
           ["user: Permission denied", "tiny: -1 Invalid argument"],
           f"{guest.name}: root's only; no half lines", [guest.text("small")])


def check_mirrors(guest, report, lines):
    """Each record has its mirror, at most a moment later, and the other way round."""
    printed = collections.Counter(guest.sensor_texts("step format"))
    wanted = collections.Counter(map(mirror_of, lines))
    missing = wanted - printed
    # What came after the file was read: the rest of the step.
    strangers = [t for t in (printed - wanted) if "probe_return" not in t
                 and "vfs_fallocate" not in t and "sensor_stop" not in t
                 and "module_unloaded" not in t]
    report(wanted and not missing and not strangers,
           f"{guest.name}: records and mirrors are the same, to the byte",
           [f"no mirror: {x}" for x in missing] + [f"no record: {x}" for x in strangers])
    stamps = collections.defaultdict(list)
    for line in guest.sections().get("step format", []):
        if line.is_sensor:
            stamps[line.text[14:]].append(line.stamp)
    late = [line for line in lines if not any(
        -CLOCKS_DIFFER_S <= stamp - float(parse(line)["ts"]) <= MIRROR_DELAY_MAX_S
        for stamp in stamps[mirror_of(line)])]
    report(not late, f"{guest.name}: ts is the event's, in the kernel log's clock", late)


def check_fields(guest, report, records):
    by_key = {(x["type"], x.get("symbol") or x.get("module")): x for x in records}
    array = {"module": "probe_array", "comm": "insmod-as", "uid": "1000"}
    hostile_comm = {"comm": 'busybox" =[\\', "uid": "0", "module": "probe_failing"}
    wanted = [
        ("kprobe_registered", "begin_new_exec", {"severity": "high", **array}),
        ("kprobe_registered", "commit_creds", {"severity": "high", **array}),
        ("suspicious_probe", "kallsyms_lookup_name", {
            "severity": "high", **array,
            "message": "SUSPICIOUS *** kallsyms_lookup_name probe detected!"}),
        ("module_loaded", "probe_array", {"severity": "medium", **array}),
        ("module_loaded", 'n"\n[\x1b\\\x80\xff\x7f=y !!', {"comm": "insmod", "uid": "0"}),
        ("symbol_hunt", "bad\n[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe "
         'detected!\x1b[31m\t"\\x\x7f\x80\xff=1', {"severity": "medium", **hostile_comm}),
        ("symbol_hunt", "unknown", {"module": "probe_address", "error": "-2"}),
    ]
    faults = []
    for kind, name, fields in wanted:
        seen = by_key.get((kind, name), {})
        # 5.10 and 6.1 have another errno for an address that is nobody's.
        ok = all(seen.get(k) == v or (k == "error" and seen.get(k) == "-22")
                 for k, v in fields.items()) and re.fullmatch("[1-9][0-9]*", seen.get("pid", ""))
        if not ok:
            faults.append(f"{kind} {name!r}: {seen}")
    report(not faults, f"{guest.name}: who did it: module, pid, comm, uid", faults)


def check_seek(guest, report):
    n = len(records_only(guest.text("whole")))
    faults = []
    for name, first_line, wanted in (("from-0", "lseek 0: ok", range(n)),
                                     ("from-7", "lseek 7: ok", range(7, n)),
                                     ("from-beyond", "lseek -1: Invalid argument", range(n))):
        lines = guest.text(name).splitlines() or [""]
        seen = [int(m[1]) for m in (re.match(r"seq=(\d+) ", x) for x in lines) if m]
        if (lines[0] != first_line or seen != list(wanted) or not
                lines[1].startswith("lksm_version=1 ") or lines[-1] != f"position {n} end {n}"):
            faults += [name, *lines]
    at_5 = guest.text("at-5").splitlines()[1:]
    if [int(x[4:x.index(" ")]) for x in at_5[1:]] != list(range(5, n)):
        faults += ["at-5", *at_5]
    report(n > 7 and not faults, f"{guest.name}: lseek and pread go to the record", faults)


def check_slow(guest, report):
    _, _, before = split(guest.text("slow-a"))
    header, lost_by_none, whole = split(guest.text("slow-whole"))
    for name in ("slow-b", "slow-from-n"):
        text = "\n".join(x for x in guest.text(name).splitlines()
                         if not x.startswith(("lseek", "position")))
        _, lost, after = split(text)
        ok = bool(before and whole and after and header and len(lost) == 1)
        if ok:
            gone = {k: int(lost[0].get(k, -1)) for k in ("first", "last", "count")}
            seen = [int(x["seq"]) for x in after]
            ok = tuple(lost[0].get(k) for k in ("type", "stream", "reason")) == (
                "records_lost", "proc", "overrun") and (
                gone == {"first": int(before[-1]["seq"]) + 1, "last": seen[0] - 1,
                         "count": seen[0] - 1 - int(before[-1]["seq"])}) and (
                seen == list(range(seen[0], int(header["next"])))) and gone["count"] > 1000 and (
                records_only(text) == records_only(guest.text("slow-whole")))
        report(ok, f"{guest.name}: {name}: a slow reader is told exactly what it lost",
               text.splitlines()[:5])
    report(header and not lost_by_none and int(header["next"]) > 1500
           and header["first"] == whole[0]["seq"],
           f"{guest.name}: a new reader starts at the oldest record and lost nothing", [header])


def stories(guest, path):
    """Lines `verb way key=number ...`"""
    found = {}
    for line in guest.text(path).splitlines():
        _, way, *pairs = line.split(" ")
        found[way] = {k: int(v) for k, v in (pair.split("=") for pair in pairs)}
    return found


def check_hold(guest, report):
    seen, faults = stories(guest, "held"), []
    for way in ("read", *WAYS_TOLD, *WAYS_WOKEN, *WAYS_LEFT_ALONE):
        alone = way in WAYS_LEFT_ALONE
        wanted = {"opens": 1, "hups": int(way in WAYS_TOLD), "gaps": 0, "lost": 0,
                  "stopped": int(not alone), "eio": 1, "odd": 0, "records": 2 if alone else 4}
        # Who was reading when the end came may have met it there.
        if way in WAYS_WOKEN and seen.get(way, {}).get("hups") in (0, 1):
            wanted["hups"] = seen[way]["hups"]
        # Whoever only spins may miss the last moment; a poller must not.
        if way == "read":
            wanted.update({k: seen.get(way, {}).get(k) for k in ("stopped", "records")})
        if seen.get(way) != wanted:
            faults += [f"{way}: seen {seen.get(way)}", f"{way}: wanted {wanted}"]
    report(not faults, f"{guest.name}: held files: EPOLLHUP, the last record, then EIO", faults)
    first, second = (split(guest.text(f"instance-{i}"))[0] for i in "12")
    report(first and second and first["instance"] != second["instance"]
           and first["boot_id"] == second["boot_id"],
           f"{guest.name}: another load is another instance", [first, second])
    start, end = (float(x) for x in (guest.text("rmmod-time").split()[1:] or (0, 99)))
    report(end - start < HELD_S, f"{guest.name}: rmmod does not wait for readers", [end - start])
    print(f"# {guest.name}: rmmod with 8 readers took {end - start:.2f} s")


def check_chase(guest, report):
    seen, faults = stories(guest, "chased"), []
    for way in ("read", "poll", "epoll"):
        story = seen.get(way, {})
        if not story or story["opens"] < 10 or story["eio"] != story["opens"] or any(
                story[k] for k in ("gaps", "lost", "odd")):
            faults.append(f"{way}: {story}")
    stops = sum(t.startswith("type=sensor_stopped") for t in guest.sensor_texts("step chase"))
    report(not faults and stops == 20,
           f"{guest.name}: 20 loads and unloads racing three pollers", faults + [stops])


def check(guest, report):
    check_format(guest, report)
    check_seek(guest, report)
    m = re.fullmatch(r"wake: dry poll 0\nwake: poll 1 events 1 records 1 ms ([\d.]+)\n",
                     guest.text("wake"))
    report(m and float(m[1]) < WAKE_MS_MAX, f"{guest.name}: a poller is woken",
           guest.text("wake").splitlines())
    if m:
        print(f"# {guest.name}: from loading a module to a poller's wake-up: {m[1]} ms")
    check_slow(guest, report)
    check_hold(guest, report)
    check_chase(guest, report)
