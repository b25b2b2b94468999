# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: TAP, waiting for a condition, a daemon to try."""
import contextlib
import glob
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
LKSM = os.environ.get("LKSM", str(ROOT / "build/lksm"))
UNDER = os.environ.get("LKSM_UNDER", "").split()  # a tool that runs it: Valgrind
ROUTINE = rb'^{"seq": \d+, "ts": [0-9.]+, "type": "(log_sealed|heartbeat)", .*"source": "lksm"'
DEADLINE_S = float(os.environ.get("LKSM_TEST_DEADLINE", "180"))


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


def wait_for(condition, what):
    """Give back condition()'s first true value; fail when DEADLINE_S have passed."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.005)


def equal(got, want):
    assert got == want, f"got  {got!r}\nwant {want!r}"


def record(seq, text, priority=6, us=None, dictionary=""):
    """One raw /dev/kmsg record."""
    us = seq * 1000 if us is None else us
    return f"{priority},{seq},{us},-;{text}\n{dictionary}".encode()


def open_files(pid):
    """{descriptor: what it leads to}, without those that were closed meanwhile"""
    files = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            files[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return files


def read_plain(path):
    """A file's bytes; none of what is no plain file (a FIFO would keep us) or just gone."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as f:
            return f.read() if stat.S_ISREG(os.fstat(f.fileno()).st_mode) else b""
    except OSError:
        return b""


class Daemon:
    """`lksm run` on a file that stands for the kernel log, in a folder of its own."""

    def __init__(self, folder, *arguments, kmsg=None, proc=None, dashboard=False, env=None,
                 history=False):
        self.folder = pathlib.Path(folder)
        self.logs = self.folder / "logs"
        self.kmsg = pathlib.Path(kmsg or self.folder / "kmsg")
        if not self.kmsg.exists():
            self.kmsg.touch()
        self.proc = pathlib.Path(proc or self.folder / "proc")  # may be absent
        self.arguments = [*UNDER, LKSM, "run", "--kmsg", str(self.kmsg), "--proc", str(self.proc),
                          "--log-dir", str(self.logs)]
        self.arguments += ["--listen", "127.0.0.1:0"] if dashboard else ["--no-dashboard"]
        self.arguments += arguments
        # one process less to tell from core and web, where it is not the history that is tried
        self.env = {**os.environ, "TZ": "UTC", "LKSM_HISTORY_ENABLED": "true" if history else "false",
                    **(env or {})}
        self.stderr_path = self.folder / "stderr"
        self.process = None
        self.said_before = 0  # characters of stderr from earlier starts

    def start(self, **options):
        self.said_before = len(self.stderr()) if self.stderr_path.exists() else 0
        self.process = subprocess.Popen(self.arguments, stderr=open(self.stderr_path, "ab"),
                                        stdin=subprocess.DEVNULL, env=self.env, **options)
        return self

    def append(self, data):
        with open(self.kmsg, "ab") as f:
            f.write(data)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(DEADLINE_S)
        if how == signal.SIGTERM:
            equal(status, 0)

    def kill(self):
        """All of it: a core that hears first that the supervisor is gone ends in good order."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)  # it starts none again
            with contextlib.suppress(OSError):
                for pid in self.children():
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()

    def children(self):
        """{name: pid}, by the order of their start: core, web."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(p) for p in pathlib.Path(path).read_text().split()]

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def lines(self, routine=False):
        """All whole lines of all plain logs, oldest first; without seals and heartbeats."""
        data = b""
        for name in sorted(glob.glob(str(self.logs / "lksm_events_*.jsonl"))):
            data += read_plain(name)
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        return [x for x in lines if routine or not re.search(ROUTINE, x)]

    def tail(self, size=4096):
        """The last bytes of the newest plain log; a big one is not read whole."""
        names = sorted(glob.glob(str(self.logs / "lksm_events_*.jsonl")))
        if not names:
            return b""
        with open(names[-1], "rb") as f:
            f.seek(max(0, os.fstat(f.fileno()).st_size - size))
            return f.read()

    def events(self, kind=None):
        events = [json.loads(line) for line in self.lines(routine=kind in ("log_sealed", "heartbeat"))]
        return [e for e in events if kind is None or e["type"] == kind]

    def check_seqs(self):
        """Counted from 0 without a gap, seals and heartbeats with the rest."""
        seqs = [json.loads(line)["seq"] for line in self.lines(routine=True)]
        equal(seqs, list(range(len(seqs))))

    def wait_events(self, n, kind=None):
        wait_for(lambda: len(self.events(kind)) >= n,
                 f"{n} events {kind or ''}; there are {len(self.events(kind))}\n{self.stderr()}")
        events = self.events(kind)
        equal(len(events), n)
        return events

    def url(self):
        """(base URL, token or None), from the line that the daemon prints."""
        match = wait_for(lambda: re.search(r"(https?://\S+?)/(?:#token=(\w+))?\s",
                                           self.stderr()[self.said_before:]),
                         "the dashboard's URL")
        return match.group(1), match.group(2)

    def wait_healthy(self):
        def is_healthy():
            try:
                return self.get("/healthz") is not None
            except urllib.error.URLError:
                return False
        wait_for(is_healthy, "a healthy daemon")

    def get(self, path, headers=None):
        base, token = self.url()
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        with urllib.request.urlopen(urllib.request.Request(base + path, headers=headers),
                                    timeout=DEADLINE_S) as answer:
            return answer.read()


def main(tests):
    """Run functions named test_…, each with an empty folder, and print TAP."""
    chosen = [t for name, t in tests.items() if name.startswith("test_")]
    wanted = sys.argv[1:]
    chosen = [t for t in chosen if not wanted or t.__name__ in wanted]
    print(f"1..{len(chosen)}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the daemons
    failed = 0
    for number, test in enumerate(chosen, 1):
        name = test.__name__.removeprefix("test_").replace("_", " ")
        with tempfile.TemporaryDirectory(prefix="lksm-test-") as folder:
            daemons = []

            def daemon(*arguments, **options):
                daemons.append(Daemon(options.pop("folder", folder), *arguments, **options))
                return daemons[-1]

            try:
                test(daemon, pathlib.Path(folder))
                print(f"ok {number} - {name}", flush=True)
            except Skip as why:
                print(f"ok {number} - {name} # SKIP {why}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} - {name}")
                text = traceback.format_exc()
                text += "".join(d.stderr() for d in daemons if d.stderr_path.exists())
                print("# " + text.strip().replace("\n", "\n# "), flush=True)
            finally:
                for d in daemons:
                    d.kill()
    sys.exit(1 if failed else 0)
