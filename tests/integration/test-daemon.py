#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon from outside: what it logs, and what survives restarts and kills."""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

from lksm_test import LKSM, ROOT, Skip, equal, main, record, wait_for

LINES = [
    "[PHOTON RING] Kprobe registered for symbol: kallsyms_lookup_name",
    "[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!",
    "[PHOTON RING] Module loaded: nf_tables by uid 0",
    "[PHOTON RING] something new",
]


def test_the_four_lines_become_events(daemon, _):
    d = daemon().start()
    d.append(b"".join(record(i, text) for i, text in enumerate(LINES)))
    events = d.wait_events(4)
    equal([(e["type"], e["data"], e["severity"], e["source"]) for e in events], [
        ("kprobe_registered", {"symbol": "kallsyms_lookup_name"}, "info", "kprobe_reader"),
        ("suspicious_probe",
         {"message": "SUSPICIOUS *** kallsyms_lookup_name probe detected!"}, "high",
         "kprobe_reader"),
        ("module_loaded", {"module": "nf_tables", "uid": 0}, "medium", "kprobe_reader"),
        ("photon_ring_generic", {"message": "something new"}, "info", "kprobe_reader"),
    ])
    equal([e["seq"] for e in events], [0, 1, 2, 3])
    equal([e["stream_seq"] for e in events], [0, 1, 2, 3])
    equal([e["ts"] for e in events], [0.0, 0.001, 0.002, 0.003])
    assert b'"ts": 0.001000, ' in d.lines()[1]
    d.stop()


def test_six_keys_as_json_dumps_writes_them(daemon, _):
    d = daemon().start()
    d.append(record(5, LINES[0]))
    line = d.wait_events(2) and d.lines()[-1].decode()
    keys = ["seq", "ts", "type", "data", "severity", "source"]
    event = json.loads(line)
    equal(list(event)[:6], keys)
    assert line.startswith(json.dumps({k: event[k] for k in keys})[:-1].replace(
        "0.005", "0.005000"))
    d.stop()


def test_untagged_lines_only_on_request(daemon, folder):
    text = record(0, "usb 1-1: new device") + record(1, LINES[0])
    d = daemon().start()
    d.append(text)
    equal([e["type"] for e in d.wait_events(1)], ["kprobe_registered"])
    d.stop()
    (folder / "two").mkdir()
    d = daemon("--all", folder=folder / "two").start()
    d.append(text)
    events = d.wait_events(2)
    equal([e["type"] for e in events], ["kernel_message", "kprobe_registered"])
    equal([e["source"] for e in events], ["kernel_log", "kprobe_reader"])
    d.stop()


def test_forged_lines_are_suspected_and_not_believed(daemon, _):
    d = daemon().start()
    d.append(record(0, LINES[1], priority=14) + record(1, "x[1]: segfault in " + LINES[1]))
    events = d.wait_events(2)
    equal([e["type"] for e in events], ["spoof_suspected"] * 2)
    equal([e["data"]["line"] for e in events], [LINES[1], "x[1]: segfault in " + LINES[1]])
    d.stop()


def test_gaps_are_told_exactly(daemon, _):
    d = daemon().start()
    d.append(record(10, LINES[0]) + record(14, LINES[0]))
    events = d.wait_events(4)
    lost = [e for e in events if e["type"] == "records_lost"]
    equal([(e["severity"], e["data"]["first"], e["data"]["last"], e["data"]["count"],
            e["data"]["reason"]) for e in lost],
          [("info", 0, 9, 10, "before_start"), ("high", 11, 13, 3, "gap")])
    d.stop()


def test_a_second_start_adds_nothing_twice(daemon, _):
    d = daemon().start()
    d.append(b"".join(record(i, text) for i, text in enumerate(LINES)))
    d.wait_events(4)
    d.stop()
    before = d.lines()
    d.start()
    d.append(record(4, LINES[0]))
    equal(d.wait_events(5)[4]["seq"], 5)  # 4 is the seal that was made at the stop
    d.stop()
    equal(d.lines()[:4], before)


def test_without_state_page_the_log_alone_decides(daemon, _):
    d = daemon().start()
    d.append(b"".join(record(i, text) for i, text in enumerate(LINES)))
    d.wait_events(4)
    d.stop()
    (d.logs / ".state").unlink()
    d.start()
    d.append(record(4, LINES[0]))
    equal([e["stream_seq"] for e in d.wait_events(5)], [0, 1, 2, 3, 4])
    d.stop()


def test_a_torn_last_line_is_cut_and_told(daemon, _):
    d = daemon().start()
    d.append(b"".join(record(i, text) for i, text in enumerate(LINES)))
    d.wait_events(4)
    d.stop()
    log = next(d.logs.glob("*.jsonl"))
    data = log.read_bytes()
    log.write_bytes(data + b'{"seq": 5, "ts": 1.0')
    d.start()
    events = d.wait_events(5)
    equal((events[4]["seq"], events[4]["type"], events[4]["data"]),
          (5, "log_recovered", {"file": log.name, "bytes": 20}))
    d.stop()


def test_hundred_kills_lose_and_repeat_nothing(daemon, _):
    d = daemon()
    rng = random.Random(1)
    seq = 0
    for _ in range(100):
        d.start()
        for _ in range(rng.randrange(1, 12)):
            n = rng.randrange(1, 40)
            d.append(b"".join(record(i, LINES[0]) for i in range(seq, seq + n)))
            seq += n
            time.sleep(rng.random() * 0.006)  # the moment of the kill is the point of it
        d.kill()
    d.start()
    d.append(record(seq, LINES[2]))
    wait_for(lambda: d.lines() and b"module_loaded" in d.lines()[-1], "the last record")
    d.stop()
    events = [e for e in d.events() if e["type"] != "log_recovered"]
    equal([e["stream_seq"] for e in events], list(range(seq + 1)))
    seqs = [e["seq"] for e in d.events()]
    equal(seqs, sorted(set(seqs)))


def test_a_killed_core_is_started_again(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(record(0, LINES[0]))
    d.wait_events(1)
    d.get("/healthz")
    for child in d.children():
        os.kill(child, signal.SIGKILL)
    events = d.wait_events(2, "process_restarted")
    equal(sorted(e["data"]["process"] for e in events), ["core", "web"])
    d.append(record(1, LINES[1]))
    equal(d.wait_events(1, "suspicious_probe")[0]["stream_seq"], 1)
    wait_for(lambda: b"suspicious_probe" in d.get("/api/events"), "the dashboard again")
    d.stop()


def test_the_writer_gives_way_to_the_intake(daemon, _):
    """Else each wake-up of the writer takes the processor from who is reading."""
    d = daemon().start()
    d.append(record(0, LINES[0]))
    d.wait_events(1)
    core = d.children()[0]
    threads = sorted(map(int, os.listdir(f"/proc/{core}/task")))
    equal([os.sched_getscheduler(t) for t in threads], [os.SCHED_OTHER, os.SCHED_BATCH])
    d.stop()


def test_api_gives_the_logged_bytes(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(b"".join(record(i, "[PHOTON RING] é\\xff \"<b>\" %d" % i) for i in range(700)))
    d.wait_events(700)
    wait_for(lambda: b'"stream_seq": 699' in d.get("/api/events"), "the last event")
    answer = d.get("/api/events")
    equal(len(json.loads(answer)), 500)
    for line in d.lines()[-500:]:
        assert line.rstrip(b"\n") in answer
    d.stop()
    d.start()
    wait_for(lambda: len(json.loads(d.get("/api/events"))) == 500, "the ring refilled")
    equal(json.loads(d.get("/api/events")), [json.loads(x) for x in d.lines()[-500:]])
    d.stop()


def test_reload_is_all_or_nothing(daemon, folder):
    rules = folder / "rules"
    rules.mkdir()
    good = ("rules:\n  - id: mine\n    for: photon_ring\n    match: 'hello {who}'\n"
            "    severity: info\n    examples:\n      - line: 'hello world'\n")
    (rules / "a.yaml").write_text(good)
    d = daemon("--rules", str(rules), env={"LKSM_RULES_WATCH": "false"}).start()
    d.append(record(0, "[PHOTON RING] hello a"))
    equal(d.wait_events(1)[0]["type"], "mine")
    (rules / "a.yaml").write_text(good.replace("info", "hgih"))
    d.process.send_signal(signal.SIGHUP)
    assert "a.yaml:5:" in d.wait_events(1, "config_rejected")[0]["data"]["error"]
    assert "a.yaml:5:" in d.stderr() and "did you mean 'high'?" in d.stderr()
    d.append(record(1, "[PHOTON RING] hello b"))
    d.wait_events(2, "mine")
    (rules / "a.yaml").write_text(good.replace("id: mine", "id: yours"))
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(1, "config_reloaded")
    d.append(record(2, "[PHOTON RING] hello c"))
    equal(d.wait_events(1, "yours")[0]["stream_seq"], 2)
    d.stop()


def test_reload_refuses_what_only_a_start_can_change(daemon, folder):
    config = folder / "lksm.yaml"
    config.write_text("dashboard:\n  auth: token\n")
    d = daemon("--config", str(config), dashboard=True).start()
    d.append(record(0, LINES[0]))
    d.wait_events(1)
    config.write_text("dashboard:\n  auth: none\noutput:\n  retention:\n    days: 9\n")
    d.process.send_signal(signal.SIGHUP)
    rejected = d.wait_events(1, "config_rejected")[0]
    assert "dashboard.auth cannot change" in rejected["data"]["error"], rejected
    config.write_text("dashboard:\n  auth: token\noutput:\n  retention:\n    days: 9\n")
    d.process.send_signal(signal.SIGHUP)
    assert "rules" in d.wait_events(1, "config_reloaded")[0]["data"]["rules"]
    d.stop()


def test_drop_ins_need_no_file_to_drop_into(_, folder):
    drop_ins = folder / "lksm.yaml.d"
    drop_ins.mkdir()
    (drop_ins / "10.yaml").write_text("output:\n  dri: /tmp\n")
    done = subprocess.run([LKSM, "check", "--config", folder / "lksm.yaml"],
                          capture_output=True, text=True, check=False)
    assert "unknown key 'output.dri'" in done.stdout + done.stderr, done.stderr


def test_a_signal_to_the_whole_group_is_one_clean_stop(daemon, _):
    d = daemon(dashboard=True)
    for i, how in enumerate((signal.SIGTERM, signal.SIGINT)):
        d.start(start_new_session=True)
        d.append(record(i, LINES[0]))
        d.wait_events(i + 1)
        d.wait_healthy()
        os.killpg(d.process.pid, how)
        equal(d.process.wait(30), 0)
        assert "exited" not in d.stderr() and "killed" not in d.stderr(), d.stderr()
        equal(d.events("process_restarted"), [])


def test_one_daemon_for_a_folder(daemon, folder):
    (folder / "lksm.yaml").write_text('alerts: {receivers: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}}\n')
    d = daemon("--config", str(folder / "lksm.yaml"), history=True).start()
    d.append(record(0, LINES[0]))
    d.wait_events(1)
    other = subprocess.run(d.arguments, capture_output=True, text=True, timeout=30, check=False)
    equal(other.returncode, 2)
    assert str(d.process.pid) in other.stderr, other.stderr
    assert "users:" not in other.stderr, other.stderr
    users = r"users: core is \d+.*, web is \d+.*, history is \d+.*, alerts is \d+"
    assert os.geteuid() or re.search(users, d.stderr()), d.stderr()
    d.stop()


def test_what_is_stopped_ends_with_the_daemon(daemon, _):
    """A core that did not would keep the folder's lock, and nobody could start."""
    d = daemon().start()
    d.append(record(0, LINES[0]))
    d.wait_events(1)
    core = d.children()[0]
    for pid in (d.process.pid, core):  # the first would have the second go on
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "\nState:\tT" in pathlib.Path(f"/proc/{pid}/status").read_text(), "its stop")
    d.process.kill()
    d.process.wait()
    try:
        d.start()
        d.append(record(1, LINES[0]))
        d.wait_events(2)
        d.stop()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(core, signal.SIGKILL)


def wakeups(pids):
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if "voluntary_ctxt_switches" in line:
                    total += int(line.split()[1])
    return total


def test_an_idle_daemon_sleeps(daemon, folder):
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    d = daemon(kmsg=fifo, dashboard=True).start()
    os.write(keep, record(0, LINES[0]))
    d.wait_events(1)
    d.get("/healthz")
    pids = [d.process.pid, *d.children()]
    seconds = 4

    def is_settled():  # the connection's end, and crossview's first round
        before = wakeups(pids)
        time.sleep(0.5)
        return wakeups(pids) - before <= 1

    wait_for(is_settled, "the daemon to have nothing to do")
    before = wakeups(pids)
    time.sleep(seconds)  # the time itself is what is measured
    assert wakeups(pids) - before <= seconds, f"{wakeups(pids) - before} wake-ups"
    os.close(keep)
    d.stop()


def test_configuration_errors_name_the_place(_, folder):
    config = folder / "lksm.yaml"
    config.write_text("output:\n  dri: x\npoll_interval: often\n"
                      "modules:\n  kprobe_reader:\n    kmgs: /dev/kmsg\n")
    done = subprocess.run([LKSM, "check", "--config", str(config)], capture_output=True,
                          text=True, check=False)
    equal(done.returncode, 1)
    said = done.stdout + done.stderr
    assert "lksm.yaml:2:3: unknown key 'output.dri' (did you mean 'output.dir'?)" in said, said
    assert "lksm.yaml:3:1: poll_interval: 'often' is not seconds" in said, said
    assert "lksm.yaml:6:5: module kprobe_reader has no option 'kmgs' (did you mean 'kmsg'?)" \
        in said, said


def test_every_documented_key_is_known(_, folder):
    config = folder / "lksm.yaml"
    lines = (ROOT / "lksm.yaml").read_text().splitlines()
    keys = [m.group(1) for m in (re.match(r"# ( *[a-z_]+:.*)", line) for line in lines) if m]
    assert len(keys) > 15
    secret = folder / "slack.url"
    secret.write_text("https://hooks.slack.com/services/x\n")
    secret.chmod(0o600)
    text = "\n".join(keys).replace("/etc/lksm/slack.url", str(secret))
    config.write_text(text.replace("/usr/share/lksm/rules.d, /etc/lksm/rules.d", str(ROOT / "rules")))
    done = subprocess.run([LKSM, "check", "--config", str(config)], capture_output=True,
                          text=True, check=False)
    assert "configuration: ok" in done.stdout, done.stderr


class RealKernelLog:
    """This machine's own /dev/kmsg, with user space free to write; restored afterwards."""

    KNOB = pathlib.Path("/proc/sys/kernel/printk_devkmsg")

    def __enter__(self):
        if os.geteuid() or not os.access("/dev/kmsg", os.W_OK):
            raise Skip("needs root and a writable /dev/kmsg")
        self.before = self.KNOB.read_text()
        self.KNOB.write_text("on\n")
        self.file = open("/dev/kmsg", "wb", buffering=0)
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        return self

    def __exit__(self, *_):
        self.file.close()
        self.KNOB.write_text(self.before)


def test_forged_records_in_the_real_kernel_log(daemon, _):
    forms = ["", "<4>", "<0>", "<14>", "<7>", "<2048>", "<4294967288>", "<8>"]
    with RealKernelLog() as kmsg:
        d = daemon(kmsg="/dev/kmsg").start()
        for i, form in enumerate(forms):
            kmsg.file.write(f"{form}[PHOTON RING] Module loaded: {kmsg.mark} by uid {i}\n".encode())
        mine = lambda: [e for e in d.events() if kmsg.mark in json.dumps(e)]
        wait_for(lambda: len(mine()) >= len(forms), "the forged lines")
        equal([e["type"] for e in mine()], ["spoof_suspected"] * len(forms))
        d.stop()
        equal(len(mine()), len(forms))


def test_an_overrun_of_the_real_kernel_log_is_counted_exactly(daemon, _):
    with RealKernelLog() as kmsg:
        d = daemon("--all", kmsg="/dev/kmsg").start()
        kmsg.file.write(f"{kmsg.mark} first\n".encode())
        wait_for(lambda: any(b"first" in line for line in d.lines()), "the first record")
        core = d.children()[0]
        for pid in (d.process.pid, core):  # else the one has the other go on
            os.kill(pid, signal.SIGSTOP)
        for i in range(20000):  # several times what the ring holds
            kmsg.file.write(f"{kmsg.mark} {i}\n".encode())
        for pid in (core, d.process.pid):
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: f"{kmsg.mark} 19999".encode() in d.lines()[-1], "the last record")
        d.stop()
    events = d.events()
    lost = [e for e in events if e["type"] == "records_lost" and e["data"]["reason"] == "overrun"]
    equal(len(lost), 1)
    data = lost[0]["data"]
    equal(data["count"], data["last"] - data["first"] + 1)
    numbers = [e["stream_seq"] for e in events if e.get("stream") == "kmsg"]
    covered = sorted(numbers + list(range(data["first"], data["last"] + 1)))
    equal(covered, list(range(numbers[0], numbers[-1] + 1)))
    equal(d.events("log_filtered"), [])


def flood(kmsg, writer, n):
    """Write n records from a process of its own; give back its pid."""
    pid = os.fork()
    if pid == 0:
        for i in range(n):
            kmsg.file.write(b"%s %d %d\n" % (kmsg.mark.encode(), writer, i))
        os._exit(0)
    return pid


def test_a_flood_of_the_real_kernel_log_is_stored_or_told(daemon, _):
    n = int(os.environ.get("LKSM_TEST_FLOOD", "100000"))
    with RealKernelLog() as kmsg:
        d = daemon("--all", kmsg="/dev/kmsg").start()
        kmsg.file.write(f"{kmsg.mark} first\n".encode())
        wait_for(lambda: any(b"first" in line for line in d.lines()), "the first record")
        statuses = [os.waitpid(p, 0)[1] for p in [flood(kmsg, w, n // 2) for w in range(2)]]
        equal(statuses, [0, 0])
        kmsg.file.write(f"{kmsg.mark} end\n".encode())
        wait_for(lambda: f"{kmsg.mark} end".encode() in d.tail(), "the last record")
        d.stop()
    numbers, lost, last = [], [], [-1, -1]
    for event in d.events():
        if event["type"] == "records_lost" and event["data"]["reason"] != "before_start":
            lost += range(event["data"]["first"], event["data"]["last"] + 1)
            equal(event["data"]["count"], event["data"]["last"] - event["data"]["first"] + 1)
        if event.get("stream") == "kmsg":
            numbers.append(event["stream_seq"])
        parts = event.get("message", "").split()
        if len(parts) == 3 and parts[0] == kmsg.mark:  # each writer's own are in its order
            assert int(parts[2]) > last[int(parts[1])], event
            last[int(parts[1])] = int(parts[2])
    equal(sorted(numbers + lost), list(range(numbers[0], numbers[-1] + 1)))
    assert len(numbers) + len(lost) >= n + 2
    print(f"# {n} records by two writers: {len(lost)} lost, all told")


def test_hundred_kills_on_the_real_kernel_log(daemon, _):
    rng = random.Random(2)
    n = 0
    with RealKernelLog() as kmsg:
        d = daemon("--all", kmsg="/dev/kmsg")
        has = lambda what: any(f"{kmsg.mark} {what}".encode() in line for line in d.lines()[-50:])
        for i in range(100):
            d.start()
            if i % 10 == 9:  # the ring does not hold all that a busy machine leaves unread
                wait_for(lambda: has(n - 1), "the reader to be where the stream is")
            end = time.monotonic() + rng.random() * 0.06
            while time.monotonic() < end:  # the stream; its end is the moment of the kill
                kmsg.file.write(f"{kmsg.mark} {n}\n".encode())
                n += 1
                time.sleep(0.0003)
            d.kill()
        d.start()
        kmsg.file.write(f"{kmsg.mark} end\n".encode())
        wait_for(lambda: has("end"), "the end")
        d.stop()
    events = d.events()
    equal([e["type"] for e in events if e["type"] == "records_lost"
           and e["data"]["reason"] != "before_start"], [])
    mine = [e["message"].split()[-1] for e in events if kmsg.mark in e.get("message", "")]
    equal(mine, [*map(str, range(n)), "end"])
    numbers = [e["stream_seq"] for e in events if "stream_seq" in e]
    equal(numbers, sorted(set(numbers)))


if __name__ == "__main__":
    main(globals())
