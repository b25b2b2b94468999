# SPDX-License-Identifier: Apache-2.0
"""W1, W2, W1k, W2k: a saved log; and others at W1."""
import json
import pathlib
import shutil
import subprocess

from measure import (CPU, Line, OTHER_CPU, Skip, Wrong, cpu_of, need, pinned, same_bytes,
                     wait_for)

MILLION = 1000000
SIZES = (MILLION, 5 * MILLION)
RSS_MIB = 16


def replay(bench, path, *options, name="out", stdin=None):
    out = bench.output(name)
    return bench.run([bench.lksm, "replay", *options, "-o", out, path], stdin=stdin)


def floor(bench, work, path, name="floor-out"):
    return bench.run([bench.tool("floor"), work, path, bench.output(name)])


def rate(lines, usages):
    """Million lines per second of processor time."""
    return [lines / usage.cpu_s / 1e6 for usage in usages]


def line(row, work, lines, usages, other, theirs, at_least):
    """Speeds are shown, and compared by the time that the same number of lines took."""
    return Line(row, work, [u.cpu_s for u in usages], "CPU s", other,
                [u.cpu_s for u in theirs], at_least=at_least)


def check_w1(bench, path):
    replay(bench, path, "--fields", "seed")
    floor(bench, "w1", path)
    same_bytes(bench.folder / "out", bench.folder / "floor-out")


def w1(bench):
    """W1: the sensor's lines of dmesg text"""
    for lines in SIZES:
        path = bench.corpus("dmesg", lines)
        check_w1(bench, path)
        ours, theirs = bench.take_turns(lambda: replay(bench, path, "--fields", "seed"),
                                        lambda: floor(bench, "w1", path))
        work = f"replay --fields seed, {lines // MILLION} M lines"
        yield line("W1", work, lines, ours, "floor", theirs, 0.8)
        yield Line("W1", work + ": memory", [u.rss_mib for u in ours], "MiB", at_most=RSS_MIB)
        if lines == MILLION:
            yield from w1_pipe(bench, path, lines)
        else:
            bench.forget("dmesg", lines)


def w1_pipe(bench, path, lines):
    def piped():
        with subprocess.Popen(pinned(OTHER_CPU, ["cat", path]), stdout=subprocess.PIPE) as cat:
            return replay(bench, "-", "--fields", "seed", name="piped", stdin=cat.stdout)
    ours, theirs = bench.take_turns(piped, lambda: floor(bench, "w1", path))
    same_bytes(bench.folder / "piped", bench.folder / "floor-out")
    yield line("W1", "the same from a pipe", lines, ours, "floor", theirs, 0.5)
    yield Line("W1", "the same from a pipe: memory", [u.rss_mib for u in ours], "MiB",
               at_most=RSS_MIB)


def compare_w2(ours, theirs):
    """The floor calls each line a kernel_message and knows no escapes: the others are equal."""
    n = 0
    with open(ours, "rb") as f, open(theirs, "rb") as g:
        for a, b in zip(f, g, strict=True):
            n += a == b
            if a != b and b"\\\\x" not in b and b"[PHOTON RING]" not in b:
                raise Wrong(f"{a!r} and {b!r} differ")
    if not n:
        raise Wrong("no line is equal")


def check_w2(bench, path):
    replay(bench, path, "--all", "--fields", "seed")
    floor(bench, "w2", path)
    compare_w2(bench.folder / "out", bench.folder / "floor-out")


def w2(bench):
    """W2: every line of dmesg text an event"""
    for lines in SIZES:
        path = bench.corpus("dmesg", lines)
        check_w2(bench, path)
        seed, full, theirs = bench.take_turns(
            lambda: replay(bench, path, "--all", "--fields", "seed"),
            lambda: replay(bench, path, "--all"), lambda: floor(bench, "w2", path))
        work = f"replay --all, {lines // MILLION} M lines, "
        yield line("W2", work + "seed fields", lines, seed, "floor", theirs, 0.75)
        yield line("W2", work + "full fields", lines, full, "floor", theirs, 0.4)
        yield Line("W2", work + "full fields: memory", [u.rss_mib for u in full], "MiB",
                   at_most=RSS_MIB)
        if lines != MILLION:
            bench.forget("dmesg", lines)


def raw(bench, row, *options):
    dmesg, kmsg = bench.corpus("dmesg", MILLION), bench.corpus("kmsg", MILLION)
    ours, theirs = bench.take_turns(
        lambda: replay(bench, kmsg, *options, "--fields", "seed", name="from-kmsg"),
        lambda: replay(bench, dmesg, *options, "--fields", "seed", name="from-dmesg"))
    same_bytes(bench.folder / "from-kmsg", bench.folder / "from-dmesg")
    yield line(row, "raw records, 1 M", MILLION, ours, "dmesg text", theirs, 0.8)


def w1k(bench):
    """W1k: the sensor's lines of raw records"""
    yield from raw(bench, "W1k")


def w2k(bench):
    """W2k: every raw record an event"""
    yield from raw(bench, "W2k", "--all")


AWK = r"""match($0, /\[PHOTON RING\] */) {
	text = substr($0, RSTART + RLENGTH)
	stamp = $0; sub(/^[^[]*\[ */, "", stamp); sub(/\].*/, "", stamp)
	gsub(/\\/, "&&", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\u0009", text)
	type = "photon_ring_generic"
	if (text ~ /SUSPICIOUS/) type = "suspicious_probe"
	else if (text ~ /^Kprobe registered/) type = "kprobe_registered"
	else if (text ~ /^Module loaded/) type = "module_loaded"
	printf "{\"seq\": %d, \"ts\": %s, \"type\": \"%s\", \"data\": {\"message\": \"%s\"}}\n",
		seq++, stamp, type, text
}"""
JQ = r"""capture("\\[ *(?<ts>[0-9.]+)\\] \\[PHOTON RING\\] (?<message>.*)") |
	{ts: (.ts | tonumber), type: (if .message | contains("SUSPICIOUS") then "suspicious_probe"
	elif .message | startswith("Kprobe registered") then "kprobe_registered"
	elif .message | startswith("Module loaded") then "module_loaded"
	else "photon_ring_generic" end), data: {message}}"""


def mawk(path, out):
    return ["sh", "-c", '"$1" "$2" "$3" >"$4"', "sh", need("mawk"), AWK, path, out]


def jq(path, out):
    return ["sh", "-c", '"$1" -Rc "$2" "$3" >"$4"', "sh", need("jq"), JQ, path, out]


RSYSLOG = """global(workDirectory="{folder}")
module(load="imfile" mode="inotify")
input(type="imfile" file="{path}" tag="kernel" ruleset="w1")
template(name="event" type="list") {{
	constant(value="{{\\"type\\": \\"photon_ring\\", \\"data\\": {{\\"message\\": \\"")
	property(name="msg" format="json")
	constant(value="\\"}}}}\\n")
}}
ruleset(name="w1") {{
	if $msg contains "[PHOTON RING]" then action(type="omfile" file="{out}" template="event")
}}
"""


def rsyslog(bench, path, n_events):
    """It follows the file for ever: CPU seconds until the last line is out. Classes, stamp and
    number are left out: it does less than the others."""
    usr = pathlib.Path(bench.tool("peers/usr")).resolve()
    if not (usr / "sbin/rsyslogd").exists():
        raise Skip("script/bootstrap bench has not unpacked rsyslog")
    folder = bench.folder / "rsyslog"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    out, config = folder / "out", folder / "conf"
    config.write_text(RSYSLOG.format(folder=folder, path=path, out=out), encoding="ascii")
    modules = next((usr / "lib").glob("*/rsyslog"))
    process = subprocess.Popen(
        pinned(CPU, [usr / "sbin/rsyslogd", "-n", "-f", config, "-i", folder / "pid", "-M", modules]),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: process.poll() is not None or
                 (out.exists() and out.read_bytes().count(b"\n") >= n_events), "rsyslog", pause_s=0.1)
        if process.poll() is not None:
            raise Skip("rsyslogd does not run here")
        return cpu_of([process.pid])
    finally:
        process.terminate()
        process.wait()


def check_counts(out, truth, full_types):
    """Each peer must have found the events; not all give the sensor's third type a name."""
    counts = {}
    with open(out, encoding="utf-8") as f:
        for text in f:
            kind = json.loads(text)["type"]
            counts[kind] = counts.get(kind, 0) + 1
    wanted = {k: n for k, n in truth.items() if k != "records"}
    if not full_types:
        wanted["photon_ring_generic"] += wanted.pop("module_loaded")
    if counts != wanted:
        raise Wrong(f"{counts} is not {wanted}")


def peers(bench):
    """peers: W1 beside plain C, mawk, the Python original's shape, jq, rsyslog"""
    path, lines = bench.corpus("dmesg", MILLION), MILLION
    truth = json.loads(path.with_name(path.name + ".truth").read_text())
    commands = {
        "plain C": lambda out: [bench.tool("baseline"), path, out],
        "mawk": lambda out: mawk(path, out),
        "Python original's shape": lambda out: ["python3", bench.source("original.py"), path, out],
        "jq": lambda out: jq(path, out),
    }
    for name, command in commands.items():
        try:
            command(bench.output("peer"))
        except Skip as skip:
            yield skip
            continue
        ours, theirs = bench.take_turns(lambda: replay(bench, path, "--fields", "seed"),
                                        lambda: bench.run(command(bench.output("peer"))))
        check_counts(bench.folder / "peer", truth, name != "Python original's shape")
        yield Line("W1", f"beside {name}", [u.cpu_s for u in ours], "CPU s", name,
                   [u.cpu_s for u in theirs])
    n_events = sum(truth.values()) - truth["records"]
    ours, theirs = bench.take_turns(lambda: replay(bench, path, "--fields", "seed"),
                                    lambda: rsyslog(bench, path, n_events))
    yield Line("W1", "beside rsyslog, which only finds them", [u.cpu_s for u in ours], "CPU s",
               "rsyslog", theirs)
