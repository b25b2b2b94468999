#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts over the real ways: HTTP, syslog, sendmail, a program; receivers that are down, slow,
refuse or are hostile to the text; kills; dead letters. TAP."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading

from lksm_test import DEADLINE_S, LKSM, ROOT, Skip, equal, main, open_files, record, wait_for

HIGH = "[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!"
# not of what the tests do to the processes
ONLY_SUSPICIOUS = {"suspicious": {"types": ["suspicious_probe"], "receivers": ["hook"]}}
TOKEN = "s3cr3t-0123456789"
EVIL = "[PHOTON RING] SUSPICIOUS *** <!channel> & \\x22\\x0aBcc: eve@example.org\\x0d\\x0a.\\x0a$(id) é"


class Receiver:
    """An HTTP server that keeps what it is sent; answers are taken from a list, then 200."""

    def __init__(self, answers=(), before_answer=None):
        self.requests, self.answers, self.before_answer = [], list(answers), before_answer
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                if outer.before_answer:
                    outer.before_answer(len(outer.requests))
                outer.requests.append((self.path, dict(self.headers), body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def bodies(self):
        return [json.loads(body) for _, _, body in self.requests]

    def wait(self, n):
        wait_for(lambda: len(self.requests) >= n, f"{n} requests; there are {len(self.requests)}")
        return self.bodies()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Listener:
    """A syslog server: each connection's, or datagram's, bytes."""

    def __init__(self, kind=socket.SOCK_STREAM, context=None):
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"localhost:{self.socket.getsockname()[1]}"
        self.context, self.got = context, []
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        threading.Thread(target=self.take if kind == socket.SOCK_STREAM else self.take_datagrams,
                         daemon=True).start()

    def take_datagrams(self):
        while True:
            self.got.append(self.socket.recv(65536))

    def take(self):
        while True:
            connection, _ = self.socket.accept()
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                data = b""
                while part := connection.recv(65536):
                    data += part
                connection.close()
                self.got.append(data)
            except (OSError, ssl.SSLError):
                connection.close()


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def program(folder, name, body):
    """One that whoever sends may run, and a folder that it may write."""
    folder.chmod(0o755)
    out = folder / f"{name}.out"
    out.mkdir()
    out.chmod(0o777)
    return write(folder / name, f"#!/bin/sh\nout={out}\n{body}", 0o755), out


def configure(folder, receivers, routes=None, **keys):
    keys = {"group_wait": 0.05, "group_interval": 0.05, "rate_limit": 0, "retry_for": 600, **keys}
    alerts = {**keys, "receivers": receivers, **({"routes": routes} if routes else {})}
    return str(write(folder / "lksm.yaml", json.dumps({"alerts": alerts})))  # JSON is YAML


def begin(daemon, folder, receivers, routes=None, **keys):
    d = daemon("--config", configure(folder, receivers, routes, **keys)).start()
    wait_ready(d)
    return d


def status(d):
    done = subprocess.run([LKSM, "alert", "status", "--config", str(d.folder / "lksm.yaml"), "--log-dir",
                           str(d.logs)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def wait_ready(d):
    """Who sends has begun, so that what comes now is new for it."""
    wait_for(lambda: status(d).startswith("running"), "who sends alerts")


def process_of(d, name):
    """The pid of one of the three, below the daemon."""
    listed = subprocess.run(["pgrep", "-x", name], capture_output=True, text=True, check=False).stdout.split()
    for pid in map(int, listed):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # of another daemon that ends
            parent = pid
            while parent > 1:
                if parent == d.process.pid:
                    return pid
                parent = int(re.search(r"PPid:\t(\d+)",
                                       pathlib.Path(f"/proc/{parent}/status").read_text()).group(1))
    return None


def high(d, number, text=HIGH):
    d.append(record(number, text))


def test_a_webhook_gets_what_a_route_sends(daemon, folder):
    hook, other = Receiver(), Receiver()
    write(folder / "token", TOKEN + "\n")
    d = begin(daemon, folder,
              {"hook": {"type": "webhook", "url": hook.url + "/x", "token_file": str(folder / "token")},
               "other": {"type": "webhook", "url": other.url}},
              {"high": {"severity": "high", "types": ["suspicious_*"], "receivers": ["hook"]},
               "all": {"severity": "info", "types": ["module_loaded"], "receivers": ["other", "hook"]}})
    d.append(record(0, "[PHOTON RING] Kprobe registered for symbol: do_init_module"))
    high(d, 1)
    d.append(record(2, "[PHOTON RING] Module loaded: nf_tables by uid 0"))
    got = {body["type"]: body for body in hook.wait(2)}
    equal(sorted(got), ["module_loaded", "suspicious_probe"])
    equal([body["type"] for body in other.wait(1)], ["module_loaded"])
    event = d.events("suspicious_probe")[0]
    equal(got["suspicious_probe"]["events"], [event])
    equal([got["suspicious_probe"][k] for k in ("receiver", "severity", "count", "first_seq")],
          ["hook", "high", 1, event["seq"]])
    equal({headers["Authorization"] for _, headers, _ in hook.requests}, {f"Bearer {TOKEN}"})
    equal([path for path, _, _ in hook.requests], ["/x", "/x"])
    wait_for(lambda: "hook (webhook): well; sent 2" in status(d), "the status")
    assert TOKEN not in d.stderr()
    d.stop()


def test_as_many_receivers_as_there_may_be(daemon, folder):
    hook = Receiver()
    receivers = {f"r{i}": {"type": "webhook", "url": f"{hook.url}/{i}"} for i in range(16)}
    d = begin(daemon, folder, receivers)
    high(d, 1)
    hook.wait(16)
    equal({path for path, _, _ in hook.requests}, {f"/{i}" for i in range(16)})
    equal(d.events("module_failed"), [])
    d.stop()


def test_each_form_is_whole_and_escaped(daemon, folder):
    hooks = {kind: Receiver() for kind in ("webhook", "slack", "alertmanager")}
    d = begin(daemon, folder, {kind: {"type": kind, "url": hook.url + "/api/v2/alerts"} for kind, hook in hooks.items()})
    high(d, 0, EVIL)
    slack = hooks["slack"].wait(1)[0]
    equal(list(slack), ["text"])
    assert "&lt;!channel&gt; &amp;" in slack["text"] and "<" not in slack["text"], slack
    alert = hooks["alertmanager"].wait(1)[0][0]
    equal({k: alert["labels"][k] for k in ("alertname", "severity", "job")},
          {"alertname": "suspicious_probe", "severity": "high", "job": "lksm"})
    assert "<!channel>" in alert["annotations"]["summary"] and "\n" not in alert["annotations"]["summary"]
    equal(alert["startsAt"], d.events("suspicious_probe")[0]["time"])
    equal(hooks["webhook"].wait(1)[0]["events"], d.events("suspicious_probe"))
    d.stop()


def test_events_of_one_type_are_one_message(daemon, folder):
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url, "group_wait": 1,
                                        "group_interval": 1000}})
    d.append(b"".join(record(i, HIGH) for i in range(25)))
    body = hook.wait(1)[0]
    equal((body["count"], len(body["events"])), (25, 10))
    equal(body["last_seq"] - body["first_seq"], 24)
    high(d, 100, HIGH)  # too early for a second message of this type; another type is not held up
    d.append(record(200, "[PHOTON RING] SUSPICIOUS *** more"))
    wait_for(lambda: "records_lost" in {b["type"] for b in hook.bodies()} or "log_filtered" in
             {b["type"] for b in hook.bodies()}, "the gap's message")
    equal(sum(b["type"] == "suspicious_probe" for b in hook.bodies()), 1)
    d.stop()


def test_mail_has_no_header_of_an_events(daemon, folder):
    sendmail, out = program(folder, "sendmail", 'echo "$@" >$out/arguments\ncat >$out/mail\n')
    d = begin(daemon, folder, {"mail": {"type": "email", "to": "ops@example.org", "from": "lksm@example.org",
                                        "command": [str(sendmail)]}})
    high(d, 0, EVIL)
    wait_for(lambda: "mail (email): well; sent 1" in status(d), "the mail")
    equal((out / "arguments").read_text(), "-i -f lksm@example.org -- ops@example.org\n")
    headers, body = (out / "mail").read_text().split("\n\n", 1)
    equal([line.split(":")[0] for line in headers.split("\n")],
          ["From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
           "Content-Transfer-Encoding"])
    assert "Subject: [lksm] high: suspicious_probe on" in headers and headers.isascii(), headers
    assert "eve@example.org" in body and "\n.\n" not in body and "\nBcc" not in body, body
    d.stop()


def test_a_program_gets_the_event_on_its_input_only(daemon, folder):
    script, out = program(folder, "script", 'cat >$out/input\necho "$#" >$out/n\nenv >$out/env\n')
    d = begin(daemon, folder, {"script": {"type": "exec", "command": [str(script), "one"]}})
    high(d, 0, EVIL)
    wait_for(lambda: "script (exec): well; sent 1" in status(d), "the program")
    equal(json.loads((out / "input").read_text())["events"], d.events("suspicious_probe"))
    equal((out / "n").read_text(), "1\n")
    environment = (out / "env").read_text()
    assert "LKSM_TYPE=suspicious_probe\n" in environment and "LKSM_SEVERITY=high\n" in environment
    lines = dict(line.split("=", 1) for line in environment.splitlines())
    told = [value for name, value in lines.items() if "PWD" not in name]
    assert not any("kallsyms" in value or "eve" in value for value in told), environment
    names = set(lines)
    assert names <= {"PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD", "LKSM_TYPE", "LKSM_SEVERITY", "LKSM_COUNT",
                     "LKSM_FIRST_SEQ", "LKSM_LAST_SEQ"}, names
    d.stop()


def test_a_program_that_hangs_is_killed(daemon, folder):
    script, out = program(folder, "script", '[ -e $out/second ] && exit 0\n>$out/second\nsleep 1000\n')
    d = begin(daemon, folder, {"script": {"type": "exec", "command": [str(script)], "timeout": "0.2s"}})
    high(d, 0)
    wait_for(lambda: "sent 1, failed tries 1" in status(d), "the second try")
    d.stop()


def test_a_program_that_leaves_another_running_has_ended(daemon, folder):
    script, out = program(folder, "script", 'sleep 1000 &\necho $! >$out/left\necho done\n')
    d = begin(daemon, folder, {"script": {"type": "exec", "command": [str(script)], "timeout": 2}})
    high(d, 0)
    said = wait_for(lambda: re.search(r"sent 1, .*|failed tries [1-9].*", status(d)), "the program's end")
    os.kill(int((out / "left").read_text()), signal.SIGKILL)
    assert said.group().startswith("sent 1, failed tries 0"), said.group()
    assert said.group().endswith("it said: done "), said.group()
    d.stop()


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def check_syslog(message, d):
    match = re.fullmatch(r"<83>1 (\S+) (\S+) lksm \d+ suspicious_probe "
                         r'\[lksm@32473 type="suspicious_probe" severity="high" rule="\w+" count="1" '
                         r'first_seq="(\d+)" last_seq="(\d+)"\] \ufeff(.*)', message.decode())
    assert match, message
    event = d.events("suspicious_probe")[0]
    equal(match.group(1, 3), (event["time"], str(event["seq"])))
    assert "eve@example.org" in match.group(5)


def test_syslog_over_udp_tcp_and_tls(daemon, folder):
    context = certificate(folder)
    servers = {"udp": Listener(socket.SOCK_DGRAM), "tcp": Listener(), "tls": Listener(context=context)}
    stranger = Listener(context=context)
    # the sender reads certificates where all are; the test's own is where it may not look, so
    # that it is trusted by the configuration's file alone
    receivers = {name: {"type": "syslog", "protocol": name, "address": server.address}
                 for name, server in servers.items()}
    receivers["tls"]["ca_file"] = str(folder / "cert")
    receivers["untrusted"] = {"type": "syslog", "protocol": "tls", "address": stranger.address}
    d = begin(daemon, folder, receivers)
    high(d, 0, EVIL)
    for name, server in servers.items():
        wait_for(lambda s=server: s.got, f"a message over {name}: {status(d)}")
        data = server.got[0]
        if name != "udp":
            length, data = data.split(b" ", 1)
            equal(int(length), len(data))
        check_syslog(data, d)
    wait_for(lambda: "untrusted (syslog): retrying" in status(d), "a refusal")
    equal(stranger.got, [])
    d.stop()


def test_a_receiver_that_cannot_now_is_tried_again(daemon, folder):
    hook = Receiver([(500, {}), (429, {"Retry-After": "1"}), (503, {})])
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}})
    high(d, 0)
    bodies = hook.wait(4)
    equal([b["first_seq"] for b in bodies], [bodies[0]["first_seq"]] * 4)
    wait_for(lambda: "sent 1, failed tries 3, dead letters 0" in status(d), "the fourth try")
    d.stop()


def test_a_receiver_that_is_down_gets_it_later_and_holds_up_nobody(daemon, folder):
    down, well = socket.socket(), Receiver()
    down.bind(("127.0.0.1", 0))  # nobody listens
    d = begin(daemon, folder, {"down": {"type": "webhook", "url": f"http://127.0.0.1:{down.getsockname()[1]}"},
                               "well": {"type": "webhook", "url": well.url}})
    high(d, 0)
    wait_for(lambda: "down (webhook): retrying" in status(d), "a failed try")
    for i in range(1, 20):
        high(d, i)
    wait_for(lambda: sum(b["count"] for b in well.bodies()) == 20, "all at the other one")
    down.listen()
    connection, _ = down.accept()
    connection.settimeout(DEADLINE_S)
    data = b""
    while b'"events"' not in data:
        data += connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    wait_for(lambda: "down (webhook): retrying" not in status(d), "the delivery")
    d.stop()


def letters(d):
    path = d.logs / "alerts_dead_letters.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_what_nobody_takes_is_a_dead_letter(daemon, folder):
    refusing, failing = Receiver([(404, {})]), Receiver([(500, {})] * 100)
    redirecting = Receiver([(302, {"Location": refusing.url + "/elsewhere"})])
    d = begin(daemon, folder,
              {"refusing": {"type": "webhook", "url": refusing.url + "/?key=" + TOKEN},
               "failing": {"type": "webhook", "url": failing.url, "retry_for": 1.2},
               "redirecting": {"type": "slack", "url": redirecting.url}})
    high(d, 0)
    wait_for(lambda: len(letters(d)) == 3, f"three letters; {status(d)}")
    for name in ("refusing (webhook)", "failing (webhook)", "redirecting (slack)"):
        assert f"{name}: failing; sent 0" in status(d), status(d)
    event = d.events("suspicious_probe")[0]
    for letter in letters(d):
        equal(letter["message"]["events"], [event])
    said = {letter["message"]["receiver"]: letter["error"] for letter in letters(d)}
    equal(said, {"refusing": "HTTP 404", "failing": "HTTP 500", "redirecting": "HTTP 302"})
    assert len(failing.requests) >= 2 and len(refusing.requests) == 1
    assert [p for p, _, _ in refusing.requests] == ["/?key=" + TOKEN]
    everything = d.stderr() + status(d) + (d.logs / "alerts_dead_letters.jsonl").read_text()
    assert TOKEN not in everything, everything
    equal(stat.S_IMODE((d.logs / "alerts_dead_letters.jsonl").stat().st_mode), 0o600)
    told = {(e["data"]["receiver"], e["data"]["about"], e["data"]["error"], e["source"])
            for e in d.wait_events(3, "alert_undelivered")}
    equal(told, {(receiver, "suspicious_probe", error, "alerts") for receiver, error in said.items()})
    high(d, 1)  # a message that was given up holds up no other
    wait_for(lambda: len(refusing.requests) == 2 and "refusing (webhook): well; sent 1" in status(d),
             "the next message")
    d.stop()


def test_killed_between_sending_and_noting_it_sends_again(daemon, folder):
    victims = []

    def read_up_to():
        return int(re.search(r"read up to event (\d+)", status(d)).group(1))

    def kill(n):
        """When later events are known, too, and before ours is answered."""
        if n < 3:
            before = read_up_to()
            d.append(record(100 + n, "[PHOTON RING] Kprobe registered for symbol: do_init_module"))
            wait_for(lambda: read_up_to() > before, "a later event")
            victims.append(process_of(d, "alerts-send"))
            os.kill(victims[-1], signal.SIGKILL)

    hook = Receiver(before_answer=kill)
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}}, ONLY_SUSPICIOUS)
    high(d, 0)
    bodies = hook.wait(4)
    equal(len(set(victims)), 3)
    equal({b["first_seq"] for b in bodies}, {d.events("suspicious_probe")[0]["seq"]})
    wait_for(lambda: "sent 1" in status(d), "the fourth")
    equal(len(hook.requests), 4)
    d.stop()


def test_a_restart_forgets_nothing_and_repeats_nothing(daemon, folder):
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}}, ONLY_SUSPICIOUS)
    sent = set()
    for i in range(4):
        high(d, i)
        wait_for(lambda n=i + 1: sum(b["count"] for b in hook.bodies()) == n, f"message {i}")
        wait_for(lambda: "behind" not in status(d), "that it is noted")
        sent = {b["first_seq"] for b in hook.bodies()}
        equal(len(sent), i + 1)
        d.stop(signal.SIGKILL if i % 2 else signal.SIGTERM)
        d.start()
    equal(sum(b["count"] for b in hook.bodies()), 4)
    assert "one of the processes ended" not in d.stderr(), d.stderr()
    os.kill(wait_for(lambda: process_of(d, "alerts-send"), "the sender"), signal.SIGSTOP)
    high(d, 4)  # logged while nobody sends
    d.wait_events(5, "suspicious_probe")
    d.stop(signal.SIGKILL)
    d.start()
    wait_for(lambda: sum(b["count"] for b in hook.bodies()) == 5, "what was logged meanwhile")
    d.stop()


def test_a_new_receiver_is_not_told_of_the_past(daemon, folder):
    d = daemon("--config", configure(folder, {})).start()
    d.append(b"".join(record(i, HIGH) for i in range(30)))
    d.wait_events(30)
    d.stop()
    hook = Receiver()
    configure(folder, {"hook": {"type": "webhook", "url": hook.url}})
    d.start()
    wait_ready(d)
    high(d, 30)
    body = hook.wait(1)[0]
    equal((body["count"], body["first_seq"]), (1, d.events("suspicious_probe")[30]["seq"]))
    d.stop()


def test_who_sends_may_do_nothing_else(daemon, folder):
    script, _ = program(folder, "script", "exit 0\n")
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url},
                               "script": {"type": "exec", "command": [str(script)]}})
    high(d, 0)
    hook.wait(1)
    for name, capabilities, seccomp in (("alerts-send", 0, 2), ("alerts-launch", 0, 0)):
        text = pathlib.Path(f"/proc/{process_of(d, name)}/status").read_text()
        equal(int(re.search(r"CapEff:\t(\w+)", text).group(1), 16), capabilities)
        equal(int(re.search(r"Seccomp:\t(\d)", text).group(1)), seccomp)
        if os.geteuid() == 0:
            # neither root nor core, web or history, whose files it would own
            uid = re.search(r"Uid:\t(\d+)", text).group(1)
            assert uid not in ("0", "65521", "65522", "65523"), text
    assert process_of(d, "alerts"), "the name of the first"
    equal(sorted(open_files(process_of(d, "alerts-launch"))), [0, 1, 2, 3])
    for name in ("alerts-send", "alerts-launch"):
        left = [x for x in open_files(process_of(d, name)).values()
                if re.search(r"inotify|signalfd|lksm_events|/logs$|/\.alerts$", x)]
        equal(left, [])
    # its user's programs cannot look into it
    owner = os.stat(f"/proc/{process_of(d, 'alerts-launch')}/environ").st_uid
    equal(owner, 0 if os.geteuid() == 0 else owner)
    assert "alerts-send runs without" not in d.stderr(), d.stderr()
    d.stop()


def test_who_is_behind_is_said(daemon, folder):
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}}, ONLY_SUSPICIOUS)
    sender = process_of(d, "alerts-send")
    os.kill(sender, signal.SIGSTOP)
    d.append(b"".join(record(i, HIGH) for i in range(500)))
    d.wait_events(500, "suspicious_probe")  # nothing of the daemon waits
    behind = int(re.search(r"behind by (\d+)", status(d)).group(1))
    assert behind >= 500, status(d)
    os.kill(sender, signal.SIGCONT)
    wait_for(lambda: sum(b["count"] for b in hook.bodies()) == 500, "all of them")
    wait_for(lambda: "behind" not in status(d), "the end")
    d.stop()


def test_receivers_change_with_a_restart_only(daemon, folder):
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}})
    configure(folder, {"hook": {"type": "slack", "url": hook.url}})
    d.process.send_signal(signal.SIGHUP)
    assert "alerts cannot change while the daemon runs" in d.wait_events(1, "config_rejected")[0]["data"]["error"]
    d.stop()


def test_receivers_that_nobody_tells_are_said(daemon, folder):
    if os.path.lexists("/etc/systemd/system/multi-user.target.wants/lksm-alerts.service"):
        raise Skip("systemd is to tell them")
    said = "there are receivers, and nobody tells them"
    path = configure(folder, {"cat": {"type": "exec", "command": ["/bin/cat"]}}, enabled=False,
                     dir=str(folder / "logs"))
    done = check(folder)
    assert done.returncode == 0 and said in done.stderr, done
    d = daemon("--config", path).start()
    wait_for(lambda: said in d.stderr(), "the warning")
    d.stop()


def alert_test(folder, *arguments):
    return subprocess.run([LKSM, "alert", "test", "--config", str(folder / "lksm.yaml"), *arguments],
                          capture_output=True, text=True, check=False, timeout=DEADLINE_S)


def test_alert_test_goes_the_real_way(_, folder):
    good, bad = Receiver(), Receiver([(403, {})])
    configure(folder, {"good": {"type": "slack", "url": good.url}, "bad": {"type": "webhook", "url": bad.url}})
    done = alert_test(folder)
    equal((done.returncode, done.stdout), (1, "good (slack): delivered: HTTP 200\n"
                                              "bad (webhook): not delivered: HTTP 403\n"))
    assert "A test by lksm alert test" in good.bodies()[0]["text"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", bad.bodies()[0]["time"]), bad.bodies()
    done = alert_test(folder, "good")
    equal((done.returncode, done.stdout), (0, "good (slack): delivered: HTTP 200\n"))
    equal(alert_test(folder, "nobody").returncode, 2)
    configure(folder, {"gone": {"type": "exec", "command": ["/nobody"]}})
    equal(alert_test(folder).stdout,
          "gone (exec): not delivered: cannot be run: /nobody: No such file or directory\n")
    configure(folder, {})
    equal(alert_test(folder).returncode, 1)


def test_alert_test_is_not_root(_, folder):
    """What works in a test works later, and who owns a receiver's program does not own root's test."""
    script, out = program(folder, "script", 'id -u >$out/user\n')
    configure(folder, {"script": {"type": "exec", "command": [str(script)]}})
    equal(alert_test(folder).returncode, 0)
    assert int((out / "user").read_text()), "it ran as root"


def test_a_wrong_configuration_is_refused_with_its_place(_, folder):
    cases = [
        ({"a": {"type": "slak"}}, None, "'slak' is not webhook, slack"),
        ({"a": {"type": "slack"}}, None, "alerts.receivers.a needs url or url_file"),
        ({"a": {"type": "slack", "urll": "x"}}, None, "did you mean 'url'?"),
        ({"a": {"type": "slack", "url": "http://x", "to": "y"}}, None, "a receiver of type slack has no to"),
        ({"a": {"type": "exec", "command": ["x"]}}, None, "command begins with a whole path"),
        ({"a": {"type": "exec", "command": ["/x"]}}, {"r": {"receivers": ["b"]}}, "'b' is not a list of receivers"),
        ({"a": {"type": "exec", "command": ["/x"]}}, {"r": {"severity": "hihg", "receivers": ["a"]}},
         "'hihg' is not info, medium"),
        ({"a": {"type": "webhook", "url": "file:///etc/passwd"}}, None, "a: url is not http:// or https://"),
        ({"a": {"type": "slack", "url": "https://"}}, None, "a: url is not http:// or https:// and a host"),
        ({"a": {"type": "alertmanager", "url": "http://h:1/"}}, None, "a: url does not end in /api/v2/alerts"),
        ({"a": {"type": "syslog", "address": "host"}}, None, "a: address 'host' is not HOST:PORT"),
        ({"a": {"type": "syslog", "address": "host:0"}}, None, "from 1 to 65535"),
        ({"a": {"type": "syslog", "address": "host:65536"}}, None, "from 1 to 65535"),
        ({"a": {"type": "syslog", "address": "[]:514"}}, None, "from 1 to 65535"),
        ({"a": {"type": "exec", "command": ["/etc/passwd"]}}, None, "a: /etc/passwd cannot be run: Permission denied"),
        ({"a": {"type": "email", "to": "a@b", "command": ["/tmp"]}}, None, "a: /tmp cannot be run"),
        ({"a": {"type": "desktop", "command": ["/nobody"]}}, None, "a: /nobody cannot be run: No such file"),
        ({"A-b": {"type": "exec", "command": ["/x"]}}, None, "should be alerts.receivers.NAME.OPTION"),
    ]
    for receivers, routes, want in cases:
        configure(folder, receivers, routes)
        done = check(folder)
        assert done.returncode == 1 and want in done.stdout + done.stderr, (want, done)


def check(folder):
    return subprocess.run([LKSM, "check", "--config", str(folder / "lksm.yaml")], capture_output=True, text=True,
                          check=False)


def test_a_bad_secret_silences_its_receiver_only(daemon, folder):
    hook, other = Receiver(), Receiver()
    token = write(folder / "token", TOKEN + "\n", 0o644)
    receivers = {"hook": {"type": "webhook", "url": hook.url, "token_file": str(token)},
                 "other": {"type": "webhook", "url": other.url}}
    configure(folder, receivers)
    said = f"alerts.receivers.hook: {token} can be read by everybody: `chmod o-rwx` it\n"
    done = alert_test(folder, "hook")
    equal((done.returncode, done.stdout, done.stderr),
          (1, "hook (webhook): not delivered: its files could not be read at the start\n", said))
    done = alert_test(folder, "other")
    equal((done.returncode, done.stdout, done.stderr), (0, "other (webhook): delivered: HTTP 200\n", ""))
    done = check(folder)
    equal((done.returncode, done.stderr), (1, said))
    done = subprocess.run([LKSM, "doctor", "--config", str(folder / "lksm.yaml")], capture_output=True, text=True,
                          check=False)
    assert said in done.stderr and "NO    Not all receivers of alerts can be told" in done.stdout, done
    configure(folder, {"slack": {"type": "slack", "url_file": str(write(folder / "url", "ftp://" + TOKEN))}})
    equal(check(folder).stderr, f"alerts.receivers.slack: what is in {folder}/url is not http:// or https:// and a host\n")
    d = begin(daemon, folder, receivers)
    high(d, 0)
    equal(other.wait(2)[1]["type"], "suspicious_probe")
    wait_for(lambda: "hook (webhook): retrying" in status(d), "the other's state")
    equal(hook.requests, [])
    assert said in d.stderr() and TOKEN not in d.stderr(), d.stderr()
    d.stop()


def test_a_log_that_was_begun_anew_is_followed(daemon, folder):
    hook = Receiver()
    d = begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}}, ONLY_SUSPICIOUS)
    for i in range(3):
        high(d, i)
    wait_for(lambda: sum(b["count"] for b in hook.bodies()) == 3, "three")
    d.stop()
    for path in d.logs.iterdir():
        if path.name != ".alerts":
            path.unlink()
    d.kmsg.write_bytes(b"")
    d.start()
    wait_ready(d)
    wait_for(lambda: "events that are not in the log any more" in d.stderr(), "that to be said")
    high(d, 0)
    wait_for(lambda: sum(b["count"] for b in hook.bodies()) == 4, "the new log's first event")
    d.stop()


def test_the_example_of_the_manual_is_good(_, folder):
    text = (ROOT / "docs/alerts.md").read_text()
    example = re.search(r"```yaml\n(alerts:.*?)```", text, re.S).group(1)
    folder.chmod(0o755)
    path = write(folder / "lksm.yaml", example)
    done = check(folder)  # what it names is not on this machine
    equal(done.returncode, 1)
    places = {line.split(": ")[0] for line in done.stderr.splitlines()}
    assert {f"alerts.receivers.{x}" for x in ("ops", "oncall", "siem")} <= places, done.stderr
    assert all(x.startswith("alerts.receivers.") for x in places), done.stderr
    script = write(folder / "on-event", "#!/bin/sh\necho got $(wc -c) bytes\n", 0o755)
    write(path, example.replace("/usr/local/bin/on-event", str(script)))
    done = subprocess.run([LKSM, "alert", "test", "script", "--config", path], capture_output=True, text=True,
                          check=False)
    equal(done.stderr, "")
    assert re.fullmatch(r"script \(exec\): delivered: got \d+ bytes ?\n", done.stdout), (done.stdout, done.stderr)


if __name__ == "__main__":
    main(globals())
