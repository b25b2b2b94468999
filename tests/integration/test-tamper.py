#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The log under attack: told within a second, put right where possible, and never obeyed."""
import ctypes
import json
import os
import signal
import subprocess
import time

from lksm_test import Skip, equal, main, record, wait_for

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"
OUTSIDE = '{"seq": 0, "type": "outside"}\n'
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h
FIRST = 20  # records that are in the log before it is attacked


class Victim:
    """A daemon with some records in its log, and a file outside that nobody may touch."""

    def __init__(self, daemon, folder, **options):
        self.outside = folder / "outside"
        self.outside.write_text(OUTSIDE)
        config = folder / "lksm.yaml"
        config.write_text("output:\n  retention:\n    days: 0\n  compress_after_days: 0\n")
        self.d = daemon("--config", str(config), **options).start()
        self.n = 0
        self.feed(FIRST)
        self.log = next(self.d.logs.glob("*.jsonl"))

    def feed(self, n):
        self.d.append(b"".join(record(i, TEXT) for i in range(self.n, self.n + n)))
        self.n += n
        wait_for(lambda: any(b'"stream_seq": %d}' % (self.n - 1) in x
                             or b'"stream_seq": %d,' % (self.n - 1) in x
                             for x in self.d.lines()[-20:]), "the records")

    def told(self, how, name=None):
        """Wait for the log_tampered event; give back how long it took by its own stamp."""
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        data = {"file": name or self.log.name, "how": how}
        return wait_for(lambda: next((e for e in self.d.events("log_tampered")
                                      if e["data"] == data), None),
                        f"{data}; {self.d.events('log_tampered')}")["ts"] - before

    def check(self, lost=()):
        """Goes on logging; each record once, but those in lost; seq without a gap; all parse."""
        self.feed(5)
        self.d.stop()
        events = self.d.events()
        numbers = [e["stream_seq"] for e in events if e.get("stream") == "kmsg"]
        equal(numbers, [i for i in range(self.n) if i not in lost])
        seqs = [e["seq"] for e in events]
        equal(seqs, sorted(set(seqs)))
        equal(self.outside.read_text(), OUTSIDE)
        return events


def test_deleted(daemon, folder):
    v = Victim(daemon, folder)
    v.log.unlink()
    v.told("deleted")
    wait_for(lambda: v.d.events("log_restored"), "the log to be back")
    v.check()


def test_deleted_again_and_again_under_load(daemon, folder):
    v = Victim(daemon, folder)
    for _ in range(20):
        v.log.unlink()
        v.feed(50)
    v.told("deleted")
    v.check()


def test_renamed(daemon, folder):
    v = Victim(daemon, folder)
    v.log.rename(folder / "elsewhere")
    v.told("renamed")
    wait_for(lambda: v.d.events("log_restored"), "the log to be back")
    v.check()


def test_renamed_to_another_day(daemon, folder):
    v = Victim(daemon, folder)
    v.log.rename(v.d.logs / "lksm_events_2020-01-01.jsonl")
    v.told("renamed")
    wait_for(lambda: v.log.exists() and v.d.events("log_restored"), "the log to be back")
    v.check()


def replaced(daemon, folder, replace):
    v = Victim(daemon, folder)
    v.log.unlink()
    replace(v)
    wait_for(lambda: v.d.events("log_restored"), "the log to be back")
    assert v.d.events("log_tampered")
    event = v.check()
    return v, event


def test_replaced_by_a_symlink(daemon, folder):
    v, _ = replaced(daemon, folder, lambda v: v.log.symlink_to(v.outside))
    assert not v.log.is_symlink()


def test_replaced_by_a_dangling_symlink(daemon, folder):
    v, _ = replaced(daemon, folder, lambda v: v.log.symlink_to(folder / "new"))
    assert not (folder / "new").exists()


def test_replaced_by_a_fifo(daemon, folder):
    replaced(daemon, folder, lambda v: os.mkfifo(v.log))


def test_replaced_by_a_folder(daemon, folder):
    replaced(daemon, folder, lambda v: v.log.mkdir())


def test_replaced_in_one_step(daemon, folder):
    v = Victim(daemon, folder)
    (folder / "mine").symlink_to(v.outside)
    (folder / "mine").rename(v.log)
    v.told("replaced")
    restored = wait_for(lambda: v.d.events("log_restored"), "the log to be back")[0]
    moved_to = v.d.logs / restored["data"]["moved_to"]
    assert moved_to.is_symlink()
    v.check()


def test_hard_linked_to_elsewhere(daemon, folder):
    v = Victim(daemon, folder)
    os.link(v.log, folder / "second")
    v.told("hard_linked")
    wait_for(lambda: v.d.events("log_restored"), "a log with one name")
    before = (folder / "second").read_bytes()
    v.check()
    equal((folder / "second").read_bytes(), before)  # what is outside gets nothing more


def test_replaced_by_a_hard_link(daemon, folder):
    v, _ = replaced(daemon, folder, lambda v: os.link(v.outside, v.log))
    equal(v.log.stat().st_nlink, 1)


def truncated(daemon, folder, size_of, survivors):
    v = Victim(daemon, folder)
    lines = v.d.lines()
    os.truncate(v.log, size_of(lines))
    v.told("truncated")
    lost = wait_for(lambda: v.d.events("log_lines_lost"), "what is lost")[0]["data"]
    equal(lost, {"file": v.log.name, "first": survivors, "last": FIRST - 1,
                 "count": FIRST - survivors, "reason": "truncated"})
    v.check(lost=range(survivors, FIRST))


def test_truncated_to_nothing(daemon, folder):
    truncated(daemon, folder, lambda lines: 0, 0)


def test_truncated_in_the_midst_of_a_line(daemon, folder):
    truncated(daemon, folder, lambda lines: sum(map(len, lines[:7])) + 10, 7)


def test_somebody_else_appends(daemon, folder):
    v = Victim(daemon, folder)
    with open(v.log, "ab") as f:
        f.write(b'{"seq": 7, "half')
    v.told("appended")
    v.check()


def test_changed_in_place(daemon, folder):
    v = Victim(daemon, folder)


    def change():  # between two looks at a log that core writes, an edit is not seen
        with open(v.log, "r+b") as f:
            f.seek(v.log.read_bytes().index(b"nf_table") + 8)
            f.write(b"z")
        os.utime(v.log, (0, 0))
        return v.d.events("log_tampered")

    wait_for(change, "the change to be told")
    v.told("changed")
    v.check()


def test_within_a_second(daemon, folder):
    """The median, for a busy machine's sake."""
    v = Victim(daemon, folder)
    delays = []
    for i in range(9):
        name = f"lksm_events_2020-01-0{i + 1}.jsonl"
        (v.d.logs / name).touch()
        delays.append(v.told("planted", name))
    print("# told after " + ", ".join(f"{1000 * d:.0f}" for d in sorted(delays)) + " ms")
    assert sorted(delays)[4] < 1, delays
    v.check()


def test_mode_changed(daemon, folder):
    v = Victim(daemon, folder)
    v.log.chmod(0o666)
    v.told("attributes")
    v.check()


def test_closed_log(daemon, folder):
    logs = folder / "logs"
    logs.mkdir()
    old = [logs / f"lksm_events_2020-01-0{i}.jsonl" for i in range(1, 7)]
    for path in old:
        path.write_text('{"type": "old"}\n')
    v = Victim(daemon, folder)
    old[0].unlink()
    v.told("deleted", old[0].name)
    with open(old[1], "r+b") as f:
        f.write(b"{ ")
        f.seek(1)
        f.write(b'"')
    v.told("changed", old[1].name)
    os.truncate(old[2], 0)
    v.told("truncated", old[2].name)
    os.link(old[3], folder / "second")
    v.told("hard_linked", old[3].name)
    old[4].unlink()
    old[4].symlink_to(v.outside)
    wait_for(lambda: any(e["data"]["file"] == old[4].name
                         for e in v.d.events("log_tampered")), "the closed log")
    (logs / "lksm_events_2020-02-01.jsonl").touch()
    v.told("planted", "lksm_events_2020-02-01.jsonl")
    v.feed(5)
    v.d.stop()


def test_own_files(daemon, folder):
    """Both are there again, and used: nobody else gets the folder, nothing is read twice."""
    v = Victim(daemon, folder)
    for name in (".state", ".lock"):
        (v.d.logs / name).unlink()
        v.told("deleted", name)
        wait_for((v.d.logs / name).exists, f"{name} to be back")
    v.feed(5)
    other = subprocess.run(v.d.arguments, capture_output=True, text=True, timeout=60,
                           check=False)
    equal(other.returncode, 2)
    equal(v.d.events("process_restarted"), [])
    v.d.stop()
    v.d.start()
    v.check()


def test_the_folder_is_moved(daemon, folder):
    v = Victim(daemon, folder)
    v.d.logs.rename(folder / "moved")
    wait_for(lambda: v.d.logs.exists() and v.d.events("log_tampered"), "the folder to be told of")
    v.told("folder_removed", ".")
    v.check()


def test_the_folder_is_moved_and_somebodys_is_there(daemon, folder):
    """He would have what is logged from now on, and the next token and key: the old one goes on."""
    if os.geteuid():
        raise Skip("only root can give a folder away")
    v = Victim(daemon, folder)
    moved, theirs = folder / "moved", v.d.logs
    moved.mkdir()
    os.chown(moved, 65534, 65534)
    libc = ctypes.CDLL(None, use_errno=True)
    equal(libc.renameat2(AT_FDCWD, bytes(moved), AT_FDCWD, bytes(theirs), RENAME_EXCHANGE), 0)
    v.d.logs = moved
    v.told("folder_removed", ".")
    wait_for(lambda: f"{theirs} is not ours now" in v.d.stderr(), "where it goes on")
    v.check()
    equal(os.listdir(theirs), [])


def test_the_folder_is_removed(daemon, folder):
    v = Victim(daemon, folder)
    os.system(f"rm -rf {v.d.logs}")
    wait_for(lambda: v.d.logs.exists() and v.d.events("log_restored"), "the log to be back")
    v.check()


def at_start(daemon, folder, attack):
    """What was done while no daemon ran; the state page knows what has to be there."""
    v = Victim(daemon, folder)
    v.d.stop()
    last = json.loads(v.d.lines(routine=True)[-1])["seq"]
    attack(v)
    v.d.start()
    lost = v.d.wait_events(1, "log_lines_lost")[0]["data"]
    equal((lost["first"], lost["last"], lost["reason"]), (0, last, "missing_at_start"))
    v.check(lost=range(FIRST))


def test_deleted_before_the_start(daemon, folder):
    at_start(daemon, folder, lambda v: v.log.unlink())


def test_truncated_before_the_start(daemon, folder):
    at_start(daemon, folder, lambda v: os.truncate(v.log, 0))


def test_compressed_before_the_start(daemon, folder):
    at_start(daemon, folder, lambda v: v.log.rename(f"{v.log}.zst"))


def test_replaced_before_the_start(daemon, folder):
    at_start(daemon, folder, lambda v: (v.log.unlink(), v.log.symlink_to(v.outside)))


def test_unreadable_at_the_start(daemon, folder):
    """A second name makes it a file that may be anybody's: not read, not written."""
    at_start(daemon, folder, lambda v: os.link(v.log, folder / "second"))


def test_own_work_raises_nothing(daemon, folder):
    """Rotation at midnight, retention, compression, a reload, a restart, a killed core."""
    logs = folder / "logs"
    logs.mkdir()
    for i in range(1, 7):
        (logs / f"lksm_events_2020-01-0{i}.jsonl").write_text('{"type": "old"}\n' * i)
    config = folder / "lksm.yaml"
    config.write_text("output:\n  retention:\n    days: 100000\n  compress_after_days: 1\n")
    d = daemon("--config", str(config)).start()
    d.append(record(0, TEXT))
    wait_for(lambda: len(list(logs.glob("*.zst"))) == 5, "the compression")
    config.write_text("output:\n  retention:\n    days: 1\n  compress_after_days: 1\n")
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: d.events("config_reloaded"), "the reload")
    d.stop()
    d.start()
    d.append(record(1, TEXT))
    wait_for(lambda: not list(logs.glob("*.zst")), "the retention")
    wait_for(lambda: b'"stream_seq": 1,' in d.tail(), "the core that was started")
    os.kill(d.children()[0], signal.SIGKILL)
    wait_for(lambda: d.events("process_restarted"), "another core")
    for i in range(2, 400):
        d.append(record(i, TEXT))
    wait_for(lambda: b'"stream_seq": 399' in d.lines()[-1], "the last record")
    d.stop()
    equal(d.events("log_tampered"), [])
    equal(d.events("log_lines_lost"), [])


if __name__ == "__main__":
    main(globals())
