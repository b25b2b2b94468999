#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documentation: its commands run, its links lead somewhere, its verbs and options exist.

Each fenced block of `sh` or `console` is run, page by page and from the top, in a scratch folder
that looks like a checkout, unless a mark before it says why not (doc_pages.py has the marks)."""
import os
import re
import shlex
import shutil
import signal
import subprocess

from doc_pages import FENCED, PAGES, blocks, is_as_shown, name_of
from lksm_test import DEADLINE_S, LKSM, ROOT, Skip, equal, main

COPIED = ["rules", "docs", "include", "packaging", "tests/fixtures", "lksm.yaml"]
CONFIG_KEYS = {"alerts", "dashboard", "history", "kernel_log", "modules", "output", "rules"}
OTHERS = {  # options that stand alone in the text and are those of another program
    "docs/architecture.md": {"--merge"},
}


def scratch(folder):
    """A checkout without what is not needed: the program finds its rules beside itself."""
    (folder / "build").mkdir(parents=True)
    shutil.copy(LKSM, folder / "build/lksm")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def run(folder, command, more):
    """(exit code, output): what is left in the background ends with it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("LKSM")}
    env |= {"PATH": f"{folder}/build:{os.environ['PATH']}", "TZ": "UTC", "HOME": str(folder), "LC_ALL": "C.UTF-8"} | more
    said = folder / ".said"
    with open(said, "wb") as out, subprocess.Popen(
            ["sh", "-eu", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            code = process.wait(DEADLINE_S)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    return code, said.read_text(errors="replace")


def run_block(folder, block):
    """What is wrong with it, or ""."""
    steps = block.steps()
    more = dict([block.value.split("=", 1)]) if block.mark == "env" else {}
    for number, (command, shown) in enumerate(steps, 1):
        want = int(block.value) if block.mark == "exit" and number == len(steps) else 0
        code, got = run(folder, command, more)
        if code != want:
            return f"{block.place}: exit {code}, not {want}: {command}\n{got}"
        if shown is not None and not is_as_shown(shown, got):
            return f"{block.place}: {command}\n{got}but the page has\n{shown}"
    return ""


def test_every_block_is_run_or_says_why_not(_, folder):
    wrong, ran, left = [], 0, []
    for page in PAGES:
        place = scratch(folder / name_of(page).replace("/", "-"))
        for block in blocks(page):
            if block.mark == "file":
                path = place / block.value.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.is_run:
                ran += 1
                wrong.append(run_block(place, block))
            elif block.mark == "not run":
                left.append(f"{block.place}: {block.value}")
    print(f"# {ran} blocks were run, {len(left)} were not:")
    for line in left:
        print(f"#   {line}")
    assert not any(wrong), "\n".join(filter(None, wrong))
    assert ran >= 10, f"only {ran} blocks were run"


def test_every_mark_stands_before_a_block(_, __):
    for page in PAGES:
        marks = [m[0] for m in re.findall(r"^<!-- (not run|exit|file|env|run)\b", page.read_text(), re.M)]
        marked = [b for b in blocks(page) if b.mark]
        equal((name_of(page), len(marks)), (name_of(page), len(marked)))
        for block in marked:
            assert block.mark == "file" or block.kind in ("sh", "console"), f"{block.place}: marked, but never run"
        for block in blocks(page):
            is_command = re.search(r"^(\$|lksm|build/lksm|script/\w+|apt-get|systemctl) ", block.text, re.M)
            assert block.kind or not is_command, f"{block.place}: commands, but neither sh nor console"


def test_every_configuration_is_understood(_, folder):
    """Its keys are known; what it names need not be on this machine."""
    n = 0
    for page in PAGES:
        for block in blocks(page):
            keys = set(re.findall(r"^(\w+):", block.text, re.M))
            is_rules = re.search(r"^ *- id:", block.text, re.M)
            if block.kind != "yaml" or is_rules or not keys & CONFIG_KEYS:
                continue
            n += 1
            path = folder / "lksm.yaml"
            path.write_text(block.text)
            said = subprocess.run([LKSM, "check", "--config", path], capture_output=True, text=True, check=False).stderr
            assert f"{path}:" not in said, f"{block.place}: {said}"
    assert n >= 5, n


def without_code(text):
    text = FENCED.sub("", text)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors(page):
    """As GitHub makes them of headings: lower case, no punctuation, `-` for a space."""
    text = FENCED.sub("", page.read_text())
    words = [re.sub(r"[`*]|\]\([^)]*\)", "", h) for h in re.findall(r"^#+ (.*)$", text, re.M)]
    return {re.sub(r"[^\w\- ]", "", w.lower()).replace(" ", "-") for w in words}


def test_every_link_leads_somewhere(_, __):
    wrong, n = [], 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
            if re.match(r"https?:", target):
                continue
            n += 1
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            if not file.exists():
                wrong.append(f"{name_of(page)}: there is no {target}")
            elif anchor and anchor not in anchors(file):
                wrong.append(f"{name_of(page)}: {path or page.name} has no #{anchor}")
    equal(wrong, [])
    assert n >= 40, n


def test_the_overview_has_every_page(_, __):
    links = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/README.md").read_text()))
    equal(links, {p.name for p in ROOT.glob("docs/*.md")} - {"README.md"})


def help_of(*words):
    return subprocess.run([LKSM, "help", *words], capture_output=True, text=True, check=True).stdout


def options_of(verb):
    text = help_of(verb)
    return {"--help", "-h", *re.findall(r"^  (?:-., |    )(--[a-z-]+)", text, re.M), *re.findall(r"^  (-.),", text, re.M)}


def spans(page):
    """The inline code of a page, and the commands of its blocks."""
    text = page.read_text()
    yield from re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    for block in blocks(page):
        if block.kind == "sh":
            yield from block.lines
        elif block.kind == "console":
            yield from (command for command, _ in block.steps())


def calls(span):
    """(verb, options) of each call of lksm in a line of shell."""
    for part in re.split(r"[|;&#(]+", span):
        found = re.match(r"\s*(?:\w+=\S+ )*(?:sudo )?(?:build/)?lksm ([a-z-]+)(.*)", part)
        if found:
            words = found[2].replace("'", " ").replace('"', " ").split()
            yield found[1], [w.split("=")[0] for w in words if re.match(r"--?[a-z]", w)]


def test_every_verb_and_option_exists(_, __):
    verbs = set(re.findall(r"^  ([a-z-]+) ", help_of(), re.M)) | {"module-host", "man-page"}
    known = {verb: options_of(verb) for verb in verbs}
    every = set().union(*known.values())
    wrong, n = [], 0
    for page in PAGES:
        name = name_of(page)
        for span in spans(page):
            for verb, options in calls(span):
                n += 1
                if verb not in known:
                    wrong.append(f"{name}: there is no verb {verb}: {span}")
                    continue
                wrong += [f"{name}: {verb} has no {o}" for o in options if o not in known[verb]]
            alone = re.match(r"--[a-z-]+", span)
            if alone and alone[0] not in every | OTHERS.get(name, set()):
                wrong.append(f"{name}: no verb has {alone[0]}")
    equal(wrong, [])
    assert n >= 60, n


def test_the_readme_names_every_verb(_, __):
    rows = re.findall(r"^\| (`lksm .*?) \|", (ROOT / "README.md").read_text(), re.M)
    named = {shlex.split(span)[1] for row in rows for span in re.findall(r"`(lksm [^`]*)`", row)}
    equal(named, set(re.findall(r"^  ([a-z-]+) ", help_of(), re.M)) - {"help", "version"})


def test_the_site_is_whole(_, folder):
    """Every link leads to a file of the site, and an anchor to a heading."""
    if not shutil.which("cmark-gfm"):
        raise Skip("there is no cmark-gfm; script/bootstrap site installs it")
    site = folder / "site"
    subprocess.run([ROOT / "script/site", site], check=True, capture_output=True)
    pages = {p.name: p.read_text() for p in site.glob("*.html")}
    equal(len(pages), len(PAGES))
    ids = {name: set(re.findall(r' id="([^"]+)"', text)) for name, text in pages.items()}
    for name, text in pages.items():
        for target in re.findall(r'(?:href|src)="([^"]*)"', text):
            if re.match("https?:", target):
                continue
            path, _, anchor = target.partition("#")
            assert (site / (path or name)).is_file(), f"{name}: there is no {target}"
            assert not anchor or anchor in ids[path or name], f"{name}: there is no {target}"
        equal((name, text.count('aria-current=page')), (name, 1))
    refused = subprocess.run([ROOT / "script/site", folder], capture_output=True, check=False)
    assert refused.returncode and site.exists(), "a folder of somebody else's is left alone"


if __name__ == "__main__":
    main(globals())
