#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lksm replay`: exact counts, and the same events from both forms of one log."""
import fcntl
import json
import os
import subprocess

from lksm_test import LKSM, ROOT, equal, main

LINES = int(os.environ.get("LKSM_TEST_REPLAY_LINES", "100000"))
SAME = ("type", "data", "severity", "ts")


def replay(*arguments, data=None, status=0):
    done = subprocess.run([LKSM, "replay", *map(str, arguments)], input=data,
                          capture_output=True, check=False)
    equal((done.returncode, done.stderr), (status, b""))
    return [json.loads(line) for line in done.stdout.splitlines()]


def corpus(folder, form):
    path = folder / form
    subprocess.run([ROOT / "bench/corpus.py", "--lines", str(LINES), "--form", form, path],
                   check=True)
    return path, json.loads((folder / (form + ".truth")).read_text())


def test_counts_are_the_truth_in_both_forms(_, folder):
    events = {}
    for form in ("dmesg", "kmsg"):
        path, truth = corpus(folder, form)
        events[form] = replay(path)
        counts = {"records": truth["records"]}
        for event in events[form]:
            counts[event["type"]] = counts.get(event["type"], 0) + 1
        equal(counts, truth)
        equal([e["seq"] for e in events[form]], list(range(len(events[form]))))
    pick = lambda form: [{k: e[k] for k in SAME} for e in events[form]]
    assert pick("dmesg") == pick("kmsg")


def test_all_makes_every_record_an_event(_, folder):
    events = {}
    for form in ("dmesg", "kmsg"):
        path, truth = corpus(folder, form)
        events[form] = replay("--all", "--fields", "seed", path)
        equal(len(events[form]), truth["records"])
    assert [{k: e[k] for k in SAME} for e in events["dmesg"]] == \
        [{k: e[k] for k in SAME} for e in events["kmsg"]]


FORMS = {
    "kern.log": b"2026-02-10T12:00:00.000001+01:00 web-1 kernel: [    5.140900] ",
    "kern.log of before": b"Feb  9 12:00:00 web-1 kernel: [    5.140900] ",
    "dmesg": b"[    5.140900] ",
    "dmesg --decode": b"kern  :info  : [    5.140900] ",
    "dmesg -x with caller": b"kern  :info  : [    5.140900] [    T1] ",
    "dmesg --raw": b"<6>[    5.140900] ",
    "kmsg": b"6,1,5140900,-;",
}


def test_every_form_of_one_line(_, folder):
    for name, prefix in FORMS.items():
        for ending in (b"", b"\n", b"\r\n"):
            got = replay("-", data=prefix + b"[PHOTON RING] Module loaded: a by uid 7" + ending)
            if name == "kmsg" and ending == b"\r\n":
                continue  # a carriage return is text there
            equal([(e["type"], e["data"], e["ts"]) for e in got],
                  [("module_loaded", {"module": "a", "uid": 7}, 5.1409)])


def test_dmesg_T_has_wall_time_and_relative_ts(_, folder):
    got = replay("-", data=b"[Tue Feb 10 12:00:00 2026] x\n"
                           b"[Tue Feb 10 12:00:02 2026] [PHOTON RING] Module loaded: a by uid 0\n")
    equal((got[0]["ts"], len(got)), (2.0, 1))
    assert got[0]["time"].startswith("2026-02-10T"), got


def test_a_syslog_holds_others_lines_too(_, __):
    head = b"Feb 10 12:00:00 web-1 "
    got = replay("-", data=head + b"kernel: [    1.000000] [PHOTON RING] Module loaded: a by uid 0\n" +
                 head + b"sshd[7]: [PHOTON RING] Module loaded: b by uid 0\n" + head + b"cron[8]: c\n" +
                 head + b"kernel: [PHOTON RING] Module loaded: d by uid 0\n")
    equal([(e["type"], e["data"].get("module")) for e in got],
          [("module_loaded", "a"), ("spoof_suspected", None), ("module_loaded", "d")])


def test_a_tagged_line_of_user_space_is_suspected(_, folder):
    got = replay("-", data=b"user  :info  : [    1.000000] [PHOTON RING] Module loaded: a by uid 0\n")
    equal([e["type"] for e in got], ["spoof_suspected"])


def test_the_output_is_never_the_input(_, folder):
    path = folder / "log"
    path.write_bytes(b"6,0,0,-;[PHOTON RING] a\n")
    done = subprocess.run([LKSM, "replay", "-o", path, path], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 2)
    assert "give --output another file" in done.stderr, done.stderr
    equal(path.read_bytes(), b"6,0,0,-;[PHOTON RING] a\n")


def test_a_pipe_is_made_large_for_fewer_waits(_, __):
    reading, writing = os.pipe()
    with subprocess.Popen([LKSM, "replay", "-"], stdin=reading, stdout=subprocess.PIPE) as process:
        os.write(writing, b"[    1.000000] [PHOTON RING] x\n")
        os.close(writing)
        equal(len(process.communicate()[0].splitlines()), 1)
    equal(fcntl.fcntl(reading, fcntl.F_GETPIPE_SZ), 1 << 20)
    os.close(reading)


def test_nothing_found_and_bad_use_have_their_exit_codes(_, folder):
    replay("-", data=b"[    1.000000] nothing of ours\n", status=1)
    done = subprocess.run([LKSM, "replay", "/no/such/file"], capture_output=True, check=False)
    equal(done.returncode, 2)
    assert b"/no/such/file: No such file" in done.stderr
    done = subprocess.run([LKSM, "replya"], capture_output=True, check=False)
    assert b"did you mean 'replay'?" in done.stderr, done.stderr


if __name__ == "__main__":
    main(globals())
