# SPDX-License-Identifier: Apache-2.0
"""What the guests of the attacks and of the controls saw, against their tables.

An attack has to give each of its events, naming what the table says, and in the whole matrix
(LKSM_VM_WHOLE=1, on a machine that does nothing else) also in time; not on the debug kernel,
whose checkers take theirs. A control may give no event that is high or critical. Neither may
make the kernel complain.

This is also where docs/detection.md's table comes from: each judged row becomes a line in
WORK/SERIES-SCENARIO.rows, and write_docs() puts them together.
"""

import collections
import fnmatch
import json
import os
import re

WITHIN_S = {"init": 1.0, "event": 1.0, "sweep": 6.0, "minute": 66.0}
SPLAT = re.compile(
    r"BUG:|WARNING:|Oops|Call Trace|general protection|unable to handle|double fault"
    r"|Kernel panic|invalid opcode|stack segment|lockup|rcu.*stall|hung_task|blocked for more")
# What the checkers of the debug kernel say of the attack itself, up to the end of its trace: of
# memory that it leaves to who may still use it, and of an address that is not the kernel's.
OF_THE_ATTACK = re.compile(
    r"\S*/work/attacks/\S+ module \w+ func:\w+ has \d+ allocated at module unload"
    r"|Invalid notifier called!")
END_OF_TRACE = "---[ end trace"
# The debug kernel is this one, but for its configuration.
SERIES_OF = {"debug": "6.12"}
BEGIN, END = "<!-- begin: tests/vm/run --write-docs -->", "<!-- end -->"

Want = collections.namedtuple("Want", "within type severity keys")


class Row:
    """One row of a table."""

    def __init__(self, section, head):
        self.section = section
        self.id, kernels, self.title = [part.strip() for part in head[3:].split("|")]
        self.kernels = kernels.split()
        self.wants = []

    def is_for(self, series):
        if "slow" in self.kernels and not os.environ.get("LKSM_VM_WHOLE"):
            return False
        return "all" in self.kernels or SERIES_OF.get(series, series) in self.kernels

    def add_want(self, text):
        within, kind, severity, *pairs = text.split(" ")
        self.wants.append(Want(within, kind, severity,
                               dict(pair.split("=", 1) for pair in pairs)))


def read_table(path):
    rows, section = [], None
    with open(path) as f:
        for line in f.read().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line.startswith("== "):
                rows.append(Row(section, line))
            elif line.startswith("want "):
                rows[-1].add_want(line[5:])
    return rows


def parse_record(line):
    pairs = re.findall(r'([a-z0-9_]+)=("[^"]*"|\S*)', line)
    return {key: value.strip('"') for key, value in pairs}


class Story:
    """What happened to one row in the guest."""

    def __init__(self):
        self.records, self.after_undo, self.end = [], [], {}

    def all(self):
        return self.records + self.after_undo


def read_stories(text):
    stories, story, records = {}, None, None
    for line in text.splitlines():
        if line.startswith("== "):
            story = stories.setdefault(line[3:], Story())
            records = story.records
        elif line == "-- undo":
            records = story.after_undo
        elif line.startswith("-- end "):
            story.end = parse_record(line)
        elif records is not None:
            records.append(line)
    return stories


def read_starts(guest):
    """When each row's change was made: {id: seconds}"""
    starts, current = {}, None
    for line in guest.lines:
        mark = line.mark or ""
        if mark.startswith("row "):
            current = mark[4:]
            starts[current] = line.stamp
        elif mark.startswith("undo "):
            current = None
        elif current and line.text.endswith("attack: now"):
            starts[current] = line.stamp
    return starts


def is_match(alternatives, value):
    return any(fnmatch.fnmatchcase(value, one) for one in alternatives.split("|"))


def is_wanted(record, want):
    return (is_match(want.type, record.get("type", "")) and
            is_match(want.severity, record.get("severity", "")) and
            all(key in record and is_match(pattern, record[key])
                for key, pattern in want.keys.items()))


def judge_want(want, records, start, is_timed):
    """Return: (seconds or None, complaint or None, record)"""
    for record in records:
        if not is_wanted(record, want):
            continue
        # Two clocks of an emulated machine are some milliseconds apart.
        seconds = max(float(record["ts"]) - start, 0.0)
        if seconds > WITHIN_S[want.within] and is_timed:
            return seconds, f"{want.type} came after {seconds:.2f} s", record
        return seconds, None, record
    keys = " ".join(f"{k}={v}" for k, v in want.keys.items())
    return None, f"no {want.severity} {want.type} {keys}", None


def check_row(guest, row, story, start, report, told):
    name = f"{guest.name}: {row.id}: {row.title}"
    if story is None or start is None:
        report(False, name, ["it was not done"])
        return
    faults = []
    if story.end.get("do") != "0":
        faults.append(f"the attack itself failed: {story.end}")
    if story.end.get("undo") != "0":
        faults.append(f"it was not undone: {story.end}")
    records = [parse_record(line) for line in story.records]
    is_timed = bool(os.environ.get("LKSM_VM_WHOLE")) and not guest.name.startswith("debug-")
    seconds, module, target = [], False, False
    for want in row.wants:
        took, complaint, record = judge_want(want, records, start, is_timed)
        if complaint:
            faults.append(complaint)
        if record:
            seconds.append(took)
            module |= bool(record.get("module"))
            target |= any(record.get(key) for key in
                          ("what", "symbol", "tracepoint", "task", "name", "path", "how",
                           "missing", "target"))
    is_seen = len(seconds) == len(row.wants)
    told.append({"id": row.id, "title": row.title, "section": row.section,
                 "seconds": max(seconds) if is_seen and seconds else None,
                 "in_time": is_seen and not faults, "module": module, "target": target,
                 "type": "+".join(want.type for want in row.wants)})
    report(not faults, name, faults + ["seen:"] + story.records)


def check_control(guest, row, story, report, told):
    name = f"{guest.name}: {row.id}: {row.title}"
    if story is None:
        report(False, name, ["it was not done"])
        return
    faults = []
    if story.end.get("do") != "0" or story.end.get("undo") != "0":
        faults.append(f"the control itself failed: {story.end}")
    alarms = [line for line in story.all()
              if parse_record(line).get("severity") in ("high", "critical")]
    records = [parse_record(line) for line in story.records]
    for want in row.wants:
        if not any(is_wanted(record, want) for record in records):
            faults.append(f"no {want.severity} {want.type}")
    told.append({"id": row.id, "title": row.title, "section": row.section,
                 "alarms": len(alarms)})
    report(not faults and not alarms, name, faults + alarms)


def check_kernel_log(guest, report):
    """Attacks say what they do; a complaint of the kernel's is another thing."""
    splats, is_excused = [], False
    for line in guest.lines:
        if not line.is_kernel or line.is_sensor:
            continue
        is_excused |= bool(OF_THE_ATTACK.fullmatch(line.text.strip()))
        if SPLAT.search(line.text) and not is_excused:
            splats.append(line.text)
        is_excused &= not line.text.startswith(END_OF_TRACE)
    report(not splats, f"{guest.name}: the kernel does not complain", splats)


def check(guest, tree, series, scenario, report):
    kind, section = scenario.split("-", 1)
    rows = [row for row in read_table(os.path.join(tree, f"tests/vm/{kind}/table"))
            if row.section == section and row.is_for(series)]
    pattern = os.environ.get("LKSM_VM_ROWS", "*")
    stories, starts, told = read_stories(guest.text("rows")), read_starts(guest), []
    for row in rows:
        if not fnmatch.fnmatchcase(row.id, pattern):
            continue
        if kind == "controls":
            check_control(guest, row, stories.get(row.id), report, told)
        else:
            check_row(guest, row, stories.get(row.id), starts.get(row.id), report, told)
    check_kernel_log(guest, report)
    with open(guest.base + ".rows", "w") as f:
        json.dump(told, f)


def cell(row):
    if row is None:
        return "–"
    if "alarms" in row:
        return "quiet" if not row["alarms"] else f"**{row['alarms']} alarms**"
    if row["seconds"] is None:
        return "**not seen**"
    named = " ".join(word for word in ("module", "target") if row[word])
    late = "" if row["in_time"] else " **late or wrong**"
    return f"{row['seconds']:.2f} s, {named}{late}".replace(", **", " **")


def title_of(work, series):
    if series != "newest":
        return series
    with open(os.path.join(work, series + ".release")) as f:
        return re.match(r"[0-9.]+", f.read())[0].rstrip(".")


def table_of(work, told, kind, all_series):
    """Markdown: one line per technique, one column per kernel."""
    titles = [title_of(work, series) for series in all_series]
    lines = [f"| {'technique' if kind == 'attacks' else 'control'} | "
             + ("event | " if kind == "attacks" else "") + " | ".join(titles) + " |"]
    lines.append("|---" * (len(all_series) + (2 if kind == "attacks" else 1)) + "|")
    ids = list(dict.fromkeys(row["id"] for rows in told.values() for row in rows))
    for one in ids:
        of = {series: next((row for row in rows if row["id"] == one), None)
              for series, rows in told.items()}
        some = next(row for row in of.values() if row)
        event = f"`{some['type'].replace('|', '` `')}` | " if kind == "attacks" else ""
        lines.append(f"| {some['title']} | {event}"
                     + " | ".join(cell(of.get(series)) for series in all_series) + " |")
    return lines


def write_docs(tree, work, names):
    """Puts what was judged into docs/detection.md, between the two marks."""
    told = {"attacks": {}, "controls": {}}
    all_series = list(dict.fromkeys(name.split("-", 1)[0] for name in names))
    for name in names:
        series, scenario = name.split("-", 1)
        path = os.path.join(work, name + ".rows")
        kind = scenario.split("-", 1)[0]
        if kind in told and os.path.exists(path):
            with open(path) as f:
                told[kind].setdefault(series, []).extend(json.load(f))
    lines = [BEGIN, "", "Seconds are from the change to the event; `module` and `target` say"
             " what the event names. – means that the kernel has no such thing.", ""]
    lines += table_of(work, told["attacks"], "attacks", all_series)
    lines += ["", "What is lawful, and must stay without an event that is high or critical:",
              ""]
    lines += table_of(work, told["controls"], "controls", all_series)
    lines += ["", END]
    path = os.path.join(tree, "docs/detection.md")
    with open(path) as f:
        text = f.read()
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    with open(path, "w") as f:
        f.write(text[:begin] + "\n".join(lines) + text[end:])
