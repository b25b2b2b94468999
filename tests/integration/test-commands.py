#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is made from the tables: completions and man pages; and `lksm rules`."""
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios

from lksm_test import DEADLINE_S, LKSM, ROOT, Skip, equal, main, record, wait_for


def lksm(*arguments, want=0):
    done = subprocess.run([LKSM, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == want, f"{arguments}: exit {done.returncode}, not {want}: {done.stderr}"
    return done.stdout, done.stderr


def tool(name):
    if not shutil.which(name):
        raise Skip(f"there is no {name}")
    return name


def verbs():
    return re.findall(r"^  ([a-z-]+) ", lksm("help")[0], re.M)


def options(verb):
    return [o for o in re.findall(r"^  (?:-., |    )--([a-z-]+)", lksm("help", verb)[0], re.M) if o != "help"]


def bash_completes(folder, *words):
    """What bash offers behind these words."""
    script = folder / "lksm.bash"
    script.write_text(lksm("completion", "bash")[0])
    program = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lksm; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", program, "bash", "lksm", *words], capture_output=True, text=True, check=True)
    equal(done.stderr, "")
    return done.stdout.split()


def test_bash_completes_verbs_options_and_words(_, folder):
    equal(sorted(bash_completes(folder, "")), sorted(verbs()))
    equal(bash_completes(folder, "quer"), ["query"])
    equal(sorted(bash_completes(folder, "help", "s")), ["schema", "stats"])
    for verb in set(verbs()) - {"help"}:
        equal(sorted(bash_completes(folder, verb, "--")), sorted({*("--" + o for o in options(verb)), "--help"}))
    equal(sorted(bash_completes(folder, "query", "-o", "")),
          sorted(["text", "json", "csv", "ecs", "ocsf", "cef", "otlp", "syslog"]))
    equal(bash_completes(folder, "follow", "--fields", "se"), ["seed"])
    for option in ("--severity", "--min-severity", "-s"):
        equal(bash_completes(folder, "query", option, ""), ["info", "medium", "high", "critical"])


OPERANDS = {"alert": ["test", "status", "run"], "history": ["rebuild", "status"],
            "rules": ["list", "show", "import-sigma"], "schema": ["event", "types"],
            "completion": ["bash", "zsh", "fish"]}


def test_words_behind_the_verb_are_completed(_, folder):
    for verb in set(verbs()) - {"help"}:
        equal([w for w in bash_completes(folder, verb, "") if w[0] != "-"], OPERANDS.get(verb, []))
        equal([w for w in bash_completes(folder, verb, "list", "") if w[0] != "-"], [])
    zsh = lksm("completion", "zsh")[0]
    for words in OPERANDS.values():
        assert f"'1:what:({' '.join(words)} )'" in zsh, words
    path = folder / "lksm.fish"
    path.write_text(lksm("completion", "fish")[0])
    for line, want in (("lksm rules imp", ["import-sigma"]), ("lksm alert st", ["status"]),
                       ("lksm query --min-severity hi", ["high"])):
        done = subprocess.run([tool("fish"), "-N", "-c", f"source {path}; complete -C '{line}'"], capture_output=True,
                              text=True, check=True, env={**os.environ, "HOME": str(folder)})
        equal([x.split("\t")[0] for x in done.stdout.splitlines()], want)


def test_each_verb_shows_its_help(_, __):
    for verb in verbs():
        for option in ("-h", "--help"):
            equal(lksm(verb, option), lksm("help", verb))
    for option in ("-h", "--help"):
        equal(lksm(option), lksm("help"))
        equal(lksm(option, "query"), lksm("help", "query"))
    equal(lksm("-V"), lksm("version"))


def test_help_that_a_full_disk_does_not_take_is_told(_, __):
    for arguments in (["help"], ["help", "query"], ["query", "--help"], ["version"], ["schema", "types"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LKSM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        equal((done.returncode, done.stderr),
              (2, "lksm: cannot write the output: No space left on device\n"))


def test_help_stands_in_columns(_, __):
    for verb in verbs():
        for line in re.findall(r"^(?:  -.,|     ) --.*", lksm("help", verb)[0], re.M):
            assert line[30] == " " != line[31] or line.count("|") > 1, line


def test_help_is_as_wide_as_what_shows_it(_, __):
    def detail(text):
        return text.split("\n\n", 2)[2].partition("\n\n")[0]
    for verb in verbs():
        plain = lksm("help", verb)[0]
        if len(plain.split("\n\n")) > 3:
            assert max(map(len, detail(plain).split("\n"))) <= 80, plain
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 50, 0, 0))
    with open(leader, "rb", buffering=0) as terminal:
        with subprocess.Popen([LKSM, "help", "verify"], stdout=follower) as process:
            os.close(follower)
            text = b""
            while b"--help" not in text:
                text += terminal.read(65536)
            equal(process.wait(DEADLINE_S), 0)
    narrow = detail(text.decode().replace("\r\n", "\n"))
    assert 40 < max(map(len, narrow.split("\n"))) <= 50, narrow
    equal(narrow.split(), detail(lksm("help", "verify")[0]).split())


def test_zsh_and_fish_take_theirs(_, folder):
    for shell in ("zsh", "fish"):
        path = folder / shell
        path.write_text(lksm("completion", shell)[0])
        done = subprocess.run([tool(shell), "-n", path], capture_output=True, text=True, check=False)
        equal((done.returncode, done.stderr), (0, ""))


def test_fish_completes(_, folder):
    path = folder / "lksm.fish"
    path.write_text(lksm("completion", "fish")[0])
    for line, want in (("lksm quer", "query"), ("lksm follow --min", "--min-severity"), ("lksm query -o ec", "ecs")):
        done = subprocess.run([tool("fish"), "-N", "-c", f"source {path}; complete -C '{line}'"], capture_output=True,
                              text=True, check=True, env={**os.environ, "HOME": str(folder)})
        equal([x.split("\t")[0].removeprefix("-o") for x in done.stdout.splitlines()], [want])


def test_completion_of_an_unknown_shell(_, __):
    assert "only: bash|zsh|fish" in lksm("completion", "tcsh", want=2)[1]


def pages():
    return ["lksm", "lksm.yaml", "lksm-events", *("lksm-" + verb for verb in verbs())]


def test_man_pages_have_no_fault(_, folder):
    for page in pages():
        path = folder / page
        path.write_text(lksm("man-page", page)[0])
        done = subprocess.run([tool("mandoc"), "-T", "lint", "-W", "warning", path], capture_output=True, text=True,
                              check=False)
        equal(done.stdout + done.stderr, "")


def shown(page):
    source = lksm("man-page", page)[0]
    done = subprocess.run([tool("mandoc"), "-T", "utf8", "-O", "width=1000"], input=source, capture_output=True,
                          text=True, check=True)
    return re.sub(r".\x08", "", done.stdout)


def test_man_pages_say_what_the_tables_say(_, __):
    for verb in verbs():
        text = shown("lksm-" + verb)
        for option in options(verb):
            assert f"--{option}" in text, f"lksm-{verb}: no --{option}"
        assert f"lksm-{verb}(1)" in shown("lksm"), verb
    config = shown("lksm.yaml")
    for key in re.findall(r'KEY\("([a-z_.]+)"', (ROOT / "src/core/config.c").read_text()):
        assert key in config, key
    assert "modules.crossview.interval" in config
    events = shown("lksm-events")
    for line in lksm("schema", "types")[0].splitlines():
        assert line.split()[0] in events, line
    for key in json.loads(lksm("schema", "event")[0])["properties"]:
        assert key in events, key


RULES = """rules:
  - id: first
    for: kernel_log
    match: 'one {word}'
    severity: high
    tags: [a, b]
    attack: [T1014]
    examples: [{line: one x, data: {word: x}}]
  - id: second
    for: kernel_log
    contains: two
    examples: [{line: two}]
  - id: quiet
    for: kernel_log
    contains: hush
    drop: true
    examples: [{line: hush}]
"""


def test_misspelled_words_name_the_nearest(_, folder):
    rules, config = folder / "rules.yaml", folder / "lksm.yaml"
    rules.write_text(RULES)
    config.write_text("alerts: {receivers: {pager: {type: syslog, address: 'localhost:1'}}}\n")
    for arguments, word in ((["rules", "lst"], "knows no 'lst' (did you mean 'list'?)"),
                            (["rules"], "list | show ID"), (["rules", "show"], "show ID"),
                            (["rules", "list", "x"], "rules list takes no 'x'"),
                            (["history", "stauts"], "(did you mean 'status'?)"),
                            (["alert", "tets", "x", "-c", config], "(did you mean 'test'?)"),
                            (["alert", "status", "x", "-c", config], "alert status takes no 'x'"),
                            (["alert", "test", "pagr", "-c", config], "no receiver 'pagr' (did you mean 'pager'?)")):
        out, err = lksm(*arguments, want=2)
        equal(out, "")
        assert word in err, f"{arguments}: {err}"
    for wrong, near in (("frist", "first"), ("secnd", "second"), ("zzzzzz", None)):
        _, err = lksm("rules", "show", wrong, "--rules", rules, want=1)
        equal(err, f"lksm: there is no rule '{wrong}'" + (f" (did you mean '{near}'?)" if near else "")
              + "; see `lksm rules list`\n")


def test_rules_list_and_show(_, folder):
    path = folder / "rules.yaml"
    path.write_text(RULES)
    rows = [line.split() for line in lksm("rules", "list", "--rules", path)[0].splitlines()]
    equal([row[:3] for row in rows], [["first", "high", "kernel_log"], ["second", "info", "kernel_log"],
                                      ["quiet", "(drop)", "kernel_log"]])
    first = json.loads(lksm("rules", "list", "--json", "--rules", path)[0].splitlines()[0])
    equal(first, {"id": "first", "type": "first", "severity": "high", "for": "kernel_log",
                  "condition": "match 'one {word}'", "tags": ["a", "b"], "attack": ["T1014"], "file": str(path),
                  "line": 2, "examples": ["one x"], "drop": False})
    text = lksm("rules", "show", "first", "--rules", path)[0]
    for want in ("rules.yaml:2", "match 'one {word}'", "T1014", "one x"):
        assert want in text, text
    assert "no rule 'third'" in lksm("rules", "show", "third", "--rules", path, want=1)[1]
    lksm("rules", want=2)
    lksm("rules", "list", "more", want=2)


def test_rules_are_counted_from_the_log_of_a_daemon(daemon, folder):
    path = folder / "rules.yaml"
    path.write_text(RULES)
    config = folder / "lksm.yaml"
    config.write_text(f"rules:\n  dirs: [{path}]\n")
    d = daemon("--config", str(config)).start()
    d.append(b"".join(record(i, text) for i, text in enumerate(("one a", "two", "one b", "hush", "none"))))
    d.append(record(5, "one c", priority=14))  # user space wrote that
    d.append(record(6, "one end"))
    wait_for(lambda: len(d.events("first")) == 3, "the events")
    equal([e["data"] for e in d.events("first")], [{"word": "a"}, {"word": "b"}, {"word": "end"}])
    rows = [json.loads(x) for x in lksm("rules", "list", "--json", "--counts", "--rules", path, "--log-dir",
                                        d.logs)[0].splitlines()]
    equal({row["id"]: row["matches"] for row in rows}, {"first": 3, "second": 1, "quiet": 0})
    d.stop()


SIGMA = """title: Kernel Exploit Traces
id: 8a7f0d0c-0000-4000-8000-000000000001
status: test
logsource:
  product: linux
  service: kernel
detection:
  keywords:
    - 'exploit attempt?'
    - "it's tainted"
  condition: keywords
level: high
tags:
  - attack.privilege_escalation
  - attack.t1068
"""


def test_sigma_rules_are_taken(_, folder):
    path = folder / "sigma.yml"
    path.write_text(SIGMA.replace("attempt?", "attempt"))
    made = folder / "made.yaml"
    made.write_text(lksm("rules", "import-sigma", path)[0])
    equal(lksm("check", made)[0], "2 rules, every example gives what it should\n")
    for line, kind in (("an exploit attempt (uid: 0)", 0), ("it's tainted", 0), ("nothing", 1)):
        out = lksm("test", "--json", made, line, want=kind)[0]
        if kind == 0:
            event = json.loads(out)
            assert "kernel_exploit_traces" in out and "T1068" in out and "high" in out, event
    path.write_text(SIGMA.replace("  keywords:\n    - 'exploit attempt?'\n    - \"it's tainted\"",
                                  "  keywords:\n    '|all':\n      - oops\n      - 'module'"))
    made.write_text(lksm("rules", "import-sigma", path)[0])
    equal(lksm("check", made)[0], "1 rule, every example gives what it should\n")
    lksm("test", made, "a module made oops")
    lksm("test", made, "oops", want=1)


def test_sigma_rules_bring_no_yaml_of_their_own(_, folder):
    path = folder / "sigma.yml"
    good = SIGMA.replace("attempt?", "attempt")
    for tag in ("attack.t1]\\n  - id: evil\\n    for: kernel_log\\n    contains: evil\\n    tags: [x", "attack.t1068x",
                "attack.t10680", "attack.t1068.1", "attack.t1068.001.1", "attack.t106"):
        path.write_text(good.replace("attack.t1068", f'"{tag}"') + "  - attack.t1547.006\n")
        out = lksm("rules", "import-sigma", path)[0]
        assert "evil" not in out, out
        equal(re.findall("attack: (.*)", out), ["[T1547.006]"] * 2)
    for keyword in ("a\\nb", "a\\x7fb", "a\\x1bb", "a\\u2028b"):
        path.write_text(good.replace("'exploit attempt'", f'"{keyword}"'))
        out, err = lksm("rules", "import-sigma", path, want=1)
        equal(out, "")
        assert "9:7: a keyword with control bytes" in err or "9:8: a keyword with control bytes" in err, err
    path = folder / "x\n  - id: evil\n    contains: evil\n    #.yml"
    path.write_text(good)
    made = folder / "made.yaml"
    made.write_text(lksm("rules", "import-sigma", path)[0])
    equal(lksm("check", made)[0], "2 rules, every example gives what it should\n")


def test_sigma_rules_of_which_one_hides_another_are_not_printed(_, folder):
    path = folder / "sigma.yml"
    path.write_text(SIGMA.replace("attempt?", "attempt").replace("it's tainted", "an exploit attempt"))
    out, err = lksm("rules", "import-sigma", path, want=1)
    equal(out, "")
    assert "matches this line first" in err, err


def test_sigma_rules_that_cannot_be_said_are_refused_with_the_place(_, folder):
    for old, new, place in (
            ("attempt?", "attempt?", "9:8"), ("product: linux", "product: windows", "5:3"),
            ("service: kernel", "service: auditd", "6:12"), ("condition: keywords", "condition: not keywords", "11:14"),
            ("level: high", "level: hgih", "12:8"), ("status: test", "staus: test", "3:1"),
            ("  condition: keywords\n", "", "detection needs"),
            ("  keywords:\n", "  filter: [x]\n  keywords:\n", "more than one selection"),
            ("  keywords:\n    - 'exploit attempt'\n    - \"it's tainted\"", "  keywords:\n    type: EXECVE",
             "only keywords")):
        path = folder / "sigma.yml"
        text = SIGMA if old == "attempt?" else SIGMA.replace("attempt?", "attempt")
        path.write_text(text.replace(old, new))
        assert text.replace(old, new) != SIGMA.replace("attempt?", "attempt"), f"{old} is not there"
        out, err = lksm("rules", "import-sigma", path, want=1)
        equal(out, "")
        assert place in err, f"{new}: {err}"


def test_check_tells_a_missing_file_from_a_bad_one(_, folder):
    missing, bad, config = folder / "missing.yaml", folder / "bad.yaml", folder / "lksm.yaml"
    bad.write_text("rules: 1\n")
    config.write_text(f"rules: {{dirs: [{bad}]}}\n")
    for arguments in (["check", missing], ["check", bad, missing], ["check", "-c", missing],
                      ["rules", "import-sigma", missing]):
        assert "missing.yaml" in lksm(*arguments, want=2)[1]
    lksm("rules", "import-sigma", bad, want=1)
    lksm("check", bad, want=1)
    out, err = lksm("check", "-c", config, want=1)
    equal(out, "")
    assert "bad.yaml" in err, err
    bad.write_text("rules: []\n")
    assert "configuration: ok\n" in lksm("check", "-c", config)[0]


def test_check_knows_where_the_dashboard_may_listen(_, folder):
    config = folder / "lksm.yaml"
    for text, word in (("listen: 8787", "'8787' is no address to listen on"),
                       ("listen: 'example.org:8787'", "'example.org:8787' is no address"),
                       ("listen: '0.0.0.0:8787'", "without TLS"),
                       ("{listen: '0.0.0.0:8787', auth: none}", "on loopback only")):
        config.write_text(f"dashboard: {text}\n" if text[0] == "{" else f"dashboard: {{{text}}}\n")
        out, err = lksm("check", "-c", config, want=1)
        equal(out, "")
        assert word in err, err
    for text in ("listen: '[::1]:0'", "listen: '0.0.0.0:8787', plain_http: true", "listen: x, enabled: false"):
        config.write_text(f"dashboard: {{{text}}}\n")
        assert "configuration: ok\n" in lksm("check", "-c", config)[0]


def test_packs_are_switched_on_by_name(_, folder):
    config = folder / "lksm.yaml"
    config.write_text(f"rules:\n  dirs: [{ROOT}/rules]\n")
    usual = lksm("rules", "list", "-c", config)[0]
    assert "segfault" not in usual and "lkrg_detected" not in usual
    config.write_text(f"rules:\n  dirs: [{ROOT}/rules]\n  enable: [lkrg, kernel]\n")
    every = lksm("rules", "list", "-c", config)[0]
    assert "segfault" in every and "lkrg_detected" in every
    assert "pack " not in every


def test_packs_that_are_off_are_named(_, folder):
    config = folder / "lksm.yaml"
    config.write_text(f"rules:\n  dirs: [{ROOT}/rules]\n  enable: [lkrg]\n")
    last = lksm("rules", "list", "-c", config)[0].splitlines()[-1]
    want = rf"pack kernel is not on \(rules.enable\): \d+ rules in {ROOT}/rules/available/20-kernel.yaml"
    assert re.fullmatch(want, last), last
    assert "pack" not in lksm("rules", "list", "--json", "-c", config)[0].splitlines()[-1].split()
    assert "in the pack kernel, which is not on" in lksm("rules", "show", "segfault", "-c", config, want=1)[1]
    lksm("rules", "show", "lkrg_detected", "-c", config)
    assert "no rule 'third'" in lksm("rules", "show", "third", "-c", config, want=1)[1]


if __name__ == "__main__":
    main(globals())
