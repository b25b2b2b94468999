#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults, kills and full disks, in short; the long forms are in tests/reliability."""
import concurrent.futures
import importlib
import json
import os
import pathlib
import signal
import sys
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
from lksm_test import DEADLINE_S, equal, main, record, wait_for  # noqa pylint: disable=C0413

faults = importlib.import_module("faults")
kills = importlib.import_module("kills")
full_disk = importlib.import_module("full-disk")

TEXT = "[PHOTON RING] Module loaded: nf_tables by uid 0"


def test_one_call_fails(_, __):
    broken = []
    for plan, numbers in faults.SOME.items():
        for n in numbers:
            _, what, said = faults.fails(plan, n)
            if what:
                broken.append(f"{plan} n={n}: {what}\n{said}")
    assert not broken, "\n".join(broken)


def test_a_new_file_cannot_be_looked_at(_, __):
    with concurrent.futures.ThreadPoolExecutor(faults.WORKERS) as pool:
        broken, reached = faults.sweep("lksm:fstat-empty:EIO", pool)
    equal(broken, [])
    assert reached > 1  # it ends, and not at once


def test_killed_and_stopped_in_a_flood(_, folder):
    n, (logged, lost) = kills.run(folder, 15, 50000, 2)
    print(f"# {n} records: {logged} logged, {lost} told as lost")


def test_a_process_that_is_stopped_goes_on(daemon, _):
    def comm(pid):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()

    d = daemon(dashboard=True).start()
    d.wait_healthy()
    wait_for(lambda: {"core", "web", "crossview"} <= set(map(comm, d.children())), "all processes")
    for n in (1, 2):  # and is watched on
        for pid in d.children():
            os.kill(pid, signal.SIGSTOP)
        stopped = d.wait_events(n * len(d.children()), "process_stopped")
    equal({e["data"]["process"] for e in stopped}, {"core", "web", "crossview"})
    for pid in d.children():
        wait_for(lambda: "State:\tT" not in pathlib.Path(f"/proc/{pid}/status").read_text(), pid)
    d.append(record(0, TEXT))
    d.wait_events(1, "module_loaded")
    equal(d.events("process_restarted"), [])
    d.stop()


def test_the_disk_is_full(_, folder):
    logged, lost = full_disk.run(folder, 3)
    print(f"# {logged} records logged, {lost} told as lost")


def test_a_full_disk_does_not_keep_it_from_stopping(_, folder):
    full_disk.stop_when_full(folder)


def test_a_writer_that_hangs_is_replaced(daemon, folder):
    """The rest of core is well, and answers: that alone does not count."""
    count = folder / "count"
    count.write_bytes(bytes(8))
    d = daemon(env={"LD_PRELOAD": faults.FAULT, "LKSM_FAULT": "core:write:6:HANG", "LKSM_FAULT_COUNT":
                    str(count), "WATCHDOG_USEC": "4000000"}).start()
    for n in range(6):
        d.append(record(n, TEXT))
        d.wait_events(n + 1, "module_loaded")
    equal([e["data"] for e in d.events("process_restarted")], [{"process": "core", "reason": "hung"}])
    equal([e["stream_seq"] for e in d.events("module_loaded")], list(range(6)))
    d.stop()


def test_a_log_that_cannot_be_written_is_no_good_health(daemon, folder):
    disk = full_disk.Disk(folder / "disk")
    d = daemon("--log-dir", str(disk.path / "logs"), dashboard=True)
    d.logs = disk.path / "logs"

    def health():
        try:
            return 200, json.loads(d.get("/healthz"))
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    numbers = iter(range(1 << 30))

    def is_failing():  # one more record each time: some of them still fit
        d.append(record(next(numbers), TEXT))
        disk.fill()
        code, said = health()
        return code == 503 and (said["status"], said["writer"]) == ("failing", "blocked")

    try:
        d.start()
        d.wait_healthy()
        wait_for(is_failing, "the failure to be told")
        equal(json.loads(d.get("/api/v1/status"))["writer"], "blocked")
        assert b"\nlksm_up 0\n" in d.get("/metrics")
        disk.free()
        wait_for(lambda: health()[0] == 200, "good health")
        assert b"\nlksm_up 1\n" in d.get("/metrics")
        d.stop()
    finally:
        d.kill()
        disk.close()


def test_a_core_that_does_not_stop_is_killed(daemon, folder):
    count = folder / "count"
    count.write_bytes(bytes(8))
    d = daemon(env={"LD_PRELOAD": faults.FAULT, "LKSM_FAULT": "core:write:6:HANG",
                    "LKSM_FAULT_COUNT": str(count)}).start()
    for n in range(6):
        d.append(record(n, TEXT))
        wait_for(lambda: count.read_bytes()[0] == 6 or len(d.events("module_loaded")) > n, "the record")
    equal(count.read_bytes()[0], 6)
    d.process.send_signal(signal.SIGTERM)
    d.process.wait(DEADLINE_S)
    assert "core does not stop: killed" in d.stderr(), d.stderr()
    assert "does not answer" not in d.stderr(), d.stderr()  # long before the watchdog
    d.env = {**d.env, "LD_PRELOAD": ""}
    d.start()
    d.wait_events(6, "module_loaded")
    d.stop()


def boot(folder, name):
    """As after a reboot: another boot id, and the kernel log begins anew."""
    path = folder / "boot-id"
    path.write_text(f"{name:036d}\n")
    return {"LD_PRELOAD": faults.FAULT, "LKSM_BOOT_ID": str(path)}


def test_reboots(daemon, folder):
    for name in range(5):
        d = daemon(env=boot(folder, name))
        d.kmsg.write_bytes(b"".join(record(i, TEXT) for i in range(3 + name)))
        for end in ("kill", "stop"):  # twice in each boot
            d.start()
            wait_for(d.children, "its processes")
            wait_for(lambda: d.events() and (d.events()[-1]["boot_id"], d.events()[-1].get("stream_seq"))
                     == (f"{name:036d}", 2 + name), "the last record")
            getattr(d, end)()
    events = d.events()
    d.check_seqs()
    equal([(int(e["boot_id"]), e["stream_seq"]) for e in events],
          [(name, i) for name in range(5) for i in range(3 + name)])


if __name__ == "__main__":
    main(globals())
