#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lksm follow` on a log folder that this test writes. TAP. LKSM names the binary."""
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time

from lksm_test import open_files

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LKSM = os.environ.get("LKSM", os.path.join(ROOT, "build/lksm"))
DEADLINE_S = 60
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def expect(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, not {want!r}")


def line_of(seq, severity="info", message="hello", more=', "host": "h"'):
    return (f'{{"seq": {seq}, "ts": 120.00{seq:04}, "type": "test_event", "data": {{"message": "{message}", '
            f'"n": {seq}}}, "severity": "{severity}", "source": "test", '
            f'"time": "2026-02-10T12:00:00.{seq:06}Z"{more}}}')


class Folder:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.path = self.temporary.name

    def add(self, day, text):
        with open(os.path.join(self.path, f"lksm_events_2026-02-{day}.jsonl"), "a") as file:
            file.write(text)

    def add_lines(self, day, *seqs):
        self.add(day, "".join(line_of(seq) + "\n" for seq in seqs))


class Follow:
    def __init__(self, folder, *arguments, stdout=subprocess.PIPE, env=None):
        self.process = subprocess.Popen(
            [LKSM, "follow", "--log-dir", folder.path, *arguments], stdout=stdout,
            stderr=subprocess.PIPE, env={**os.environ, "TZ": "UTC", **(env or {})})
        self.buffer = b""

    def wait_until_at_rest(self):
        """It has read all there is: it watches the folder and sleeps, twice in a row."""
        base, n, end = f"/proc/{self.process.pid}", 0, time.monotonic() + DEADLINE_S
        while n < 10:
            if time.monotonic() > end:
                raise AssertionError("never at rest")
            links = open_files(self.process.pid).values()
            with open(f"{base}/stat") as file:
                is_asleep = file.read().rsplit(")", 1)[1].split()[0] == "S"
            n = n + 1 if is_asleep and any("signalfd" in link for link in links) else 0
            time.sleep(0.01)

    def line(self):
        end = time.monotonic() + DEADLINE_S
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise AssertionError(f"no line; had {self.buffer!r}")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\n", 1)
        return text.decode()

    def stop(self, want=0):
        self.process.send_signal(signal.SIGINT)
        expect(self.process.wait(DEADLINE_S), want, "exit status")


@test
def the_last_lines_then_new_ones():
    folder = Folder()
    folder.add_lines("10", *range(30))
    follow = Follow(folder)
    for seq in range(20, 30):
        expect(follow.line(), f"2026-02-10 12:00:00.000 info     test_event         message=hello n={seq} (test)", "last")
    folder.add_lines("10", 30, 31)
    for seq in (30, 31):
        expect(follow.line().split(" ")[-2], f"n={seq}", "new")
    follow.stop()


@test
def a_number_of_lines():
    folder = Folder()
    folder.add_lines("10", *range(5))
    for n, first in (("0", 5), ("1", 4), ("5", 0), ("99", 0)):
        follow = Follow(folder, "-n", n, "--json")
        follow.wait_until_at_rest()
        folder.add_lines("10", 5)
        for seq in range(first, 6):
            expect(follow.line(), line_of(seq), f"-n {n}")
        follow.stop()
        with open(os.path.join(folder.path, "lksm_events_2026-02-10.jsonl"), "r+") as file:
            file.truncate(len("".join(line_of(seq) + "\n" for seq in range(5))))


@test
def the_next_day_and_the_one_after():
    folder = Folder()
    folder.add_lines("10", 1)
    follow = Follow(folder, "--json")
    expect(follow.line(), line_of(1), "first day")
    folder.add_lines("10", 2)
    folder.add_lines("11", 3)
    folder.add_lines("13", 4)
    for seq in (2, 3, 4):
        expect(follow.line(), line_of(seq), "over midnight")
    folder.add_lines("13", 5)
    expect(follow.line(), line_of(5), "and on")
    follow.stop()


@test
def a_log_that_is_not_there_yet():
    folder = Folder()
    follow = Follow(folder, "--json")
    folder.add_lines("10", 1)
    expect(follow.line(), line_of(1), "the first")
    follow.stop()


@test
def torn_lines_wait_and_cut_ones_are_forgotten():
    folder = Folder()
    folder.add_lines("10", 1)
    follow = Follow(folder, "--json")
    expect(follow.line(), line_of(1), "whole")
    folder.add("10", line_of(2)[:40])
    folder.add("10", line_of(2)[40:] + "\n")
    expect(follow.line(), line_of(2), "in two halves")
    folder.add("10", '{"seq": 3, "torn')
    follow.wait_until_at_rest()
    path = os.path.join(folder.path, "lksm_events_2026-02-10.jsonl")
    with open(path, "r+") as file:
        file.truncate(os.path.getsize(path) - len('{"seq": 3, "torn'))
    follow.wait_until_at_rest()
    folder.add_lines("10", 3)
    expect(follow.line(), line_of(3), "after the cut")
    follow.stop()


@test
def a_log_that_is_put_back_or_begun_anew_is_followed():
    folder = Folder()
    folder.add_lines("10", 1, 2)
    follow = Follow(folder, "--json")
    for seq in (1, 2):
        expect(follow.line(), line_of(seq), "before")
    folder.add("10", line_of(3)[:20])  # cut from the copy
    follow.wait_until_at_rest()
    log = os.path.join(folder.path, "lksm_events_2026-02-10.jsonl")
    for seqs, want in (((1, 2, 4), (4,)), ((5, 6), (5, 6)), ((5, 6, 7), (7,))):
        with open(os.path.join(folder.path, "mended"), "w") as file:
            file.write("".join(line_of(seq) + "\n" for seq in seqs))
        os.unlink(log)
        os.rename(os.path.join(folder.path, "mended"), log)
        for seq in want:
            expect(follow.line(), line_of(seq), "put back")
    folder.add_lines("10", 8)
    expect(follow.line(), line_of(8), "behind it")
    follow.stop()


@test
def severity_and_fields():
    folder = Folder()
    for seq, severity in enumerate(("info", "medium", "high", "critical")):
        folder.add("10", line_of(seq, severity, "a, \\\"}]") + "\n")
    for option, word, shown in (("--min-severity", "high", ((2, "high"), (3, "critical"))),
                                ("--severity", "info,high", ((0, "info"), (2, "high")))):
        follow = Follow(folder, option, word, "--json", "--fields", "seed")
        for seq, severity in shown:
            whole = line_of(seq, severity, "a, \\\"}]")
            expect(follow.line(), whole[:whole.index(', "time"')] + "}", "seed")
        follow.stop()


@test
def filters_choose_the_last_ones_and_the_new_ones():
    folder = Folder()
    folder.add_lines("10", *range(30))
    follow = Follow(folder, "--json", "-n", "2", "n=?")
    for seq in (8, 9):
        expect(follow.line(), line_of(seq), "last")
    folder.add_lines("10", 31, 5, 32)
    folder.add("10", line_of(7, message="other").replace("test_event", "other_event") + "\n")
    for want in (line_of(5), line_of(7, message="other").replace("test_event", "other_event")):
        expect(follow.line(), want, "new")
    follow.stop()


@test
def other_formats_too():
    folder = Folder()
    folder.add_lines("10", 1)
    follow = Follow(folder, "-o", "csv")
    expect(follow.line()[:24], "seq,ts,type,data,severit", "the head of the table")
    expect(follow.line()[:24], "1,120.000001,test_event,", "an event")
    folder.add_lines("10", 2)
    expect(follow.line()[:24], "2,120.000002,test_event,", "no second head")
    follow.stop()


@test
def control_bytes_never_reach_the_terminal():
    folder = Folder()
    folder.add("10", line_of(1, message="a\\u001b[31m\\u0007\\u009b2J\\u202e\\u2028\\n\\\"=\\\\z ü") + "\n")
    expect(Follow(folder).line(),
           '2026-02-10 12:00:00.000 info     test_event         message="a\\x1b[31m\\x07\\x9b2J\\u202e\\u2028\\x0a\\"=\\\\z ü" '
           "n=1 (test)", "escaped")


def on_terminal(folder, env=None):
    leader, follower = pty.openpty()
    follow = Follow(folder, stdout=follower, env=env)
    os.close(follower)
    data = b""
    while b"\n" not in data:
        if not select.select([leader], [], [], DEADLINE_S)[0]:
            raise AssertionError(f"no line; had {data!r}")
        data += os.read(leader, 65536)
    follow.stop()
    os.close(leader)
    return data


@test
def colours_on_a_terminal_only():
    folder = Folder()
    folder.add("10", line_of(1, "critical") + "\n")
    expect(b"\x1b[1;37;41mcritical" in on_terminal(folder, {"NO_COLOR": ""}), True, "coloured")
    expect(b"\x1b" in on_terminal(folder, {"NO_COLOR": "1"}), False, "NO_COLOR")


@test
def a_reader_that_leaves_ends_it():
    folder = Folder()
    folder.add_lines("10", 1)
    follow = Follow(folder)
    follow.line()
    follow.process.stdout.close()
    expect(follow.process.wait(DEADLINE_S), 0, "exit status")
    expect(follow.process.stderr.read(), b"", "quietly")


@test
def lines_that_are_no_events_are_named():
    folder = Folder()
    folder.add("10", "nonsense\n[1]\n{}\n" + line_of(4) + "\n")
    follow = Follow(folder, "--json")
    expect(follow.line(), line_of(4), "the good one")
    follow.stop()
    expect(follow.process.stderr.read().count(b"no event"), 3, "the others are named")


@test
def mistakes_are_explained():
    folder = Folder()
    for arguments, word in ((["--lines", "x"], b"--lines"), (["--severity", "bad"], b"--severity"),
                            (["--fields", "some"], b"--fields"),
                            (["--log-dir", "/nonexistent"], b"no log folder")):
        follow = Follow(folder, *arguments)
        expect(follow.process.wait(DEADLINE_S), 2, f"{arguments}")
        expect(word in follow.process.stderr.read(), True, f"{arguments}")


def main():
    if not os.access(LKSM, os.X_OK):
        print("1..0 # SKIP no lksm: set LKSM")
        return 0
    print(f"1..{len(TESTS)}")
    failed = 0
    for i, function in enumerate(TESTS, 1):
        name = "follow: " + function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {i} - {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {i} - {name}\n# {type(error).__name__}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
