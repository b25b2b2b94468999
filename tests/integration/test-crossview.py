#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cross-views on this machine: whatever comes and goes raises nothing; what is hidden does."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from lksm_test import LKSM, Skip, equal, main, wait_for

ALL_HIDDEN = {"process_hidden", "socket_hidden", "file_hidden", "module_hidden"}
STORM_S = float(os.environ.get("LKSM_TEST_STORM", "5"))
# Forks that exec, that thread, and whose threads exec; sockets that open and close.
STORM = """
import os, socket, sys, threading
while True:
    for how in range(4):
        if os.fork() == 0:
            if how == 1:
                os.execv('/bin/true', ['true'])
            if how == 2:
                threading.Thread(target=os.execv, args=('/bin/true', ['true'])).start()
            if how == 3:
                t = threading.Thread(target=int)
                t.start()
                t.join()
            os._exit(0)
    sockets = []
    for i in range(8):
        s = socket.socket(socket.AF_INET6 if i & 1 else socket.AF_INET,
                          socket.SOCK_DGRAM if i & 2 else socket.SOCK_STREAM)
        s.bind(('::1' if i & 1 else '127.0.0.1', 0))
        i & 2 or s.listen()
        sockets.append(s)
    for s in sockets:
        s.close()
    for _ in range(4):
        os.wait()
"""


def config(folder, **options):
    path = folder / "lksm.yaml"
    lines = "".join(f"    {k}: {v}\n" for k, v in options.items())
    path.write_text(f"modules:\n  crossview:\n{lines}")
    return "--config", str(path)


def child(d):
    """The pid of the daemon's crossview."""
    def look():
        for pid in d.children():
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "crossview\n":
                    return pid
        return None
    return wait_for(look, "crossview to run\n" + d.stderr())


def ask_for_rounds(d, n):
    """Each is over when the child sleeps again."""
    pid = child(d)
    for _ in range(n):
        os.kill(pid, signal.SIGUSR1)
        wait_for(lambda: pathlib.Path(f"/proc/{pid}/status").read_text()
                 .partition("State:\t")[2][0] == "S", "the round's end")
        time.sleep(0.05)


def hidden(d):
    return [e for e in d.events() if e["type"] in ALL_HIDDEN]


@contextlib.contextmanager
def running(*commands):
    processes = [subprocess.Popen(c, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, start_new_session=True)
                 for c in commands]
    try:
        yield processes
    finally:
        for p in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGKILL)
            p.wait()


def test_storms_raise_nothing(daemon, folder):
    d = daemon(*config(folder, interval=1)).start()
    child(d)
    folders = f"import os\nwhile True: os.mkdir('{folder}/x'); os.rmdir('{folder}/x')"
    with running(*[[sys.executable, "-c", STORM]] * 3, [sys.executable, "-c", folders]):
        end = time.monotonic() + STORM_S
        while time.monotonic() < end:
            ask_for_rounds(d, 1)
    equal(hidden(d), [])
    d.stop()


def test_a_mount_over_a_process_is_told(daemon, folder):
    if os.geteuid():
        raise Skip("only root may mount")
    empty = folder / "empty"
    empty.mkdir()
    with running(["sleep", "1000"], ["sleep", "1000"]) as victims:
        places = [f"/proc/{v.pid}" for v in victims]
        for over, place in zip((empty, "/proc/1"), places):
            if subprocess.run(["mount", "--bind", over, place]).returncode:
                raise Skip("nothing can be mounted here")
        try:
            d = daemon(*config(folder, interval=0)).start()
            ask_for_rounds(d, 1)
            wait_for(lambda: len(hidden(d)) == 2, f"both; {hidden(d)}\n{d.stderr()}")
        finally:
            subprocess.run(["umount", *places])
    for e, v in zip(sorted(hidden(d), key=lambda e: e["data"]["pid"]), victims):
        equal((e["data"]["pid"], e["data"]["missing"]), (v.pid, "proc_name"))
    d.stop()


def test_threads_zombies_and_namespaces_raise_nothing(daemon, folder):
    if os.geteuid():
        raise Skip("only root may make namespaces")
    many = ("import threading, time\n"
            "for _ in range(200): threading.Thread(target=time.sleep, args=(1000,)).start()\n")
    # a process whose first thread has ended, another goes on
    leaderless = ("import ctypes, threading, time\n"
                  "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
                  "ctypes.CDLL(None).syscall(60, 0)\n")
    zombie = "import os, time\nos.fork() or os._exit(0)\ntime.sleep(1000)\n"
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--net", "--ipc", "--uts"]
    d = daemon(*config(folder, interval=0)).start()
    with running([sys.executable, "-c", many], [sys.executable, "-c", leaderless],
                 [sys.executable, "-c", zombie], unshare + ["sleep", "1000"],
                 unshare + ["--user", "--map-root-user", sys.executable, "-c", STORM]):
        time.sleep(0.5)  # they are all up, or coming, which is as good
        ask_for_rounds(d, 10)
    equal(hidden(d), [])
    equal(d.events("module_failed"), [])
    d.stop()


def run_alone(command, seconds=3):
    """`lksm module-host crossview` inside something; its events and what it says."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
        out, said = process.communicate()
    return [json.loads(line) for line in out.splitlines()], said


ALONE = [LKSM, "module-host", "--set", "interval=1", "crossview"]


def test_in_other_namespaces_it_raises_nothing(_, folder):
    if os.geteuid():
        raise Skip("only root may make namespaces")
    events, said = run_alone(["unshare", "--pid", "--fork", "--kill-child", "--"] + ALONE)
    equal(events, [])
    assert "/proc is that of another PID namespace" in said, said
    events, said = run_alone(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                              "--net", "--"] + ALONE)
    equal((events, said), ([], ""))
    hide = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 " \
        "--regid 65534 --clear-groups -- " + " ".join(ALONE)
    done = subprocess.run(["unshare", "--mount", "--", "setpriv", "--reuid", "65534", "--regid",
                           "65534", "--clear-groups", "--", LKSM, "version"],
                          capture_output=True, check=False)
    if done.returncode:
        raise Skip("an ordinary user cannot run this checkout's program")
    events, said = run_alone(["unshare", "--mount", "--", "sh", "-c", hide])
    equal(events, [])
    assert "hidepid=" in said and "not root" in said, said


def test_an_ordinary_user_gets_no_false_alarm(_, folder):
    if os.geteuid():
        raise Skip("only root can become another")
    events, said = run_alone(["setpriv", "--reuid", "65534", "--regid", "65534",
                              "--clear-groups", "--"] + ALONE)
    if "Permission denied" in said:
        raise Skip("an ordinary user cannot run this checkout's program")
    equal(events, [])
    assert "not root" in said, said


def test_a_process_missing_in_proc_is_told_once(daemon, folder):
    """A folder of links plays /proc: every number is there but one."""
    limit = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())
    if limit > 65536:
        raise Skip("too many process numbers to play them all")
    with running(["sleep", "1000"]) as (victim,):
        proc = folder / "fakeproc"
        proc.mkdir()
        for name in ["self", "stat", "sys", "net", *map(str, range(1, limit + 1))]:
            if name != str(victim.pid):
                (proc / name).symlink_to(f"/proc/{name}")
        d = daemon(*config(folder, interval=0, proc=proc, files="false", sockets="false",
                           modules="false")).start()
        ask_for_rounds(d, 1)
        event = d.wait_events(1, "process_hidden")[0]
        equal((event["severity"], event["source"], event["attack"]),
              ("critical", "crossview", ["T1014"]))
        equal((event["data"]["pid"], event["data"]["missing"]),
              (victim.pid, "proc_list,proc_name"))
        assert "kill" in event["data"]["seen"].split(","), event
        ask_for_rounds(d, 2)
        d.wait_events(1, "process_hidden")
        equal([e["data"]["pid"] for e in hidden(d)], [victim.pid])
        d.stop()


def test_a_socket_missing_in_proc_is_told(_, folder):
    proc = folder / "fakeproc"
    (proc / "net").mkdir(parents=True)
    (proc / "self").symlink_to("/proc/self")
    for pid in (os.getpid(),):
        (proc / str(pid)).symlink_to(f"/proc/{pid}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        port = server.getsockname()[1]
        rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()
        (proc / "net/tcp").write_text(
            "\n".join(r for r in rows if f":{port:04X} " not in r) + "\n")
        events, said = run_alone([LKSM, "module-host", "--set", "interval=1", "--set",
                                  f"proc={proc}", "--set", "files=false", "--set",
                                  "processes=false", "crossview"])
    mine = [e["data"] for e in events if e["data"].get("inode") == inode]
    if not mine and "sockets are not compared" in said:
        raise Skip("this kernel has no NETLINK_SOCK_DIAG")
    equal(len(mine), 1)
    equal({k: mine[0][k] for k in ("protocol", "local", "state", "pid", "missing")},
          {"protocol": "tcp", "local": f"127.0.0.1:{port}", "state": "listen",
           "pid": os.getpid(), "missing": "proc_net"})


def test_it_can_be_switched_off(daemon, folder):
    d = daemon(*config(folder, enabled="false"), dashboard=True).start()
    d.wait_healthy()
    equal([pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in d.children()
           if "crossview" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()], [])
    d.stop()


def test_its_options_are_checked(_, folder):
    _, path = config(folder, intervall=1)
    done = subprocess.run([LKSM, "check", "--config", path], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 1)
    assert "did you mean 'interval'?" in done.stderr, done.stderr


if __name__ == "__main__":
    main(globals())
