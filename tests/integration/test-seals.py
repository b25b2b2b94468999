#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sealed logs of the real daemon: kills, new days, handed over keys, and edits that
`lksm verify` has to find. LKSM_SEAL_EDITS sets how many edits are tried."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

from lksm_test import LKSM, ROOT, equal, main, open_files, record, wait_for

EDITS = int(os.environ.get("LKSM_SEAL_EDITS", "150"))
TEXT = "[PHOTON RING] Kprobe registered for symbol: "
FAULT = ROOT / "build/tests/libfault.so"  # fails the n-th call, see its head


def lksm(*arguments, want=0):
    done = subprocess.run([LKSM, *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == want, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def make_key(logs, path, *arguments):
    done = subprocess.run([LKSM, "keys", "--log-dir", str(logs), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path.write_text(done.stdout)
    return path


def seals(d):
    return d.events("log_sealed")


def append(d, first, n):
    d.append(b"".join(record(i, TEXT + f"a{i}") for i in range(first, first + n)))
    wait_for(lambda: any(e.get("stream_seq") == first + n - 1 for e in d.events()), "the last record")


def wait_sealed(d):
    wait_for(lambda: b'"log_sealed"' in (d.lines(routine=True) or [b""])[-1], "a seal")


def run_with_key(daemon, folder, *arguments, **options):
    """A daemon whose key was made before its first start."""
    d = daemon(*arguments, **options)
    d.logs.mkdir()
    return d, make_key(d.logs, folder / "key")


def test_what_is_written_is_sealed_within_a_second(daemon, folder):
    d, key = run_with_key(daemon, folder)
    d.start()
    append(d, 0, 3)
    wait_sealed(d)
    append(d, 3, 2)
    wait_sealed(d)
    assert "as sealed" in lksm("verify", "--key", key, d.logs)
    n = len(d.lines(routine=True))
    d.stop()
    equal(len(d.lines(routine=True)), n)  # nothing was unsealed: nothing to seal
    numbers = [e["data"]["seal"] for e in seals(d)]
    equal(numbers, list(range(len(numbers))))
    lksm("verify", "--key", key, d.logs)


def test_a_stop_seals_at_once(daemon, folder):
    d, key = run_with_key(daemon, folder)
    d.start()
    append(d, 0, 3)
    d.stop()
    equal(d.events("log_sealed")[-1]["data"]["to"], 2)
    lksm("verify", "--key", key, d.logs)


def test_kills_leave_a_log_that_verifies(daemon, folder):
    d, key = run_with_key(daemon, folder)
    rng = random.Random(3)
    seq = 0
    for turn in range(30):
        d.start()
        for _ in range(rng.randrange(1, 4)):
            append(d, seq, 5)
            seq += 5
        if turn % 3 == 0:
            wait_sealed(d)  # and then at once: between the seal and its key
        elif turn % 3 == 1:
            os.kill(d.children()[0], signal.SIGKILL)  # core alone is started again
            wait_for(lambda: any(e["type"] == "process_restarted" for e in d.events()), "a restart")
        d.kill()
    d.start()
    append(d, seq, 1)
    wait_sealed(d)
    lksm("verify", "--key", key, d.logs)
    d.stop()
    lksm("verify", "--key", key, d.logs)
    equal(d.events("log_tail_missing") + d.events("log_tail_lost"), [])


def test_unsealed_lines_are_said(daemon, folder):
    d, key = run_with_key(daemon, folder)
    d.start()
    append(d, 0, 3)
    wait_sealed(d)
    for n in range(3, 13):
        append(d, n, 1)
        d.kill()
        if b'"log_sealed"' not in d.lines(routine=True)[-1]:
            break
        d.start()  # a second had passed, on a busy machine
    else:
        raise AssertionError("it is sealed each time")
    assert "OPEN" in lksm("verify", "--key", key, d.logs, want=1)
    lksm("verify", "--key", key, "--open-end", d.logs)
    d.start()
    append(d, n + 1, 1)
    wait_sealed(d)
    lksm("verify", "--key", key, d.logs)
    d.stop()


def test_a_compressed_copy_beside_the_log_is_said(daemon, folder):
    d, key = run_with_key(daemon, folder)
    d.start()
    append(d, 0, 3)
    d.stop()
    log = next(d.logs.glob("*.jsonl"))
    copy = pathlib.Path(f"{log}.zst")
    copy.write_bytes(b"what people read, and nobody sealed")
    assert f"COPY  {copy.name} is" in lksm("verify", "--key", key, d.logs, want=1)
    copy.unlink()
    copy.symlink_to("/dev/zero")
    assert f"COPY  {copy.name} is" in lksm("verify", "--key", key, d.logs, want=1)
    copy.unlink()
    subprocess.run(["zstd", "-q", str(log)], check=True)  # as a killed compression leaves it
    assert f"note  {copy.name} is" in lksm("verify", "--key", key, d.logs)


def test_a_link_among_the_logs_is_not_followed(daemon, folder):
    d, key = run_with_key(daemon, folder)
    d.start()
    append(d, 0, 3)
    d.stop()
    link = d.logs / "lksm_events_2020-01-01.jsonl"
    for target in ("/dev/zero", next(d.logs.glob("*.jsonl"))):
        link.symlink_to(target)
        assert f"cannot read {link.name}" in lksm("verify", "--key", key, d.logs, want=2)
        link.unlink()
    os.mkfifo(link)
    assert f"cannot read {link.name}" in lksm("verify", "--key", key, d.logs, want=2)


def test_keys_are_shown_once_and_handed_over(daemon, folder):
    d = daemon().start()
    append(d, 0, 3)
    wait_sealed(d)
    key = make_key(d.logs, folder / "key")
    assert "cannot" not in key.read_text() and "secret" in key.read_text()
    assert "already" in lksm("keys", "--log-dir", d.logs, want=2)
    changed = d.wait_events(1, "seal_key_changed")[0]
    append(d, 3, 3)
    wait_sealed(d)
    said = lksm("verify", "--key", key, d.logs)
    assert "1 seal from before the key was made" in said and "1 file of " in said, said
    second = make_key(d.logs, folder / "second", "--new")
    append(d, 6, 3)
    wait_sealed(d)
    assert "was not given" in lksm("verify", "--key", key, d.logs, want=1)
    lksm("verify", "--key", second, d.logs)
    lksm("verify", "--key", key, "--key", second, d.logs)
    d.stop()
    equal(changed["data"]["first"], 1)
    assert "start it first" in lksm("keys", "--new", "--log-dir", d.logs, want=2)
    secret = key.read_text().split("-")[-2]
    assert bytes.fromhex(secret) not in (d.logs / ".seal_key").read_bytes()
    equal((d.logs / ".seal_key").stat().st_mode & 0o777, 0o600)


def test_web_does_not_have_the_key(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    having = [any(link.endswith("/.seal_key") for link in open_files(child).values())
              for child in d.children()]
    equal(sorted(having), [False] * (len(having) - 1) + [True])
    d.stop()


def test_a_new_day_and_compression(daemon, folder):
    """Days made by moving the log to an older date; then lksm itself compresses one."""
    d, key = run_with_key(daemon, folder)
    for day, seq in enumerate((0, 10, 20, 30)):
        d.start()
        append(d, seq, 10)
        d.stop()
        today = max(d.logs.glob("lksm_events_*.jsonl"))
        if day < 3:
            today.rename(d.logs / f"lksm_events_2026-02-0{day + 1}.jsonl")
            (d.logs / ".state").unlink()  # else seq goes on where it would anyway
    d.start()
    append(d, 40, 1)  # all may be compressed before it can be asked to stop
    wait_for(lambda: len(list(d.logs.glob("lksm_*.jsonl"))) == 2, "compressed logs")
    d.stop()
    assert "in 4 files" in lksm("verify", "--key", key, d.logs)
    packed = sorted(d.logs.glob("lksm_*.zst"))
    for log in packed:
        lksm("verify", "--key", key, log)
    held = packed[1].read_bytes()
    for at in (0, len(held) - 1):  # one in between may mean the same
        packed[1].write_bytes(held[:at] + bytes([held[at] ^ 1]) + held[at + 1:])
        assert "2026-02-02" in lksm("verify", "--key", key, d.logs, want=1)
    packed[1].write_bytes(held[:-5])
    assert "2026-02-02" in lksm("verify", "--key", key, d.logs, want=1)
    packed[1].unlink()
    assert "removed" in lksm("verify", "--key", key, d.logs, want=1)
    packed[1].write_bytes(held)
    packed[0].unlink()
    assert "begins with seal" in lksm("verify", "--key", key, d.logs)
    max(d.logs.glob("*.jsonl")).unlink()
    assert "cut off" in lksm("verify", "--key", key, d.logs, want=1)


def test_a_kill_before_midnight(daemon, folder):
    """The same moment is a day later 26 hours to the east."""
    d, key = run_with_key(daemon, folder)
    d.env["TZ"] = "XXX+12"
    d.start()
    append(d, 0, 3)
    d.kill()
    d.env["TZ"] = "XXX-14"
    d.start()
    append(d, 3, 2)
    d.stop()
    logs = sorted(d.logs.glob("*.jsonl"))
    equal(len(logs), 2)
    for log, last in zip(logs, (2, 5)):
        seal = json.loads(log.read_bytes().splitlines()[-1])
        equal((seal["type"], seal["data"]["to"]), ("log_sealed", last))
        lksm("verify", "--key", key, log)
    lksm("verify", "--key", key, d.logs)


def write_sealed(d, times, n):
    """So many times n lines and their seal, by a daemon of its own."""
    d.start()
    for i in range(times):
        append(d, i * n, n)
        wait_sealed(d)
    d.stop()


def test_a_cut_tail_is_told_by_the_daemon_too(daemon, folder):
    d, key = run_with_key(daemon, folder)
    write_sealed(d, 3, 2)
    log = next(d.logs.glob("*.jsonl"))
    lines = d.lines(routine=True)
    log.write_bytes(b"".join(lines[:4]))  # two lines, their seal, one line more
    assert "cut off" in lksm("verify", "--key", key, d.logs, want=1)
    d.start()
    event = d.wait_events(1, "log_tail_missing")[0]
    equal((event["severity"], event["data"]), ("critical", {"first": 1, "last": 2}))
    wait_sealed(d)
    said = lksm("verify", "--key", key, d.logs, want=1)
    assert "seals 1-2" in said and "removed" in said, said
    d.stop()


def test_heartbeats(daemon, folder):
    config = folder / "lksm.yaml"
    config.write_text("output:\n  heartbeat: 1\n")
    d = daemon("--config", str(config), dashboard=True).start()
    wait_for(lambda: len(d.events("heartbeat")) >= 2, "two heartbeats")
    equal(d.events("heartbeat")[0]["data"], {"interval": 1})
    append(d, 0, 1)
    wait_for(lambda: b"kprobe_registered" in d.get("/api/events"), "the event")
    equal([e["type"] for e in json.loads(d.get("/api/events"))], ["kprobe_registered"])
    config.write_text("output:\n  heartbeat: 0\n")
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(1, "config_reloaded")
    wait_sealed(d)
    equal([e["type"] for e in json.loads(d.get("/api/events"))],
          ["kprobe_registered", "config_reloaded"])
    d.stop()


def test_an_idle_daemon_writes_nothing(daemon, _):
    d = daemon().start()
    append(d, 0, 1)
    wait_sealed(d)
    core = d.children()[0]

    def wakeups():
        text = "".join(p.read_text() for p in pathlib.Path(f"/proc/{core}/task").glob("*/status"))
        return sum(map(int, re.findall(r"^(?:non)?voluntary_ctxt_switches:\s+(\d+)", text, re.M)))

    before, n = wakeups(), len(d.lines(routine=True))
    subprocess.run(["sleep", "2.5"], check=True)  # what is looked for is that nothing happens
    # the watch for a regular file's growth is poll_interval; no other thread wakes up
    equal(len(d.lines(routine=True)), n)
    assert wakeups() - before < 40, wakeups() - before
    d.stop()


def test_sealing_can_be_switched_off_and_fsync_on(daemon, folder):
    d = daemon(env={"LKSM_OUTPUT_SEAL": "false", "LKSM_OUTPUT_FSYNC": "interval"}).start()
    append(d, 0, 3)
    d.stop()
    equal((d.logs / ".seal_key").exists(), False)
    equal(seals(d), [])
    (folder / "two").mkdir()
    for fsync in ("interval", "batch"):
        d = daemon(folder=folder / "two", env={"LKSM_OUTPUT_FSYNC": fsync}).start()
        append(d, 0 if fsync == "interval" else 3, 3)
        wait_sealed(d)
        d.stop()
        equal(d.stderr().count("cannot"), 0)
    lksm("verify", d.logs)


def test_a_key_that_cannot_be_written_is_told(daemon, folder):
    """The last two writes of a life are those that replace the key behind its seal."""
    config = folder / "lksm.yaml"
    config.write_text("modules:\n  crossview:\n    enabled: false\n")

    def live(name, n, told):
        where = folder / name
        where.mkdir()
        count = where / "count"
        count.write_bytes(bytes(8))
        d = daemon("--config", str(config), folder=where,
                   env={"LD_PRELOAD": str(FAULT), "LKSM_FAULT": f"core:write:{n}:EIO",
                        "LKSM_FAULT_COUNT": str(count)})
        d.append(record(0, TEXT + "a"))
        d.start()
        wait_for(lambda: len(d.events("seal_failed")) == told and seals(d), "the seal")
        wait_sealed(d)
        d.stop()
        return int.from_bytes(count.read_bytes(), sys.byteorder)

    n = live("good", 1 << 60, 0)
    for i in (n - 1, n):
        live(f"bad-{i}", i, 1)


def test_mistakes_are_explained(_, folder):
    (folder / "none").mkdir()
    assert "no .seal_key" in lksm("verify", folder / "none", want=2)
    assert "not there" in lksm("verify", folder / "not there", want=2)
    assert "each folder is a log of its own" in lksm("verify", folder, folder / "none", want=2)
    (folder / "key").write_text("lksm1-0-abc\n")
    assert "lksm1-" in lksm("verify", "--key", folder / "key", folder, want=2)
    (folder / "key").write_text("# nothing\n")
    assert "no verification key" in lksm("verify", "--key", folder / "key", folder, want=2)
    assert "log folder" in lksm("keys", "--log-dir", folder / "not there", want=2)
    (folder / "lksm_events_2026-02-10.jsonl").write_text("hello\n")
    assert "NOT SEALED" in lksm("verify", folder / "lksm_events_2026-02-10.jsonl", want=1)
    assert "start it first" in lksm("keys", "--log-dir", folder, want=2)


def edit(rng, lines):
    """One random change to @lines, in place; what it was."""
    i = rng.randrange(len(lines))
    kind = rng.choice(["flip", "remove", "duplicate", "swap", "insert", "cut", "cut in a line"])
    if kind == "flip":
        at, bit = rng.randrange(len(lines[i])), 1 << rng.randrange(8)
        lines[i] = lines[i][:at] + bytes([lines[i][at] ^ bit]) + lines[i][at + 1:]
    elif kind == "remove":
        del lines[i]
    elif kind == "duplicate":
        lines.insert(i, lines[i])
    elif kind == "swap":
        j = rng.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
        i = min(i, j)
    elif kind == "insert":
        lines.insert(i, lines[i].replace(b"a", b"b", 1))
    elif kind == "cut":
        del lines[i:]
    else:
        lines[i:] = [lines[i][: rng.randrange(len(lines[i]))]]
    return kind, i


def test_random_edits_are_all_found(daemon, folder):
    d, key = run_with_key(daemon, folder)
    write_sealed(d, 4, 6)
    good = d.lines(routine=True)
    seal_of, n = [], 0  # which seal vouches for each line; a seal for itself
    for line in good:
        seal_of.append(n)
        n += b'"log_sealed"' in line
    copy = folder / "copy"
    shutil.copytree(d.logs, copy)
    log = next(copy.glob("*.jsonl"))
    rng = random.Random(11)
    for turn in range(EDITS):
        lines = list(good)
        kind, i = edit(rng, lines)
        if lines == good:
            continue
        log.write_bytes(b"".join(lines))
        said = lksm("verify", "--key", key, copy, want=1)
        first, last = re.search(r"seals? (\d+)(?:-(\d+))?: ", said).groups()
        last = int(last or first) + ("added" in said)
        lines_named = re.search(r"lines? seq (\d+)(?:-(\d+))?", said)
        # before the first seal, any of them may come: one that was put there is named itself
        names_line = seal_of[i] == 0 or lines_named and int(lines_named[1]) <= i <= int(lines_named[2] or lines_named[1])
        assert names_line or int(first) <= seal_of[i] + 1 and seal_of[i] <= last, \
            f"edit {turn}: {kind} line {i}, of seal {seal_of[i]}:\n{said}"
    log.write_bytes(b"".join(good))
    lksm("verify", "--key", key, copy)


if __name__ == "__main__":
    main(globals())
