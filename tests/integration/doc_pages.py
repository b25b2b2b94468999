# SPDX-License-Identifier: Apache-2.0
"""What the pages of the documentation have in fenced blocks, and how what they show is compared.

A comment on the line before a block says what is to be done with it:

	<!-- not run: WHY -->     it needs services, packages, a kernel, a network
	<!-- exit: N -->          the last command ends with N, not with 0
	<!-- env: NAME=VALUE -->  it is run with that in its environment
	<!-- file: NAME -->       the block, of any kind, is that file for those below it

What a console block shows has to come out. There `…` stands for any text, and a time for any time.
"""
import re

from lksm_test import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md"])
MARK = re.compile(r"<!-- (not run|exit|env|file): (.*) -->")
VARIES = [(r"\d{4}-\d\d-\d\d", "DATE"), (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"), (r"\bpid([ =])\d+", r"pid\1N"),
          (r"\buser \d+", "user N"), (r"\b\d+ rules", "N rules"),
          (r"(rules/\S+\.yaml):\d+", r"\1:N"), (r"\bLandlock \d+", "Landlock N")]
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


def name_of(page):
    return page.relative_to(ROOT).as_posix()


class Block:
    """A fenced block of a page: its kind, its text, where it is and what its mark says."""

    def __init__(self, page, number, kind, mark):
        self.place = f"{name_of(page)}:{number}"
        self.kind = kind
        self.mark, self.value = mark.groups() if mark else ("", "")
        self.lines = []

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)

    @property
    def is_run(self):
        return self.kind in ("sh", "console") and self.mark != "not run"

    def steps(self):
        """(command, what it shows or None) of each; a block of sh is one command."""
        if self.kind == "sh":
            return [(self.text, None)]
        parts = [p.partition("\n") for p in re.split(r"^\$ ", self.text, flags=re.M) if p]
        return [(command, shown) for command, _, shown in parts]


def blocks(page):
    found, block, before = [], None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if block and line == "```":
            found.append(block)
            block = None
        elif block:
            block.lines.append(line)
        elif fence:
            block = Block(page, number, fence[1], MARK.fullmatch(before))
        before = line
    assert block is None, f"{page}: a block has no end"
    return found


def is_as_shown(shown, got):
    for pattern, word in VARIES:
        shown, got = re.sub(pattern, word, shown), re.sub(pattern, word, got)
    wanted = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return bool(re.fullmatch(wanted, got.strip(), re.S))
