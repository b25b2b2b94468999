#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Modules from outside the tree: dropped into a folder, they feed; broken, they harm nobody."""
import contextlib
import fcntl
import os
import pathlib
import signal
import subprocess

from lksm_test import ROOT, Skip, equal, main, record, wait_for

LINE = "[PHOTON RING] Kprobe registered for symbol: vfs_read"


def program(folder, name, body):
    path = folder / "modules" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)


def build_heartbeat(folder, *flags, name="heartbeat.so"):
    """Against include/lksm alone: nothing else of the tree is in reach of the compiler."""
    include = folder / "include"
    include.mkdir(exist_ok=True)
    if not (include / "lksm").exists():
        (include / "lksm").symlink_to(ROOT / "include/lksm")
    (folder / "modules").mkdir(exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC",
                    "-shared", f"-I{include}", *flags, "-o", folder / "modules" / name,
                    ROOT / "docs/examples/heartbeat/heartbeat.c"], check=True)


def core(d, but=None):
    """Its process, which may be on its way; another one than that."""
    def find():
        for pid in d.children():
            with contextlib.suppress(OSError):
                if pid != but and pathlib.Path(f"/proc/{pid}/comm").read_text() == "core\n":
                    return pid
        return None
    return wait_for(find, "core")


def start(daemon, folder, *arguments):
    os.chmod(folder, 0o755)
    return daemon("--module-dir", str(folder / "modules"), *arguments).start()


def test_a_compiled_module_feeds(daemon, folder):
    build_heartbeat(folder)
    config = folder / "lksm.yaml"
    config.write_text("modules:\n  heartbeat:\n    interval_ms: 20\n    note: 'still \"here\"'\n")
    d = start(daemon, folder, "--config", str(config))
    wait_for(lambda: len(d.events("heartbeat")) >= 3, "three beats\n" + d.stderr())
    event = d.events("heartbeat")[0]
    equal((event["data"], event["severity"], event["source"]),
          ({"beat": 1, "note": 'still "here"'}, "info", "heartbeat"))
    assert event["ts"] > 0 and event["time"].endswith("Z"), event
    d.stop()


def test_a_shell_script_feeds(daemon, folder):
    program(folder, "greeter.sh",
            """printf '{"type": "greeting", "data": {"n": 1, "deep": {"a": [1, 2.5, null]}},"""
            """ "severity": "medium"}\\n'\nsleep 1000\n""")
    d = start(daemon, folder)
    event = d.wait_events(1, "greeting")[0]
    equal((event["data"], event["severity"], event["source"]),
          ({"n": 1, "deep": {"a": [1, 2.5, None]}}, "medium", "greeter"))
    d.stop()


def test_it_has_its_three_descriptors(daemon, folder):
    """Whatever the daemon itself was started with."""
    program(folder, "lister", """for f in /proc/$$/fd/*; do
        printf '{"type": "descriptor", "data": {"number": %d}}\\n' "${f##*/}"
        done; echo '{"type": "done"}'; sleep 1000\n""")
    os.chmod(folder, 0o755)
    other = fcntl.fcntl(0, fcntl.F_DUPFD, 57)
    d = daemon("--module-dir", str(folder / "modules")).start(pass_fds=[other])
    os.close(other)
    d.wait_events(1, "done")
    numbers = {e["data"]["number"] for e in d.events("descriptor")}
    assert {0, 1, 2} <= numbers and other not in numbers, numbers
    d.stop()


def test_the_bad_do_not_disturb_the_good(daemon, folder):
    program(folder, "crasher", "kill -SEGV $$\n")
    program(folder, "hanger", "sleep 100000\n")
    program(folder, "babbler", "while :; do echo nonsense; sleep 0.05; done\n")
    program(folder, "flooder", "exec yes '{\"type\": \"flood\"}'\n")
    program(folder, "good", "echo '{\"type\": \"good\"}'; sleep 1000\n")
    d = start(daemon, folder)
    d.wait_events(1, "good")
    sent = 0
    for _ in range(20):
        d.append(b"".join(record(i, LINE) for i in range(sent, sent + 50)))
        sent += 50
        wait_for(lambda: d.events("kprobe_registered")[-1:] and
                 d.events("kprobe_registered")[-1]["stream_seq"] == sent - 1, "the records")
    equal([e["stream_seq"] for e in d.events("kprobe_registered")], list(range(sent)))
    failed = lambda: {e["data"]["module"] for e in d.events("module_failed")}
    wait_for(lambda: failed() >= {"crasher", "babbler"}, "the broken ones named")
    wait_for(lambda: any(e["data"]["stream"] == "module:flooder"
                         for e in d.events("records_lost")), "the flood counted")
    d.stop()


def test_a_core_that_is_killed_loses_nothing_of_a_module(daemon, folder):
    """Half a line in the pipe, lines read and not logged, events in flight: each is there once."""
    kills, lines = 40, 500
    os.mkfifo(folder / "words")
    program(folder, "counter", f"exec cat {folder}/words\n")
    config = folder / "lksm.yaml"
    config.write_text("modules:\n  rate_limit: 0\n")
    d = start(daemon, folder, "--config", str(config))
    with open(folder / "words", "w", encoding="ascii") as words:
        pid = core(d)
        for i in range(kills):
            for n in range(i * lines, (i + 1) * lines):
                words.write('{"type": "count", "data": {"n": %d}}\n' % n)
            words.write('no\n{"type": "half", ')
            words.flush()
            os.kill(pid, signal.SIGKILL)
            words.write(f'"data": {{"n": {i}}}}}\n')
            pid = core(d, but=pid)
    wait_for(lambda: len(d.events("half")) >= kills, "the last")
    nonsense = lambda: sum(e["data"].get("count", 0) for e in d.events("module_failed"))
    wait_for(lambda: nonsense() >= kills, "the nonsense counted")
    equal([e["data"]["n"] for e in d.events("count")], list(range(kills * lines)))
    equal([e["data"]["n"] for e in d.events("half")], list(range(kills)))
    equal((nonsense(), d.events("records_lost")), (kills, []))
    restarts = lambda: sum(e["data"]["process"] == "core" for e in d.events("process_restarted"))
    wait_for(lambda: restarts() >= kills, "the kills told")
    equal(restarts(), kills)
    d.check_seqs()


def test_who_takes_all_memory_is_not_spared(daemon, folder):
    """As by OOMScoreAdjust of the service: core is, and a module is not."""
    program(folder, "hog", "echo '{\"type\": \"pid\", \"data\": {\"pid\": '$$'}}'\nexec sleep 1000\n")
    os.chmod(folder, 0o755)
    d = daemon("--module-dir", str(folder / "modules"), dashboard=True).start()

    def scores():
        found = {}
        for proc in (pathlib.Path(f"/proc/{pid}") for pid in d.children()):
            with contextlib.suppress(OSError):
                found[(proc / "comm").read_text().strip()] = int((proc / "oom_score_adj").read_text())
        return {name: found.get(name) for name in ("core", "web", "sleep")}
    d.wait_events(1, "pid")
    try:
        pathlib.Path(f"/proc/{d.process.pid}/oom_score_adj").write_text("-500")
    except PermissionError as error:
        raise Skip("we may not spare a process") from error
    for pid in d.children():
        os.kill(pid, signal.SIGKILL)
    d.wait_events(2, "pid")
    wait_for(lambda: scores() == {"core": -500, "web": 0, "sleep": 0}, "the scores")
    d.stop()


def test_a_reload_in_the_midst_of_a_line_loses_nothing(daemon, folder):
    os.mkfifo(folder / "words")
    program(folder, "counter", f"exec cat {folder}/words\n")
    d = start(daemon, folder)
    with open(folder / "words", "w", encoding="ascii") as words:
        for n in range(5):
            words.write(f'{{"type": "before", "data": {{"n": {n}}}}}\n{{"type": "half", ')
            words.flush()
            d.wait_events(n + 1, "before")  # and so core has read the half of it, too
            pid = core(d)
            d.process.send_signal(signal.SIGHUP)
            core(d, but=pid)
            words.write(f'"data": {{"n": {n}}}}}\n')
        words.flush()
        wait_for(lambda: len(d.events("half")) >= 5, "the last\n" + d.stderr())
        equal(d.events("module_failed"), [])  # it still runs
    equal([e["data"]["n"] for e in d.events("half")], list(range(5)))
    d.stop()


def test_refused_modules_are_named_with_the_reason(daemon, folder):
    (folder / "modules").mkdir()
    (folder / "modules" / "noise.so").write_bytes(b"not a library")
    (folder / "modules" / "kprobe_reader.sh").write_text("#!/bin/sh\nsleep 1000\n")
    (folder / "modules" / "kprobe_reader.sh").chmod(0o755)
    d = start(daemon, folder)
    refused = lambda: [e["data"] for e in d.events("module_refused")]
    wait_for(lambda: {r["module"] for r in refused()} >= {"kprobe_reader", "noise"},
             "both refusals")
    d.append(record(0, LINE))
    d.wait_events(1, "kprobe_registered")
    d.stop()


def test_one_that_others_can_write_is_refused(daemon, folder):
    if os.geteuid():
        return  # what an ordinary user runs is his own affair
    build_heartbeat(folder)
    (folder / "modules/heartbeat.so").chmod(0o666)
    d = start(daemon, folder)
    wait_for(lambda: any("heartbeat" in e["data"]["module"] for e in
                         d.events("module_refused") + d.events("module_failed")), "the refusal")
    equal(d.events("heartbeat"), [])
    d.stop()


if __name__ == "__main__":
    main(globals())
