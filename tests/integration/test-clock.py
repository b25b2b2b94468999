#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clock is set under the daemon: order by seq, files by date, and the step is told."""
import calendar
import contextlib
import os
import pathlib
import signal
import struct
import time

from lksm_test import ROOT, equal, main, record, wait_for

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
DAY = 24 * 3600
FAULT = ROOT / "build/tests/libfault.so"  # plays the clock, see its head


class Clock:
    """The daemon's CLOCK_REALTIME, and the kernel's notice that it was set."""

    def __init__(self, folder, start):
        self.file = folder / "clock"
        self.fifo = folder / "clock-set"
        os.mkfifo(self.fifo)
        self.notice = os.open(self.fifo, os.O_RDWR)
        self.offset = 0
        self.file.write_bytes(bytes(8))
        self.put(start - int(time.time()))
        self.env = {"LD_PRELOAD": str(FAULT), "LKSM_CLOCK": str(self.file),
                    "LKSM_CLOCK_SET": str(self.fifo)}

    def put(self, offset):
        self.offset = offset
        with open(self.file, "r+b", buffering=0) as f:  # the daemon has it mapped
            f.write(struct.pack("=q", offset))

    def step(self, seconds):
        self.put(self.offset + seconds)
        os.write(self.notice, b"!")


def run(daemon, folder, start, steps, zone="UTC"):
    """Records before, between and after the steps. Give back all events and the daemon."""
    clock = Clock(folder, calendar.timegm(time.strptime(start, "%Y-%m-%d %H:%M:%S")))
    config = folder / "lksm.yaml"
    config.write_text("output:\n  compress_after_days: 0\n")
    d = daemon("--config", str(config), env={**clock.env, "TZ": zone}).start()
    n = 0
    for i, step in enumerate([None, *steps]):
        if step is not None:
            clock.step(step)
            wait_for(lambda: len(d.events("clock_jumped")) >= i, "the step to be told")
        d.append(b"".join(record(j, TEXT) for j in range(n, n + 10)))
        n += 10
        wait_for(lambda: d.events() and d.events()[-1].get("stream_seq") == n - 1, "the records")
    d.stop()
    events = d.events()
    equal([e["stream_seq"] for e in events if "stream_seq" in e], list(range(n)))
    d.check_seqs()
    return d, events


def core_of(d):
    for pid in d.children():
        with contextlib.suppress(OSError):  # it may be on its way
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "core\n":
                return pid
    return None


def jumps(events):
    """In seconds; the last digits are the time that passed while the test set the clock."""
    return [round(e["data"]["step_us"] / 1e6) for e in events if e["type"] == "clock_jumped"]


def files(d):
    return [p.name for p in sorted(d.logs.glob("*.jsonl"))]


def test_a_day_forth_and_back(daemon, folder):
    d, events = run(daemon, folder, "2026-06-10 12:00:00", [DAY, -DAY, -DAY])
    equal(jumps(events), [DAY, -DAY, -DAY])
    # the file date never goes back; what each line's own time says, does
    equal(files(d), ["lksm_events_2026-06-10.jsonl", "lksm_events_2026-06-11.jsonl"])
    told = [e for e in events if e["type"] == "clock_jumped"][0]
    assert told["data"]["from"].startswith("2026-06-10T12:0"), told
    assert told["data"]["to"].startswith("2026-06-11T12:0"), told
    assert told["time"].startswith("2026-06-11T12:0"), told


def test_midnight(daemon, folder):
    d, events = run(daemon, folder, "2026-12-31 23:59:00", [60])
    equal(jumps(events), [60])
    equal(files(d), ["lksm_events_2026-12-31.jsonl", "lksm_events_2027-01-01.jsonl"])


def test_down_at_midnight(daemon, folder):
    """Killed on one day, started on the next; what is at hand goes into the new day's log."""
    clock = Clock(folder, calendar.timegm((2026, 12, 31, 23, 59, 0)))
    d = daemon(env={**clock.env, "TZ": "UTC"}).start()
    d.append(b"".join(record(i, TEXT) for i in range(5)))
    d.wait_events(5)
    d.kill()
    clock.put(clock.offset + 60)
    d.append(b"".join(record(i, TEXT) for i in range(5, 9)))
    d.start()
    events = d.wait_events(9)
    d.stop()
    equal([e["stream_seq"] for e in events], list(range(9)))
    equal([(d.logs / name).read_bytes().count(b'"stream_seq"') for name in files(d)], [5, 4])


def test_2038(daemon, folder):
    d, events = run(daemon, folder, "2038-01-19 03:14:00", [60, DAY])
    equal(files(d), ["lksm_events_2038-01-19.jsonl", "lksm_events_2038-01-20.jsonl"])
    last = [e for e in events if e["type"] == "clock_jumped"][-1]
    assert last["time"].startswith("2038-01-20T03:15"), last


def test_summer_time(daemon, folder):
    """03-29 has 23 hours, 10-25 has 25: the local date decides."""
    d, _ = run(daemon, folder, "2026-03-28 22:59:00", [60, 22 * 3600, 3600, 3600],
               zone="CET-1CEST,M3.5.0,M10.5.0/3")
    equal(files(d), ["lksm_events_2026-03-28.jsonl", "lksm_events_2026-03-29.jsonl",
                     "lksm_events_2026-03-30.jsonl"])


def test_set_to_what_it_was_is_no_news(daemon, folder):
    clock = Clock(folder, int(time.time()))
    d = daemon(env=clock.env).start()
    d.append(record(0, TEXT))
    d.wait_events(1)
    os.write(clock.notice, b"!")
    clock.step(5)
    wait_for(lambda: d.events("clock_jumped"), "the step to be told")
    d.stop()
    equal(jumps(d.events()), [5])


def test_a_core_that_is_killed_forgets_no_step(daemon, folder):
    """The clock is set while there is no core, or by a core that may not live to write it."""
    clock = Clock(folder, int(time.time()))
    d = daemon(env=clock.env).start()
    for n in range(1, 9):
        core = wait_for(lambda: core_of(d), "core")
        os.kill(core, signal.SIGKILL)
        clock.step(n)
        wait_for(lambda: core_of(d) not in (core, None), "another core")
    wait_for(lambda: sum(jumps(d.events())) >= sum(range(1, 9)), "the steps to be told")
    d.stop()
    equal(sum(jumps(d.events())), sum(range(1, 9)))  # two that came together may be one
    d.check_seqs()


if __name__ == "__main__":
    main(globals())
