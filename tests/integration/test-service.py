#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped units under a real systemd: pid 1 of namespaces of its own, in which this machine's
files are there to be changed (an overlay in memory), with its kernel log. What is installed, and
where, is read from packaging/debian, so that the list of the package is tried as well. It is
not a boot: tests/vm/packages is, with the sensor and the packages themselves."""
import contextlib
import json
import os
import pathlib
import re
import subprocess

from doc_pages import blocks, is_as_shown
from lksm_test import LKSM, ROOT, Skip, equal, main, wait_for

SYSTEMD = "/lib/systemd/systemd"
UNITS = ["lksm.service", "lksm-crossview.service", "lksm-dashboard.socket", "lksm-crossview.socket"]
SAYS_NOBODY = "there are receivers, and nobody tells them"
ALERTS = "lksm-alerts.service"  # ends at once if there are no receivers
FIVE_CAPABILITIES = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 34  # kill, setgid, setuid, setpcap, syslog
DEVICES = "null zero full random urandom tty kmsg"

# Becomes systemd: $1 is an empty folder. What of /proc and /sys is the whole machine's is read-only.
BOOT = """
set -e
mount -t tmpfs box "$1"
mkdir "$1"/upper "$1"/work "$1"/root
mount -t overlay box -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind -o ro proc/sys proc/sys
mount -t sysfs -o ro sys sys
mount -t cgroup2 cgroup sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for name in """ + DEVICES + """; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 pts dev/pts
ln -s pts/ptmx dev/ptmx
for folder in run tmp var/log; do mount -t tmpfs -o mode=755 tmp "$folder"; done
mkdir -p run/old var/log/journal
hostname box
pivot_root . run/old
umount -l run/old
exec env -i container=lksm-test PATH=/usr/sbin:/usr/bin:/sbin:/bin """ + SYSTEMD + """ \\
	--unit=basic.target --log-target=journal </dev/null >/dev/null 2>&1
"""
# In it: all that the package has, from an archive on the standard input.
INSTALL = """
set -e
rm -rf /etc/lksm /usr/share/lksm
tar -x --no-same-owner --no-overwrite-dir --keep-directory-symlink -C /
systemd-sysusers lksm.conf
systemd-tmpfiles --create lksm.conf
systemctl daemon-reload
systemctl start """ + " ".join([*UNITS, ALERTS])


def cgroup_root():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, options = line.split()[:4]
        if kind == "cgroup2" and "rw" in options.split(","):
            return pathlib.Path(folder)
    raise Skip("there is no cgroup2")


class Box:
    """A systemd, and what is done beside it."""

    def __init__(self, folder):
        if os.geteuid() != 0 or not os.path.exists(SYSTEMD):
            raise Skip("that needs root, and systemd")
        self.cgroup = cgroup_root() / f"lksm-test-{os.getpid()}"
        self.folder = folder
        self.process = None

    def __enter__(self):
        try:
            self.cgroup.mkdir()
            self.process = subprocess.Popen(
                ["unshare", "-m", "-p", "-u", "-i", "-C", "-n", "--fork", "--kill-child",
                 "sh", "-c", BOOT, "box", str(self.folder)], stderr=subprocess.PIPE,
                preexec_fn=lambda: (self.cgroup / "cgroup.procs").write_text(str(os.getpid())))
            wait_for(self.is_up, "systemd, or its end")
        except (OSError, AssertionError) as why:
            self.__exit__()
            raise Skip(f"no systemd can be started here: {why}") from why
        if self.process.poll() is not None:
            said = self.process.stderr.read().decode()
            self.__exit__()
            raise Skip(f"no systemd can be started here: {said.strip()}")
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            wait_for(lambda f=folder: self.is_removed(f), f"the end of {folder}")

    @staticmethod
    def is_removed(folder):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
        return not os.path.exists(folder)

    def is_up(self):
        return self.process.poll() is not None or self.pid() and self.run(
            "systemctl is-active basic.target", check=False) == "active"

    def pid(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(FileNotFoundError):
            return children.read_text().split()[:1]
        return []

    def run(self, script, check=True, data=None):
        pid = self.pid()
        if not pid:
            return ""
        said = subprocess.run(
            ["nsenter", "-t", pid[0], "-m", "-p", "-u", "-i", "-C", "-n", "-r", "-w",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "bash", "-c", script],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = said.stdout.decode(errors="replace").strip()
        assert not check or said.returncode == 0, f"{script}\n{text}\n{self.journal()}"
        return text

    def journal(self):
        return self.run("journalctl --no-pager -o short-monotonic -u 'lksm*' | tail -n 40", check=False)

    def show(self, unit, key):
        return self.run(f"systemctl show -P {key} {unit}")

    def states(self):
        return self.run("systemctl is-active " + " ".join(UNITS), check=False).split()

    def wait_active(self):
        wait_for(lambda: self.states() == ["active"] * len(UNITS), f"all units\n{self.journal()}")
        wait_for(lambda: '"status": "ok"' in self.health(), f"/healthz\n{self.journal()}")

    def health(self):
        return self.run(r"""exec 3<>/dev/tcp/127.0.0.1/8787
            printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8787\r\nConnection: close\r\n\r\n' >&3
            timeout 10 cat <&3""", check=False)

    def events(self, kind=None):
        text = self.run("cat /var/log/lksm/lksm_events_*.jsonl", check=False)
        events = [json.loads(x) for x in text.splitlines() if x.startswith("{") and x.endswith("}")]
        return [e for e in events if kind in (None, e["type"])]

    def pids(self, name):
        return self.run(f"pgrep -x {name}", check=False).split()


def files_of_package():
    """(path here, folder there), of packaging/debian/lksm.install and its like"""
    for line in (ROOT / "packaging/debian/lksm.install").read_text().splitlines():
        if line.startswith("#"):
            continue
        source, folder = line.split()
        if source == "obj/lksm":
            yield pathlib.Path(LKSM), f"{folder}/lksm"
            continue
        found = list(ROOT.glob(source))
        assert found, f"lksm.install: there is no {source}"
        for path in found:
            yield path, f"{folder}/{path.name}"
    for kind in ("sysusers", "tmpfiles"):
        yield ROOT / f"packaging/debian/lksm.{kind}", f"usr/lib/{kind}.d/lksm.conf"


def install(box, folder):
    tree = folder / "tree"
    for source, target in files_of_package():
        (tree / target).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-rL", str(source), str(tree / target)], check=True)
    archive = subprocess.run(["tar", "-c", "-C", str(tree), "--mode=u=rwX,go=rX", "."], check=True,
                             stdout=subprocess.PIPE).stdout
    box.run(INSTALL, data=archive)
    box.wait_active()


@contextlib.contextmanager
def installed(folder):
    (folder / "box").mkdir()
    with Box(folder / "box") as box:
        install(box, folder)
        yield box


def status_of(box, pid):
    return dict(x.split(":", 1) for x in box.run(f"cat /proc/{pid}/status").splitlines() if ":" in x)


def test_it_comes_up_with_all_locks(_, folder):
    with installed(folder) as box:
        users = set()
        locked = lambda: json.loads(box.health().split("\r\n\r\n")[1])["sandbox"]
        wait_for(lambda: {"core", "web", "history"} <= set(locked()), f"three rows\n{box.journal()}")
        sandbox = locked()
        for process in ("core", "web", "history"):
            locks = sandbox[process]
            equal((locks["capabilities"], locks["no_new_privs"], locks["seccomp"]), (0, True, True))
            users.add(box.run(f"id -nu {locks['uid']}"))
        equal(users, {"lksm-core", "lksm-web", "lksm-history"})
        status = status_of(box, box.pids("history")[0])
        equal(set(status["Gid"].split()), {box.run("getent group lksm-history").split(":")[2]})
        equal(status["Groups"].split(), [])
        assert "not up to date" not in box.journal(), box.journal()
        bound = status_of(box, box.show("lksm", "MainPID"))["CapBnd"]
        equal(int(bound, 16), FIVE_CAPABILITIES)
        equal(box.run("systemctl list-units --failed --plain --no-legend 'lksm*'"), "")
        equal(box.run("stat -c '%U %G %a' /var/log/lksm"), "root lksm-history 2750")
        equal(set(box.run("stat -c '%U %G %a' /var/log/lksm/lksm_events_*").splitlines()), {"root lksm-history 640"})
        equal(set(box.run("stat -c '%U %a' /var/log/lksm/.[a-z]*").splitlines()), {"root 600"})
        token = box.run("cat /var/log/lksm/.dashboard_token").strip()
        said = box.run("journalctl --no-pager -u lksm.service")
        assert token and "dashboard: http" in said and token not in said, said
        rating = box.run("systemd-analyze security --no-pager lksm.service")
        score = float(re.search(r"exposure level for lksm.service: ([0-9.]+)", rating)[1])
        assert score <= 1.6, rating


def test_alerts_are_sent_by_a_service_of_their_own(_, folder):
    with installed(folder) as box:
        wait_for(lambda: box.run(f"systemctl is-active {ALERTS}", check=False) == "inactive", "its end")
        equal(box.show(ALERTS, "Result"), "success")
        equal(box.run(f"journalctl --quiet --no-pager -o cat -p warning -u {ALERTS}"), "")
        box.run("""mkdir -p /etc/lksm/lksm.yaml.d
            cat >/etc/lksm/lksm.yaml.d/test.yaml <<'END'
alerts: {group_wait: 0.1, receivers: {cat: {type: exec, command: [/bin/cat]}}}
END""")
        box.run(f"systemctl disable {ALERTS}; systemctl restart lksm")
        assert SAYS_NOBODY in box.run("lksm check")
        assert "note  Nobody tells the receivers of alerts" in box.run("lksm doctor", check=False)
        wait_for(lambda: SAYS_NOBODY in box.run("journalctl --no-pager -o cat -u lksm"), "a warning")
        box.run(f"systemctl enable --now {ALERTS}")
        wait_for(lambda: "running" == box.run("lksm alert status", check=False).split(";")[0], "who sends")
        assert SAYS_NOBODY not in box.run("lksm check")
        assert "ok    The receivers of alerts are told" in box.run("lksm doctor", check=False)
        box.run(f"echo '<6>[PHOTON RING] by the test of alerts, {os.getpid()}' >/dev/kmsg")
        wait_for(lambda: re.search(r"cat \(exec\): well; sent [1-9]", box.run("lksm alert status")),
                 f"a message\n{box.journal()}")
        status = status_of(box, box.run("pgrep -x alerts-send"))
        equal(box.run(f"id -nu {status['Uid'].split()[0]}"), "lksm-alerts")
        equal(int(status["CapEff"], 16), 0)


def test_crossview_has_a_pipe_for_events_and_the_journal_for_words(_, folder):
    with installed(folder) as box:
        pid = box.show("lksm-crossview", "MainPID")
        assert "/run/lksm-crossview" in box.run(f"readlink /proc/{pid}/fd/*").split()
        assert "socket:" in box.run(f"readlink /proc/{pid}/fd/2")
        box.run("""echo '{"type": "by_hand", "data": {"a": 1}}' >/run/lksm-crossview""")
        wait_for(lambda: box.events("by_hand"), f"the event of the pipe\n{box.journal()}")
        equal(box.events("by_hand")[0]["source"], "crossview")


def test_crossview_sees_what_is_mounted_over_a_process(_, folder):
    """A unit that has a /proc of its own does not."""
    with installed(folder) as box:
        # as a boot leaves it: what is mounted comes to services, too
        box.run("mount --make-rshared /; systemctl restart lksm-crossview")
        wait_for(lambda: box.pids("crossview"), f"crossview\n{box.journal()}")
        pid = box.run("sleep 1000 >/dev/null 2>&1 & mount -t tmpfs none /proc/$! && echo $!")

        def is_told():
            box.run("pkill -USR1 -x crossview")
            return [e for e in box.events("process_hidden") if str(e["data"]["pid"]) == pid]

        wait_for(is_told, f"process_hidden\n{box.journal()}")
        equal(is_told()[0]["severity"], "critical")
        for place in ("/proc", "/sys"):
            mount = box.run(f"grep ' {place} ' /proc/{box.pids('crossview')[0]}/mountinfo").split()
            assert "ro" in mount[5].split(","), mount


def test_the_kernel_log_is_read_and_kills_lose_nothing(_, folder):
    with installed(folder) as box:
        mark = f"[PHOTON RING] by the test of the units, {os.getpid()}"
        for number, process in enumerate(("core", "lksm", "web")):
            before = box.pids(process)
            assert before, box.journal()
            box.run(f"kill -KILL {before[0]}; echo '<6>{mark}-{number}' >/dev/kmsg")
            wait_for(lambda p=process, b=before: box.pids(p) and box.pids(p) != b,
                     f"another {process}\n{box.journal()}")
            box.wait_active()
            wait_for(lambda n=number: [e for e in box.events("spoof_suspected")
                                       if f"{mark}-{n}" in json.dumps(e)], f"line {number}")
        lines = [m for e in box.events("spoof_suspected") for m in re.findall(
            re.escape(mark) + r"-\d", json.dumps(e["data"]))]
        equal(sorted(set(lines)), [f"{mark}-{n}" for n in range(3)])
        equal(len(lines), 3)
        told = [e["data"]["process"] for e in box.events("process_restarted")]
        equal(told, ["core", "web"])
        seqs = [e["seq"] for e in box.events()]
        equal(seqs, list(range(len(seqs))))
        box.run("lksm verify")


def test_reload_restart_and_stop(_, folder):
    with installed(folder) as box:
        first = box.pids("core")
        box.run("mkdir -p /etc/lksm/lksm.yaml.d; echo 'output: {heartbeat: 7}' "
                ">/etc/lksm/lksm.yaml.d/test.yaml; systemctl reload lksm")
        wait_for(lambda: box.events("config_reloaded"), f"the reload\n{box.journal()}")
        wait_for(lambda: box.pids("core") not in ([], first), "a new core")
        box.wait_active()
        box.run("systemctl restart lksm")
        box.wait_active()
        box.run("systemctl stop lksm")
        wait_for(lambda: box.states() == ["inactive", "inactive", "active", "active"],
                 f"the end of both services\n{box.journal()}")
        wait_for(lambda: '"status": "ok"' in box.health(), "an answer: a connection starts the daemon")
        warnings = box.run("journalctl --quiet --no-pager -o cat -p warning -u 'lksm*'")
        equal(warnings, "")


def step(box, command):
    """What a person sees who types it; what is left in the background holds nothing."""
    return box.run(f"cd /root\n{{ {command}\n}} >/run/said 2>&1\ncode=$?\ncat /run/said\n"
                   "[ $code = 0 ] || echo exit $code")


def test_the_first_hour_of_the_documentation(_, folder):
    with installed(folder) as box:
        box.run("mount --make-rshared /; hostname web-1; systemctl restart lksm lksm-crossview")
        box.wait_active()
        n = 0
        for block in blocks(ROOT / "docs/first-hour.md"):
            if block.mark == "file":
                box.run(f"mkdir -p $(dirname {block.value}); cat >{block.value}", data=block.text.encode())
            for command, shown in block.steps() if block.kind == "console" else []:
                n += 1
                got = [step(box, command)]
                if shown:  # a question, which is asked until its answer is there
                    wait_for(lambda s=shown, c=command: is_as_shown(s, got[-1]) or got.append(step(box, c)),
                             f"{block.place}: {command}\n{shown}got\n{got[-1]}")
                else:
                    equal((command, got[0]), (command, ""))
        assert n >= 20, n


def packages():
    folder = pathlib.Path(os.environ.get("LKSM_PACKAGES", ROOT / "build/packages"))
    found = sorted(folder.glob("lksm_*.deb"))
    if not found:
        raise Skip("there are no packages; script/package makes them")
    return found[-1].read_bytes()


def test_the_package_installs_upgrades_and_leaves_the_logs_only(_, folder):
    package = packages()
    (folder / "box").mkdir()
    listing = ("find /etc /lib/systemd /usr/bin /usr/lib /usr/share /var/lib /var/log -xdev "
               "-not -path '/var/lib/dpkg/*' -not -path '/var/log/journal*' -not -name '*-' | sort")
    with Box(folder / "box") as box:
        box.run("rm -f /usr/sbin/policy-rc.d; cat >/root/lksm.deb", data=package)
        before = box.run(listing).splitlines()
        box.run("dpkg -i /root/lksm.deb")
        box.wait_active()
        units = [*UNITS, ALERTS]
        equal(box.run("systemctl is-enabled " + " ".join(units)).split(), ["enabled"] * len(units))
        for path in ("man/man1/lksm-query.1.gz", "man/man5/lksm.yaml.5.gz", "bash-completion/completions/lksm"):
            box.run(f"test -s /usr/share/{path}")
        first = box.pids("lksm")
        box.run("dpkg -i /root/lksm.deb")
        box.wait_active()
        assert box.pids("lksm") != first, "an upgrade is to start the new program"
        seqs = [e["seq"] for e in box.events()]
        equal(seqs, list(range(len(seqs))))
        box.run("touch /var/log/lksm/.alerts /var/log/lksm/alerts_dead_letters.jsonl")
        said = box.run("dpkg -P lksm").splitlines()
        equal([x for x in said if "warning" in x.lower() or "still" in x], [])  # of units, too
        wait_for(lambda: "active" not in box.states(), f"the end of all units\n{box.journal()}")
        left = set(box.run(listing).splitlines()) - set(before)
        logs = {x for x in left if re.fullmatch(
            r"/var/log/lksm(/lksm_events_[0-9-]+\.jsonl|/\.seal_key|/alerts_dead_letters\.jsonl)?", x)}
        equal(left - logs, {x for x in left if x.startswith("/var/log/dpkg") or x == "/etc/.pwd.lock"})
        equal(len(logs), 4)
        equal(box.run("getent passwd | grep lksm", check=False), "")


if __name__ == "__main__":
    main(globals())
