#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Least power: which locks the daemon's processes are behind, and what planted code can do."""
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error

from lksm_test import LKSM, ROOT, Skip, equal, main, open_files, record, wait_for

PLANTED = pathlib.Path(LKSM).parent / "tests/lksm-planted"
ATTACKS = re.findall(r'\{ "(\w+)", ', (ROOT / "tests/planted/attacks.c").read_text())
HARMLESS = "[PHOTON RING] nothing to see"
PATIENCE = 6  # deaths before a process that dies again is made to wait longer than we like


def has_landlock():
    """Does this kernel have it? SYS_landlock_create_ruleset, which then tells its version."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def named(d):
    """{name: status} of the daemon's children."""
    return {s["Name"]: s for s in map(status_of, d.children())}


def wait_locked(d):
    """Every child is there, and behind its filter."""
    return wait_for(lambda: (lambda all: all if {"core", "web", "crossview"} <= set(all) and
                             all["core"].get("Seccomp_filters", "2") == "2" and
                             all["web"]["Seccomp"] == "2" else None)(named(d)),
                    "core, web and crossview behind their locks\n" + d.stderr())


def test_no_process_but_the_supervisor_has_power(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    found = wait_locked(d)
    for name in ("core", "web"):
        s = found[name]
        equal([int(s[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4)
        equal((s["NoNewPrivs"], s["Seccomp"]), ("1", "2"))
        if os.geteuid() == 0:
            equal(int(s["CapBnd"], 16), 0)
            equal(s["Groups"].split(), [])
            assert "0" not in s["Uid"].split(), s["Uid"]
    if os.geteuid() == 0:
        assert found["core"]["Uid"] != found["web"]["Uid"]
        equal(int(found["crossview"]["CapEff"], 16), 1 << 2 | 1 << 19)
    d.stop()


def test_web_has_its_socket_and_nothing_else(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    wait_locked(d)
    pid = next(p for p in d.children() if status_of(p)["Name"] == "web")
    fds = {link for fd, link in open_files(pid).items() if fd > 2}
    fds = {re.sub(r"\W?\[?\d*\]?$", "", fd) for fd in fds}
    assert fds <= {"socket", "anon_inode:[eventfd", "anon_inode:[eventpoll",
                   "anon_inode:[timerfd", "anon_inode:[signalfd",
                   "/memfd:lksm-live (deleted"}, fds
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    equal([line for line in maps.splitlines() if re.search(r" .w.s .*(\.state|memfd|\.sandbox|zero)", line)],
          [])
    d.stop()


def listening_inode(d):
    """Of the dashboard's socket: proc(5), /proc/net/tcp."""
    port = int(d.url()[0].rsplit(":", 1)[1])
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    return next(row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")


def test_core_can_rewrite_its_key_and_its_position_only(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    d.append(record(0, HARMLESS))
    d.wait_events(1)
    wait_locked(d)
    pid = next(p for p in d.children() if status_of(p)["Name"] == "core")
    files = set()
    for fd, link in open_files(pid).items():
        path = pathlib.Path(link)
        if path.parent != d.logs:
            continue
        info = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
        flags = int(re.search(r"flags:\s+(\d+)", info).group(1), 8)
        if flags & os.O_ACCMODE and not flags & os.O_APPEND:
            files.add(path.name)
    equal(files, {".seal_key"})
    assert f"socket:[{listening_inode(d)}]" not in open_files(pid).values()
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    # "zero": how far the log is, and the inboxes of the modules
    equal(sorted(re.findall(r" rw-s .*/(\S+)", maps)),
          [".state", "memfd:lksm-counters", "memfd:lksm-live", "zero", "zero"])
    d.stop()


def test_health_and_doctor_say_so(daemon, folder):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    wait_locked(d)
    wait_for(lambda: len(json.loads(d.get("/healthz"))["sandbox"]) == 3, "three rows")
    sandbox = json.loads(d.get("/healthz"))["sandbox"]
    for name in ("core", "web"):
        equal((sandbox[name]["capabilities"], sandbox[name]["no_new_privs"],
               sandbox[name]["seccomp"]), (0, True, True))
    config = folder / "lksm.yaml"
    config.write_text(f"output:\n  dir: {d.logs}\nmodules:\n  kprobe_reader:\n    kmsg: {d.kmsg}\n")
    said = subprocess.run([LKSM, "doctor", "--config", str(config)], text=True,
                          stdout=subprocess.PIPE).stdout
    for name in ("core", "web", "crossview"):
        line = next(x for x in said.splitlines() if f"Process {name} " in x)
        assert "seccomp" in line and "no new privileges" in line, said
        assert name == "crossview" or "no capability" in line, said
        if has_landlock() and name != "crossview":  # which Landlock would keep from its work
            assert sandbox[name]["landlock"] and f"Landlock {sandbox[name]['landlock']}" in line, said
    d.stop()


def doctor(folder, text, **options):
    config = folder / "doctor.yaml"
    config.write_text(text)
    return subprocess.run([LKSM, "doctor", "--config", str(config)], text=True, stdout=subprocess.PIPE, check=False,
                          **options).stdout


def test_doctor_waits_for_no_fifo_and_follows_no_link(_, folder):
    names = (".lock", ".seal_key", ".sandbox")
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        for name in names:
            (folder / name).unlink(missing_ok=True)
            make(folder / name)
        said = doctor(folder, f"output: {{dir: {folder}}}\n", timeout=120)
        assert "The key of the log's seals cannot be read" in said, said
        assert "The daemon is not running on this log folder" in said, said


def test_doctor_says_of_a_history_that_it_is_root(daemon, folder):
    """Crossview is root, and that is right; under the name of the history it would not be."""
    if os.geteuid() != 0:
        raise Skip("not root")
    d = daemon(dashboard=True, history=True).start()
    d.wait_healthy()
    wait_for(lambda: len(json.loads(d.get("/healthz"))["sandbox"]) == 4, "four rows")
    for name in (b"crossview", b"history\0\0"):
        (folder / "other").mkdir(exist_ok=True)
        page = (d.logs / ".sandbox").read_bytes()
        assert b"crossview" in page
        (folder / "other/.sandbox").write_bytes(page.replace(b"history", b"another").replace(b"crossview", name))
        said = doctor(folder, f"output: {{dir: {folder}/other}}\n")
        line, _, remedy = said[said.index("user 0,"):].partition("\n")
        assert ("a user of its own" in remedy.partition("\n")[0]) == (name != b"crossview"), said
    d.stop()


def test_doctor_says_that_the_kernels_messages_are_off(_, folder):
    rules = f"rules: {{dirs: [{ROOT}/rules]"
    off = "note  The kernel's own messages become no events"
    assert off in doctor(folder, rules + "}\n")
    for text in (rules + ", enable: [kernel]}\n", rules + "}\nkernel_log: {all: true}\n"):
        said = doctor(folder, text)
        assert off not in said and "ok    The kernel's own messages become events" in said, said


def need_locks(d):
    d.wait_healthy()
    wait_locked(d)
    sandbox = json.loads(d.get("/healthz"))["sandbox"]
    if not sandbox["web"]["seccomp"] or not sandbox["web"]["landlock"]:
        raise Skip("this kernel has no seccomp or no Landlock")


def planted(daemon):
    if not PLANTED.exists():
        raise Skip(f"{PLANTED} is not built")
    d = daemon(dashboard=True)
    d.arguments[0] = str(PLANTED)
    return d.start()


def outcomes(d, name):
    """How often the attack was refused, and its process killed for it."""
    return (d.stderr().count(f"planted: {name} was refused"),
            len(re.findall(r"(core|web) killed by SIGSYS", d.stderr())))


def attempts(d):
    """For each attack: its number, its name, and its outcomes before it."""
    for number, name in enumerate(ATTACKS, 1):
        if number % PATIENCE == 0:
            d.stop()
            d.start()
            need_locks(d)
        yield number, name, outcomes(d, name)


def wait_until_over(d, name, before):
    wait_for(lambda: any(n > was for n, was in zip(outcomes(d, name), before)), name)


def test_code_in_the_parser_can_do_nothing(daemon, _):
    d = planted(daemon)
    need_locks(d)
    d.append(record(0, HARMLESS))
    d.wait_events(1, "photon_ring_generic")
    before = b"".join(d.lines())
    for number, name, so_far in attempts(d):
        evil = record(number, "[PHOTON RING] PLANTED/" + name)
        at = d.kmsg.stat().st_size
        d.append(evil)
        wait_until_over(d, name, so_far)
        # core reads it again and again; the kernel's ring would move on
        with open(d.kmsg, "r+b") as f:
            f.seek(at)
            f.write(evil.replace(b"PLANTED/", b"planted "))
        wait_for(lambda: [e for e in d.events() if e.get("stream_seq") == number],
                 f"life after {name}\n" + d.stderr())
    assert "WORKED" not in d.stderr(), d.stderr()
    equal(b"".join(d.lines())[:len(before)], before)
    assert d.process.poll() is None
    violated = d.events("sandbox_violated")
    assert violated and violated[0]["severity"] == "critical", violated
    equal({e["data"]["process"] for e in violated}, {"core"})
    d.stop()


def test_code_in_the_web_process_can_do_nothing(daemon, _):
    d = planted(daemon)
    need_locks(d)
    d.append(record(0, HARMLESS))
    d.wait_events(1, "photon_ring_generic")
    before = b"".join(d.lines())
    for _, name, so_far in attempts(d):
        try:
            d.get("/PLANTED/" + name)
        except (urllib.error.URLError, ConnectionError, OSError):
            pass  # 404, or it died
        wait_until_over(d, name, so_far)
        d.wait_healthy()
    assert "WORKED" not in d.stderr(), d.stderr()
    assert d.process.poll() is None
    wait_for(lambda: d.events("sandbox_violated"), "the event")
    equal({e["data"]["process"] for e in d.events("sandbox_violated")}, {"web"})
    equal(b"".join(d.lines())[:len(before)], before)
    d.stop()


def test_code_in_a_rule_file_can_do_nothing(daemon, folder):
    if not PLANTED.exists():
        raise Skip(f"{PLANTED} is not built")
    os.chmod(folder, 0o755)
    rules = folder / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("rules: []\n")
    d = daemon("--rules", str(rules), dashboard=True, env={"LKSM_RULES_WATCH": "false"})
    d.arguments[0] = str(PLANTED)
    d.start()
    need_locks(d)
    supervisor = d.process.pid
    tried = ("open_write", "run_program", "start_process", "connect_out", "trace_parent",
             "kill_parent", "use_io_uring")
    for number, name in enumerate(tried, 1):
        (rules / "a.yaml").write_text(f"rules: []\n# PLANTED/{name}")
        d.process.send_signal(signal.SIGHUP)
        error = d.wait_events(number, "config_rejected")[-1]["data"]["error"]
        assert "crashed" in error, error
    (rules / "a.yaml").write_text("rules: []\n# PLANTED/find_shared_memory")
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(1, "config_reloaded")
    assert "find_shared_memory was refused" in d.stderr(), d.stderr()
    assert "WORKED" not in d.stderr(), d.stderr()
    (rules / "a.yaml").write_text("rules: []\n")
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(2, "config_reloaded")
    equal((d.process.poll(), d.process.pid), (None, supervisor))
    d.stop()


def test_code_in_a_rule_file_does_not_decide_what_is_opened(daemon, folder):
    """It gives the answer of the whole loader, at the start, when nothing is in force yet."""
    if not PLANTED.exists():
        raise Skip(f"{PLANTED} is not built")
    os.chmod(folder, 0o755)
    (folder / "a.yaml").write_text("rules: []\n# PLANTED/answer_as_loader")
    d = daemon("--rules", str(folder / "a.yaml"), "--all", dashboard=True)
    d.arguments[0] = str(PLANTED)
    d.start()
    d.append(record(0, HARMLESS))
    wait_for(lambda: d.process.poll() is not None or d.lines(), "an event\n" + d.stderr())
    assert d.lines(), d.stderr()
    assert not pathlib.Path("/tmp/lksm-planted-logs").exists()
    d.stop()


def test_a_module_writes_nowhere_unless_it_is_allowed(daemon, folder):
    os.chmod(folder, 0o755)
    modules = folder / "modules"
    modules.mkdir()
    for name in ("caged", "free"):
        script = modules / f"{name}.sh"
        script.write_text(f"#!/bin/sh\nif echo x >{folder}/{name}; then w=true; else w=false; fi\n"
                          f"""echo '{{"type": "tried", "data": {{"wrote": '$w'}}}}'\nsleep 1000\n""")
        script.chmod(0o755)
    config = folder / "lksm.yaml"
    config.write_text("modules:\n  free:\n    sandbox: false\n")
    d = daemon("--config", str(config), "--module-dir", str(modules), dashboard=True).start()
    d.wait_healthy()
    wrote = {e["source"]: e["data"]["wrote"] for e in d.wait_events(2, "tried")}
    if not json.loads(d.get("/healthz"))["sandbox"]["caged"]["landlock"]:
        raise Skip("this kernel has no Landlock")
    equal(wrote, {"caged": False, "free": True})
    d.stop()


def test_a_module_that_is_misconfigured_is_not_run_with_more(daemon, folder):
    os.chmod(folder, 0o755)
    modules = folder / "modules"
    modules.mkdir()
    (modules / "caged.sh").write_text("#!/bin/sh\nsleep 1000\n")
    (modules / "caged.sh").chmod(0o755)
    config = folder / "lksm.yaml"
    config.write_text("modules:\n  caged:\n    capabilities: [sys_rawio, all]\n")
    d = daemon("--config", str(config), "--module-dir", str(modules)).start()
    d.append(record(0, HARMLESS))
    d.wait_events(1)
    assert "module caged is not run: capabilities is a list" in d.stderr(), d.stderr()
    d.stop()


def test_root_believes_only_what_nobody_else_can_write(_, folder):
    if os.geteuid():
        raise Skip("only root is so careful")
    os.chmod(folder, 0o755)
    rules = folder / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("rules: []\n")
    config = folder / "lksm.yaml"
    config.write_text(f"rules:\n  dirs: [{rules}]\n")

    def check():
        done = subprocess.run([LKSM, "check", "--config", str(config)], text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return done.returncode, done.stderr
    equal(check()[0], 0)
    for path, change, says in (
            (config, lambda p: os.chown(p, 65534, -1), "lksm.yaml does not belong to root"),
            (rules / "a.yaml", lambda p: p.chmod(0o666), "a.yaml can be written by others"),
            (rules, lambda p: p.chmod(0o777), "rules can be written by others")):
        mode = path.stat().st_mode
        change(path)
        status, said = check()
        equal((status, says in said), (1, True))
        os.chown(path, 0, -1)
        path.chmod(mode)
    equal(check()[0], 0)


def test_a_log_folder_that_others_can_write_is_said(daemon, folder):
    d = daemon()
    d.logs.mkdir()
    config = folder / "lksm.yaml"
    config.write_text(f"output:\n  dir: {d.logs}\n")
    for number, (mode, is_shared) in enumerate(((0o777, True), (0o750, False))):
        d.logs.chmod(mode)
        d.start()
        d.append(record(number, HARMLESS))
        d.wait_events(number + 1)
        equal("others can write in the log folder" in d.stderr()[d.said_before:], is_shared)
        said = subprocess.run([LKSM, "doctor", "--config", str(config)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        equal("Others can write in the log folder" in said.stdout, is_shared)
        assert not is_shared or said.returncode == 1, said.returncode
        d.stop()


def test_a_service_manager_may_open_everything(daemon, folder):
    """As packaging/systemd does it: the kernel log, the socket and crossview's pipe come in."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    os.mkfifo(folder / "pipe")
    pipe = os.open(folder / "pipe", os.O_RDWR | os.O_NONBLOCK)
    d = daemon(dashboard=True)
    d.arguments[d.arguments.index("--kmsg") + 1] = "-"
    opened = ('export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=dashboard:crossview; '
              f'exec "$@" 3<&{listener.fileno()} 4<&{pipe}')
    d.arguments = ["bash", "-c", opened, "bash"] + d.arguments
    with open(d.kmsg, "rb") as kmsg:
        d.process = subprocess.Popen(d.arguments, stdin=kmsg, stderr=open(d.stderr_path, "ab"),
                                     env=d.env, pass_fds=[listener.fileno(), pipe])
    d.append(record(0, HARMLESS))
    equal(d.wait_events(1)[0]["stream"], "kmsg")
    equal(d.url()[0], "http://127.0.0.1:%d" % listener.getsockname()[1])
    d.wait_healthy()
    os.write(pipe, b'{"type": "module_hidden", "data": {"module": "x"}, "severity": "critical"}\n')
    equal(d.wait_events(1, "module_hidden")[0]["source"], "crossview")
    core = next(p for p in d.children() if status_of(p)["Name"] == "core")
    os.kill(core, signal.SIGKILL)
    d.wait_events(1, "process_restarted")
    os.write(pipe, b'{"type": "module_hidden", "data": {"module": "y"}, "severity": "critical"}\n')
    d.wait_events(2, "module_hidden")
    equal(sorted(status_of(p)["Name"] for p in d.children()), ["core", "web"])
    web = next(p for p in d.children() if status_of(p)["Name"] == "web")
    links = open_files(web).values()
    assert not {str(folder / "pipe"), str(d.kmsg)} & set(links), links
    os.close(pipe)
    d.stop()


def test_the_unit_is_rated(_, __):
    unit = ROOT / "packaging/systemd/lksm.service"
    done = subprocess.run(["sh", "-c", "command -v systemd-analyze"], stdout=subprocess.DEVNULL)
    if done.returncode:
        raise Skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=16",
                           "--no-pager", str(unit)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    equal((done.returncode, done.stdout[-400:] if done.returncode else ""), (0, ""))


if __name__ == "__main__":
    main(globals())
