# SPDX-License-Identifier: Apache-2.0
"""The daemon and the bare loop, each following this machine's own /dev/kmsg."""
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

from measure import CPU, OTHER_CPU, Skip, family, pinned, wait_for

DEVKMSG = pathlib.Path("/proc/sys/kernel/printk_devkmsg")
CONFIG = """kernel_log:
  all: true
modules:
  crossview:
    enabled: false
output:
  seal: {seal}
  heartbeat: 0
history:
  enabled: {history}
dashboard:
  listen: 127.0.0.1:{port}
  auth: none
  connection_limit: 0
  rate_limit: 0
"""


@contextlib.contextmanager
def writable_kernel_log():
    """Records of user space without the limit of ten in five seconds; as before, afterwards."""
    try:
        before = DEVKMSG.read_text(encoding="ascii").strip()
        DEVKMSG.write_text("on\n", encoding="ascii")
        open("/dev/kmsg", "rb").close()
    except OSError as error:
        raise Skip(f"needs root and a writable kernel log: {error}") from error
    try:
        yield
    finally:
        DEVKMSG.write_text(before + "\n", encoding="ascii")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write_records(bench, n, rate):
    subprocess.run(pinned(OTHER_CPU, [bench.tool("kmsg-writer"), n, rate]), check=True)


class Daemon:
    """`lksm run` in a folder of its own, on one processor, when it has caught up.

    Without the history, which reads the log and not the records: history.py measures it.
    """

    def __init__(self, bench, seal, folder="live", arguments=(), keep=False, stdin=None,
                 history=False):
        self.folder = bench.folder / folder
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        self.logs, self.port = self.folder / "logs", free_port()
        config = self.folder / "lksm.yaml"
        config.write_text(CONFIG.format(seal=str(seal).lower(), history=str(history).lower(),
                                        port=self.port), encoding="ascii")
        self.said = open(self.folder / "said", "wb")
        command = [bench.lksm, "run", "--config", config, "--log-dir", self.logs, *arguments]
        self.process = subprocess.Popen((command if stdin else pinned(CPU, command)), stdin=stdin,
                                        stdout=self.said, stderr=self.said)

    def __enter__(self):
        wait_for(self.is_up, "the dashboard")
        mark = f"lksm-ready {time.monotonic_ns()}"
        pathlib.Path("/dev/kmsg").write_text(f"<14>{mark}\n", encoding="ascii")
        wait_for(lambda: self.has(mark), "the end of the kernel log")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.said.close()

    def is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError((self.folder / "said").read_text())
        with contextlib.suppress(OSError):
            return self.get("/healthz")
        return None

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read()

    def has(self, mark):
        return any(mark.encode() in path.read_bytes() for path in self.logs.glob("*.jsonl"))

    def log(self):
        return max(self.logs.glob("*.jsonl"))

    def pids(self):
        return family(self.process.pid)

    def counts(self, start=0):
        """(records of kmsg-writer logged, records told as lost) behind byte @start of the log"""
        stored = lost = 0
        with open(self.log(), "rb") as f:
            f.seek(start)
            for text in f:
                stored += b'"lksm-bench ' in text
                if b'"type": "records_lost"' in text:
                    data = json.loads(text)["data"]
                    lost += data["count"] if data["reason"] != "before_start" else 0
        return stored, lost


class Loop:
    """The bare poll-and-read loop."""

    def __init__(self, bench, cpu=CPU):
        self.path = bench.output("loop-out")
        self.process = subprocess.Popen(pinned(cpu, [bench.tool("poll-loop"), self.path]),
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()

    def stop(self):
        """(records read, records that their numbers left out)"""
        self.process.send_signal(signal.SIGTERM)
        n_read, lost, _ = map(int, self.process.stdout.readline().split())
        self.process.wait()
        return n_read, lost

    def pids(self):
        return [self.process.pid]
