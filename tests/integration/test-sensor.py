#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sensor's own channel, played by a file: who is believed, and what survives."""
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
from lksm_test import ROOT, equal, main, record, wait_for  # noqa pylint: disable=C0413
import power_disk  # noqa pylint: disable=C0413

A, B = "00000000000000aa", "00000000000000bb"
TAG = "[PHOTON RING] "
LOADED = "Module loaded: %s by uid 0"


def header(instance=A, first=0, after=0):
    return (f"lksm_version=1 sensor=0.1.0 instance={instance} boot_id=unknown "
            f"first={first} next={after}\n").encode()


def loaded(seq, name, us=None):
    """A record whose mirror is a sentence."""
    us = 1000000 + seq * 1000 if us is None else us
    return (f'seq={seq} ts={us // 1000000}.{us % 1000000:06} mirror="{LOADED % name}" '
            f"type=module_loaded severity=medium module={name} pid=7 comm=insmod uid=0\n").encode()


def mirror(number, seq, name):
    """Its line in the kernel log, where it has a number of its own."""
    return record(number, TAG + LOADED % name, us=1000000 + seq * 1000 + 20)


def give(path, data, mode="ab"):
    with open(path, mode) as f:
        f.write(data)


def brief(events):
    return [(e["type"], e["stream"].split(":")[0], e["stream_seq"])
            for e in events if "stream" in e]


def test_the_record_is_the_event_and_its_mirror_only_an_echo(daemon, _):
    d = daemon()
    give(d.proc, header() + loaded(0, "a") + loaded(1, "b"))
    d.append(mirror(0, 0, "a") + mirror(1, 1, "b") +
             record(2, TAG + "type=x severity=high k=1", us=1005000))
    give(d.proc, b"seq=2 ts=1.004000 type=x severity=high k=1\n")
    d.start()
    events = d.wait_events(3)
    equal([(e["type"], e["stream"], e["stream_seq"], e["severity"], e["source"])
           for e in events],
          [("module_loaded", "proc:" + A, 0, "medium", "kprobe_reader"),
           ("module_loaded", "proc:" + A, 1, "medium", "kprobe_reader"),
           ("x", "proc:" + A, 2, "high", "kprobe_reader")])
    equal(events[0]["data"], {"module": "a", "pid": 7, "comm": "insmod", "uid": 0})
    equal((events[0]["ts"], events[2]["data"]), (1.0, {"k": 1}))
    time.sleep(2.5)  # longer than a line may wait
    d.wait_events(3)
    d.stop()
    d.start()
    give(d.proc, loaded(3, "c"))
    d.append(mirror(3, 3, "c"))
    equal(d.wait_events(4)[3]["data"]["module"], "c")
    d.stop()
    d.wait_events(4)


def test_a_line_without_record_is_suspected_after_two_seconds(daemon, _):
    d = daemon()
    give(d.proc, header() + loaded(0, "a"))
    d.append(mirror(0, 0, "a") + mirror(1, 0, "a") + mirror(2, 9, "evil"))
    begin = time.monotonic()
    d.start()
    events = d.wait_events(3)
    assert time.monotonic() - begin >= 2
    equal([(e["data"]["line"], e["data"]["reason"], e["severity"], e["stream_seq"])
           for e in events[1:]],
          [(TAG + LOADED % "a", "no_record", "high", 1),
           (TAG + LOADED % "evil", "no_record", "high", 2)])
    d.stop()


def test_a_record_that_comes_late_takes_its_mirror(daemon, _):
    d = daemon()
    give(d.proc, header() + loaded(0, "a"))
    d.start()
    d.wait_events(1)
    d.append(mirror(0, 1, "b"))
    time.sleep(1)  # less than a line may wait
    give(d.proc, loaded(1, "b"))
    equal(brief(d.wait_events(2))[1], ("module_loaded", "proc", 1))
    time.sleep(2)
    d.wait_events(2)
    d.stop()


def test_older_lines_are_unverified(daemon, _):
    d = daemon()
    give(d.proc, header() + loaded(0, "a"))
    d.append(record(0, TAG + LOADED % "old", us=900000) + mirror(1, 0, "a"))
    d.start()
    events = d.wait_events(2)
    equal([(e["type"], e.get("tags")) for e in events],
          [("module_loaded", None), ("module_loaded", ["unverified"])])
    equal(events[1]["data"], {"module": "old", "uid": 0})
    d.stop()


def test_lost_records_are_told_exactly(daemon, _):
    d = daemon()
    give(d.proc, header(first=3, after=4) + loaded(3, "a") +
         b"type=records_lost severity=high stream=proc reason=overrun first=4 last=8 count=5\n" +
         loaded(9, "b") + loaded(12, "c"))
    d.append(mirror(0, 5, "lost"))  # nobody knows: its record may be one of those
    d.start()
    events = d.wait_events(7)
    lost = [e for e in events if e["type"] == "records_lost"]
    equal([(e["severity"], e["data"]["first"], e["data"]["last"], e["data"]["reason"])
           for e in lost],
          [("info", 0, 2, "before_start"), ("high", 4, 8, "overrun"), ("high", 10, 11, "gap")])
    equal([e["data"]["stream"] for e in lost], ["proc:" + A] * 3)
    equal((events[6]["type"], events[6]["tags"]), ("module_loaded", ["unverified"]))
    d.stop()


def test_gone_and_back_in_mid_stream(daemon, _):
    d = daemon()
    give(d.proc, header() + loaded(0, "a") + loaded(1, "b"))
    d.start()
    d.wait_events(2)
    begin = time.monotonic()
    d.proc.unlink()
    gone = d.wait_events(1, "sensor_gone")[0]
    assert time.monotonic() - begin < 1
    equal((gone["severity"], gone["data"]), ("critical", {"instance": A, "last": 1}))
    give(d.proc, header(B) + loaded(0, "c"))
    back = d.wait_events(1, "sensor_back")[0]
    equal((back["severity"], back["data"]), ("info", {"instance": B, "first": 0}))
    events = [e for e in wait_for(lambda: len(d.events("module_loaded")) == 3 and d.events(),
                                  "the record of the other instance")]
    equal([(e["stream"], e["stream_seq"]) for e in events if e["type"] == "module_loaded"],
          [("proc:" + A, 0), ("proc:" + A, 1), ("proc:" + B, 0)])
    d.stop()
    before = d.lines()
    d.start()
    give(d.proc, loaded(1, "d"))
    wait_for(lambda: len(d.lines()) > len(before), "the next record")
    equal(brief(d.events())[-1], ("module_loaded", "proc", 1))
    equal(len(d.lines()), len(before) + 1)
    d.stop()


def test_a_sensor_that_is_loaded_later_is_found_by_its_first_line(daemon, _):
    d = daemon().start()
    d.append(record(0, TAG + "hello", us=500000))
    equal((d.wait_events(1)[0]["type"], d.events()[0].get("tags")),
          ("photon_ring_generic", None))
    time.sleep(0.2)
    give(d.proc, header() + loaded(0, "a"))
    d.append(mirror(1, 0, "a"))
    equal(brief(d.wait_events(2))[1], ("module_loaded", "proc", 0))
    time.sleep(2.3)
    d.wait_events(2)
    d.stop()


def test_a_silent_sensor_is_found_too(daemon, _):
    d = daemon().start()
    d.append(record(0, TAG + "hello", us=500000))
    d.wait_events(1)
    give(d.proc, header() + loaded(0, "a"))
    equal(brief(d.wait_events(2))[1], ("module_loaded", "proc", 0))
    d.stop()


def test_nonsense_is_told_and_harms_nothing(daemon, _):
    d = daemon()
    give(d.proc, header() + b"what?\nseq=x ts=1 type=a\n" + b"y" * 100000 + b"\n" + loaded(0, "a"))
    d.start()
    events = d.wait_events(2)
    equal(sorted(e["type"] for e in events), ["module_loaded", "source_failed"])
    d.stop()


def test_another_version_is_left_alone(daemon, _):
    d = daemon()
    give(d.proc, header().replace(b"version=1", b"version=2") + loaded(0, "a"))
    d.append(mirror(0, 0, "a"))
    d.start()
    events = d.wait_events(2)
    equal([e["type"] for e in events], ["source_failed", "module_loaded"])
    equal(events[1]["stream"], "kmsg")
    time.sleep(0.5)
    d.wait_events(2)
    d.stop()


def test_kills_neither_lose_nor_repeat_a_line_that_waits(daemon, _):
    """Forged and real lines, mixed; whole daemon or core killed at any moment."""
    d = daemon()
    rng = random.Random(2)
    give(d.proc, header())
    number = seq = 0
    forged = []
    for turn in range(40):
        if not d.process or d.process.poll() is not None:
            d.start()
        for _ in range(rng.randrange(1, 4)):
            name = f"m{seq}"
            if rng.random() < 0.5:
                forged.append(number)
                d.append(mirror(number, seq, f"evil{number}"))
                number += 1
            give(d.proc, loaded(seq, name))
            time.sleep(rng.random() * 0.02)
            d.append(mirror(number, seq, name))
            number += 1
            seq += 1
            time.sleep(rng.random() * (0.4 if turn % 4 == 0 else 0.05))
        if turn % 3:
            d.kill()
        elif d.children():
            os.kill(d.children()[0], signal.SIGKILL)
    if d.process.poll() is not None:
        d.start()
    wait_for(lambda: len(d.events("spoof_suspected")) >= len(forged), "the last forged line")
    time.sleep(2.2)
    d.stop()
    events = [e for e in d.events() if "stream" in e]
    equal(sorted(e["stream_seq"] for e in events if e["type"] == "spoof_suspected"), forged)
    equal([e["stream_seq"] for e in events if e["stream"] == "proc:" + A], list(range(seq)))
    equal({e["type"] for e in events}, {"spoof_suspected", "module_loaded"})
    equal(len(events), len(forged) + seq)


def test_killed_behind_a_line_that_waits(daemon, folder):
    """What waits is on the state page before the line behind it is in the log."""
    def is_old_key_wiped():
        last = power_disk.read_calls(trace)[-2:]
        return ([c.kind for c in last] == [power_disk.WRITE, power_disk.SYNC] and not any(last[0].data)
                and b'"log_sealed"' in d.lines(routine=True)[-1])

    trace = folder / "trace"
    power_disk.make_record(trace, 1 << 20)
    d = daemon(env={"LD_PRELOAD": str(ROOT / "build/tests/libpower.so"), "LKSM_POWER_TRACE": str(trace),
                    "LKSM_OUTPUT_FSYNC": "batch", "LKSM_KERNEL_LOG_ALL": "true"})
    give(d.proc, header() + loaded(0, "a"))
    d.start()
    d.wait_events(1, "module_loaded")
    wait_for(is_old_key_wiped, "a seal, behind which nothing is to be synced")
    power_disk.kill_at_sync(trace)
    d.append(mirror(0, 9, "evil") + record(1, "usb 1-1: new device"))
    wait_for(lambda: d.events("process_restarted"), "another core")
    wait_for(lambda: d.events("spoof_suspected"), "the line that waited")
    d.stop()
    equal(sorted(e["stream_seq"] for e in d.events() if e.get("stream") == "kmsg"), [0, 1])


if __name__ == "__main__":
    main(globals())
