# SPDX-License-Identifier: Apache-2.0
"""R: the number of rules, and a pattern that would run away."""
import random
import subprocess

from measure import Line, Wrong, same_bytes
from rows_replay import MILLION, replay

COUNTS = (10, 100, 1000)
LINES = MILLION // 2
HOSTILE = """rules:
  - id: hostile
    for: kernel_log
    regex: '^(([a-z0-9])+.)+[A-Z]([a-z])+$'
    severity: high
    examples:
      - line: abXb
"""


def rule(i, rng):
    """Nine in ten are templates; one in twenty names lines of a kind that the corpus has."""
    name = f"{rng.choice(('usb', 'nvme', 'scsi', 'ata', 'mlx5', 'xfs', 'dm'))}{i}"
    if i % 10 == 9:
        match = f"regex: '{name}: (?<what>[a-z]+) (failed|timed out) at (?<where>0x[0-9a-f]+)'"
        example = f"{name}: read timed out at 0x1f"
    elif i % 20 == 5:
        match = f"match: '{{program}}[{{pid:int}}]: segfault at {i} ip {{ip}} sp {{sp}}'"
        example = f"bash[1]: segfault at {i} ip 00007f sp 1"
    else:
        match = f"match: '{name}: error {{code:int}} on {{device}}'"
        example = f"{name}: error 5 on sda"
    return (f"  - id: rule_{i}\n    for: kernel_log\n    {match}\n    severity: medium\n"
            f"    examples:\n      - line: '{example}'\n")


def rules_file(bench, n):
    path = bench.folder / f"rules-{n}.yaml"
    rng = random.Random(n)
    path.write_text("rules:\n" + "".join(rule(i, rng) for i in range(n)), encoding="ascii")
    return path


def hostile(bench, path):
    """It must be told of, and each line still become an event."""
    rules = bench.folder / "hostile.yaml"
    rules.write_text(HOSTILE, encoding="ascii")
    text = bench.folder / "hostile.txt"
    text.write_text("kern  :info  : [    1.000000] " + "a" * 500 + "!\n", encoding="ascii")
    done = subprocess.run([bench.lksm, "replay", "--all", "--rules", rules, text],
                          capture_output=True, text=True, check=False)
    if "too costly" not in done.stderr or done.stdout.count("\n") != 1:
        raise Wrong(f"a hostile pattern: {done}")
    return bench.run([bench.lksm, "replay", "--all", "--rules", rules, text], ok=(0, 1))


def r(bench):
    """R: every line an event, with 10, 100 and 1,000 rules"""
    path = bench.corpus("dmesg", LINES)
    files = [rules_file(bench, n) for n in COUNTS]
    runs = bench.take_turns(*[
        lambda file=file: replay(bench, path, "--all", "--fields", "seed", "--rules", file,
                                 name=f"out-{file.stem}") for file in files])
    for n, usages in zip(COUNTS[1:], runs[1:]):
        yield Line("R", f"{n} rules, {LINES} lines", [u.cpu_s for u in usages], "CPU s",
                   f"{COUNTS[0]} rules", [u.cpu_s for u in runs[0]], at_most=1.5)
    yield Line("R", "a hostile pattern, reported and passed over",
               [hostile(bench, path).cpu_s for _ in range(5)], "CPU s", at_most=1)
