#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web process of a whole daemon from outside: when it hangs, whom it serves, TLS."""
import base64
import ctypes
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

from lksm_test import DEADLINE_S, LKSM, Skip, equal, main, open_files, record, wait_for

PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000  # linux/ptrace.h, linux/wait.h
WATCHDOG_US = 4_000_000  # the daemon asks four times in that time, and waits half of it


def web_of(d):
    for pid in d.children():
        if pathlib.Path(f"/proc/{pid}/comm").read_text() == "web\n":
            return pid
    return None


def hold(pid):
    """As a debugger does: its parent hears nothing of that, as of a SIGSTOP."""
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if libc.ptrace(request, pid, None, None):
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")
    equal(os.waitpid(pid, WALL)[0], pid)


def test_a_web_process_that_hangs_is_replaced(daemon, _):
    d = daemon(dashboard=True, env={"WATCHDOG_USEC": str(WATCHDOG_US)}).start()
    d.wait_healthy()
    first = web_of(d)
    hold(first)
    host, port = d.url()[0].removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), DEADLINE_S) as meanwhile:
        meanwhile.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        equal(os.waitpid(first, WALL)[0], first)  # it is killed, and its parent hears of it
        meanwhile.settimeout(DEADLINE_S)
        equal(meanwhile.recv(12), b"HTTP/1.1 200")
    event, = d.wait_events(1, "process_restarted")
    equal(event["data"], {"process": "web", "reason": "hung"})
    assert web_of(d) != first
    equal(d.get("/healthz")[:14], b'{"status": "ok')
    d.stop()


def test_the_limit_of_the_configuration_is_kept(daemon, _):
    d = daemon(dashboard=True, env={"LKSM_DASHBOARD_RATE_LIMIT": "1"}).start()
    base, _ = d.url()

    def status():
        try:
            return urllib.request.urlopen(base + "/healthz", timeout=DEADLINE_S).status
        except urllib.error.HTTPError as error:
            return error.code

    wait_for(lambda: status() == 429, "a limit")
    equal(d.get("/healthz")[:14], b'{"status": "ok')  # with the token
    d.stop()


def wake_ups(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", text).group(1))


def test_news_wake_nobody_who_has_no_listeners(daemon, _):
    d = daemon(dashboard=True).start()
    d.wait_healthy()
    web, n = web_of(d), 10
    before = wake_ups(web)
    for i in range(n):
        d.append(record(i, f"[PHOTON RING] Kprobe registered for symbol: s{i}"))
        d.wait_events(i + 1)  # each has a drain of its own
    woken = wake_ups(web) - before
    assert woken < n // 2, f"woken {woken} times by {n} events"
    equal(len(json.loads(d.get("/api/events"))), n)
    d.stop()


def test_the_last_events_are_shown_again_after_a_restart(daemon, _):
    d = daemon(dashboard=True).start()
    d.append(b"".join(record(i, f"[PHOTON RING] Module unloaded: m{i}") for i in range(600)))
    logged = [e["seq"] for e in d.wait_events(600)]
    d.stop()
    d.start()
    d.wait_healthy()
    wait_for(lambda: len(json.loads(d.get("/api/events"))) == 500, "the last 500")
    equal([e["seq"] for e in json.loads(d.get("/api/events"))], logged[-500:])
    d.stop()


def test_the_journal_gets_no_token(daemon, _):
    """More people read it, and it is kept: systemd.exec(5), JOURNAL_STREAM."""
    d = daemon(dashboard=True)
    d.stderr_path.touch()
    stream = d.stderr_path.stat()
    d.env["JOURNAL_STREAM"] = f"{stream.st_dev}:{stream.st_ino}"
    d.start()
    wait_for(lambda: "dashboard: http://" in d.stderr(), "the dashboard's address")
    token = (d.logs / ".dashboard_token").read_text().strip()
    assert token and token not in d.stderr(), d.stderr()
    d.stop()


def test_the_usual_limit_of_descriptors_is_raised(daemon, _):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
    d = daemon(dashboard=True).start(preexec_fn=lower)
    d.wait_healthy()
    limits = pathlib.Path(f"/proc/{web_of(d)}/limits").read_text()
    equal(re.search(r"Max open files\s+(\d+)", limits).group(1), "2048")
    d.stop()


def make_certificate(folder, name, days=90):
    """(certificate, key) for localhost; of the folders above, all are root's or nobody's."""
    folder.chmod(0o755)
    place = folder / "tls"
    place.mkdir(mode=0o755, exist_ok=True)
    path, key = place / f"{name}.pem", place / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days), "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", path], check=True, capture_output=True)
    key.chmod(0o600)
    return path, key


def expire(certificate, key):
    """Signs it anew, for a time that is over."""
    place = certificate.parent
    (place / "database").touch()
    (place / "ca").write_text(
        f"[ca]\ndefault_ca=it\n[it]\ndatabase={place}/database\nnew_certs_dir={place}\n"
        "rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
    request = subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost"],
                             check=True, capture_output=True).stdout
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-notext", "-config", place / "ca",
                    "-keyfile", key, "-in", "/dev/stdin", "-out", certificate,
                    "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
                   input=request, check=True, capture_output=True)


def configure(folder, certificate, key, more=""):
    config = folder / "tls" / "lksm.yaml"
    config.write_text(f"dashboard:\n  tls:\n    certificate: {certificate}\n    key: {key}\n{more}")
    return str(config)


def served(d):
    """The certificate that the daemon shows, in PEM form."""
    host, port = d.url()[0].removeprefix("https://").rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)), timeout=DEADLINE_S)


def fetch(d, path, certificate):
    base, token = d.url()
    request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context(cafile=str(certificate))
    return urllib.request.urlopen(request, timeout=DEADLINE_S, context=context).read()


def test_tls_by_configuration(daemon, folder):
    certificate, key = make_certificate(folder, "one")
    d = daemon("--config", configure(folder, certificate, key), dashboard=True).start()
    assert d.url()[0].startswith("https://"), d.url()
    d.append(record(0, "[PHOTON RING] over TLS"))
    d.wait_events(1, "photon_ring_generic")
    wait_for(lambda: b"over TLS" in fetch(d, "/api/events", certificate), "the event")
    equal(json.loads(fetch(d, "/healthz", certificate))["status"], "ok")
    equal(d.events("process_restarted") + d.events("sandbox_violated"), [])
    d.stop()


def test_a_renewed_certificate_is_read_at_sighup(daemon, folder):
    certificate, key = make_certificate(folder, "one")
    d = daemon("--config", configure(folder, certificate, key), dashboard=True).start()
    first = wait_for(lambda: served(d), "a certificate")
    equal(first, certificate.read_text())
    other, other_key = make_certificate(folder, "two")
    other.replace(certificate)  # half of a pair: it is refused
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(1, "config_rejected")
    equal(served(d), first)
    other_key.replace(key)
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(1, "config_reloaded")
    wait_for(lambda: served(d) == certificate.read_text(), "the new one\n" + d.stderr())
    pathlib.Path(d.arguments[d.arguments.index("--config") + 1]).write_text("")
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: any("dashboard.tls cannot change" in e["data"]["error"]
                         for e in d.events("config_rejected")), "TLS stays")
    d.stop()


def memory_of(pid):
    """All that a process can read of its own."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            first, last = (int(x, 16) for x in span.split("-"))
            if access[0] == "r" and "[v" not in line:
                memory.seek(first)
                found.append(memory.read(last - first))
    return b"".join(found)


def test_the_key_is_nowhere_but_in_web(daemon, folder):
    if os.geteuid() != 0:
        raise Skip("only root sees other processes' memory")
    certificate, key = make_certificate(folder, "one")
    d = daemon("--config", configure(folder, certificate, key), dashboard=True).start()
    wait_for(lambda: served(d), "the server")
    text = key.read_text()
    secret = base64.b64decode("".join(text.splitlines()[1:-1]))[36:68]  # the number itself
    pids = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip(): pid
            for pid in [d.process.pid, *d.children()]}
    for name in ("lksm", "core", "web"):
        memory = memory_of(pids[name])
        assert d.url()[1].encode() in memory or name == "core", "the search finds what is there"
        assert text.splitlines()[1].encode() not in memory, f"{name} has the file's text"
        equal(secret in memory, name == "web")
        links = open_files(pids[name]).values()
        equal(any("lksm-tls" in link for link in links), name == "lksm")
    fd = next(fd for fd, link in open_files(pids["lksm"]).items() if "lksm-tls" in link)
    with open(f"/proc/{pids['lksm']}/fd/{fd}", "r+b", 0) as file:
        try:
            file.write(b"x")
            raise AssertionError("it can be written")
        except PermissionError:
            pass
    d.stop()


def refused(*arguments, **env):
    done = subprocess.run([LKSM, *arguments], capture_output=True, text=True, check=False,
                          timeout=DEADLINE_S, env={**os.environ, **env})
    return done.returncode, done.stdout + done.stderr


def test_what_is_wrong_with_a_certificate_is_said(_, folder):
    certificate, key = make_certificate(folder, "one")
    _, other_key = make_certificate(folder, "two")
    soon, soon_key = make_certificate(folder, "soon", days=3)
    open_key = folder / "tls" / "open.key"
    open_key.write_bytes(key.read_bytes())
    open_key.chmod(0o644)
    common = f"output:\n  dir: {folder}/logs\nmodules:\n  kprobe_reader:\n    kmsg: {folder}/kmsg\n"
    (folder / "kmsg").touch()
    for cert, secret, says in (
            (certificate, other_key, "is not that of the first certificate in"),
            (folder / "tls" / "none", key, "tls/none cannot be opened: No such file"),
            (key, key, "holds no certificate in PEM form"),
            (certificate, open_key, "open.key can be read by everybody: `chmod o-rwx` it"),
            (certificate, "''", "it needs dashboard.tls.key as well")):
        config = configure(folder, cert, secret, common)
        for verb, status in (("run", 2), ("check", 1), ("doctor", 1)):
            got, said = refused(verb, "--config", config)
            equal(got, status)
            assert says in said, (verb, said)
    # made days ago to the second, or a bit less
    for cert, secret, says in ((certificate, key, r"is good for (90|89) days"),
                               (soon, soon_key, r"certificate expires in [23] days")):
        _, said = refused("doctor", "--config", configure(folder, cert, secret, common))
        assert re.search(says, said), said


def test_root_takes_no_certificate_that_others_can_swap(_, folder):
    if os.geteuid() != 0:
        raise Skip("others cannot be told from us")
    certificate, key = make_certificate(folder, "one")
    config = configure(folder, certificate, key)
    equal(refused("check", "--config", config)[0], 0)
    for path in (certificate, key, certificate.parent):
        mode = path.stat().st_mode
        path.chmod(mode | 0o020)
        copy = folder / "lksm.yaml"  # itself in a safe place
        copy.write_text(pathlib.Path(config).read_text())
        status, said = refused("check", "--config", str(copy))
        equal(status, 1)
        assert f"{path} can be written by others than root" in said, said
        path.chmod(mode)


def test_an_expired_certificate_is_told_and_served(daemon, folder):
    certificate, key = make_certificate(folder, "old")
    expire(certificate, key)
    config = configure(folder, certificate, key)
    d = daemon("--config", config, dashboard=True).start()
    equal(wait_for(lambda: served(d), "a certificate"), certificate.read_text())
    assert f"the certificate in {certificate} has expired" in d.stderr(), d.stderr()
    status, said = refused("doctor", "--config", config)
    equal(status, 1)
    assert "NO    The dashboard's certificate has expired: browsers refuse it" in said, said
    d.stop()


def test_beyond_loopback_only_with_tls(daemon, folder):
    run = ("run", "--kmsg", str(folder / "kmsg"), "--log-dir", str(folder / "logs"),
           "--listen", "0.0.0.0:0")
    (folder / "kmsg").touch()
    status, said = refused(*run)
    equal(status, 2)
    assert "set dashboard.tls.certificate and dashboard.tls.key, or listen on 127.0.0.1" in said, said
    certificate, key = make_certificate(folder, "one")
    for env in ({"LKSM_DASHBOARD_PLAIN_HTTP": "true"},
                {"LKSM_DASHBOARD_TLS_CERTIFICATE": str(certificate), "LKSM_DASHBOARD_TLS_KEY": str(key)}):
        status, said = refused(*run, LKSM_DASHBOARD_AUTH="none", **env)
        equal(status, 2)
        assert "dashboard.auth: none is possible on loopback only" in said, said
        d = daemon("--listen", "0.0.0.0:0", env=env, dashboard=True).start()
        assert d.url()[0].startswith("https://0.0.0.0:" if len(env) > 1 else "http://0.0.0.0:")
        d.stop()


if __name__ == "__main__":
    main(globals())
