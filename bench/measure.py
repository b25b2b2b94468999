# SPDX-License-Identifier: Apache-2.0
"""What the rows share: programs run in turn on one processor, medians, and lines of the table."""
import contextlib
import dataclasses
import functools
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
RUNS = 5
CPU = 0          # where what is measured runs
OTHER_CPU = 1    # where those run that feed it
DEADLINE_S = 60


class Skip(Exception):
    """This machine cannot run the row; the text says why."""


class Wrong(Exception):
    """The outputs differ: no time counts."""


@dataclasses.dataclass
class Line:
    """One line of the table: figures of all runs, and what they were compared with."""
    row: str
    work: str
    ours: list
    unit: str
    other: str = ""
    theirs: list = dataclasses.field(default_factory=list)
    at_least: float = None   # of the other's speed
    at_most: float = None    # of the other's cost; without another, of the figure itself
    allowance: float = 0     # at_most times the other's, and that much

    def ratio(self):
        if not self.theirs:
            return None
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        if self.at_least is not None:
            ours, theirs = theirs, ours
        return ours / theirs if theirs else None

    def is_met(self):
        ours = statistics.median(self.ours)
        if self.at_least is not None:
            return self.ratio() >= self.at_least
        if self.at_most is None:
            return None
        limit = statistics.median(self.theirs) * self.at_most if self.theirs else self.at_most
        return ours <= limit + self.allowance

    def mark(self):
        if self.at_least is not None:
            return f"≥ {self.at_least:g} × its speed"
        if self.at_most is None:
            return ""
        if self.at_most == 0:
            return "0"
        if not self.theirs:
            return f"≤ {self.at_most:g} {self.unit}"
        more = f" + {self.allowance:g} {self.unit}" if self.allowance else ""
        return f"≤ its + {self.allowance:g} {self.unit}" if self.at_most == 1 and more else \
            f"≤ {self.at_most:g} × its{more}"


def spread(values):
    """median (min … max)"""
    number = lambda x: f"{x:.0f}" if abs(x) >= 1000 else f"{x:.3g}"
    if len(set(values)) == 1:
        return number(values[0])
    return f"{number(statistics.median(values))} ({number(min(values))} … {number(max(values))})"


@dataclasses.dataclass
class Usage:
    cpu_s: float
    wall_s: float
    rss_mib: float


class Bench:
    """The programs, a folder in memory, and the corpora, made once."""

    def __init__(self, lksm, tools, folder):
        self.lksm, self.tools, self.folder = lksm, pathlib.Path(tools), pathlib.Path(folder)

    def source(self, name):
        return str(HERE / name)

    def tool(self, name):
        return str(self.tools / name)

    @functools.lru_cache(maxsize=None)
    def corpus(self, form, lines):
        path = self.folder / f"{form}-{lines}"
        subprocess.run([sys.executable, HERE / "corpus.py", "--lines", str(lines),
                        "--form", form, path], check=True)
        return path

    def forget(self, form, lines):
        """It is large; who wants it again makes it again."""
        (self.folder / f"{form}-{lines}").unlink(missing_ok=True)
        self.corpus.cache_clear()

    def output(self, name="out"):
        """A path with no file there: to empty an old one would be counted."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        return path

    def run(self, command, stdin=None, ok=(0,)):
        """Run @command on one processor and give back what it took."""
        reading, writing = os.pipe()
        process = subprocess.Popen([self.tool("usage"), str(CPU), *map(str, command)],
                                   stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   preexec_fn=lambda: os.dup2(writing, 3), pass_fds=(3,))
        os.close(writing)
        with os.fdopen(reading) as said:
            cpu, wall, rss, status = map(int, said.read().split())
        process.wait()
        if status not in ok:
            raise RuntimeError(f"exit code {status}: {command}")
        return Usage(cpu / 1e6, wall / 1e6, rss / 1024)

    def take_turns(self, *runs, n=RUNS):
        """[[what each of @runs gave], …], in turn, so that a slow moment hits all alike."""
        results = [[] for _ in runs]
        for _ in range(n):
            for result, run in zip(results, runs):
                result.append(run())
        return results


def same_bytes(*paths):
    """Compared by cmp(1): the outputs are large."""
    for path in paths[1:]:
        if subprocess.run(["cmp", "-s", paths[0], path], check=False).returncode:
            raise Wrong(f"{paths[0].name} and {path.name} differ")


def need(program):
    path = shutil.which(program)
    if not path:
        raise Skip(f"there is no {program} here")
    return path


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


def wait_for(condition, what, deadline_s=DEADLINE_S, pause_s=0.002):
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(pause_s)


def family(pid):
    """@pid and all that came from it."""
    pids = [pid]
    for parent in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in os.listdir(f"/proc/{parent}/task"):
                text = pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text()
                pids += map(int, text.split())
    return pids


def cpu_of(pids):
    """Seconds that all threads of @pids ran, to the nanosecond."""
    ns = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            ns += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return ns / 1e9


def pss_mib(pids):
    kib = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        kib += int(text.split("\nPss:")[1].split()[0])
    return kib / 1024
