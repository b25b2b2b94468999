#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard over HTTP: guards, byte equality, the stream, many and slow clients. TAP.

Runs DASHBOARD_SERVER (default build/tests/dashboard-server), which serves a ring that this
test fills. Waits on conditions with a deadline, never for a time to pass."""
import contextlib
import email.utils
import json
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("DASHBOARD_SERVER", os.path.join(ROOT, "build/tests/dashboard-server"))
TOKEN = "0123456789abcdef" * 4
AUTH = {"Authorization": f"Bearer {TOKEN}"}
DEADLINE_S = 120
POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
          "connect-src": "'self'", "base-uri": "'none'", "form-action": "'self'",
          "frame-ancestors": "'none'"}  # Content-Security-Policy
TESTS = []  # (function, is it by TLS?)
tls = None  # the Certificate that servers have now, if any


def test(function):
    TESTS.append((function, False))
    return function


def both(function):
    """By plain HTTP, and by TLS."""
    TESTS.extend([(function, False), (function, True)])
    return function


def by_tls(function):
    TESTS.append((function, True))
    return function


class Certificate:
    """For localhost, with its key, in a folder that goes with it."""

    def __init__(self, *algorithm):
        algorithm = algorithm or ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        self.folder = tempfile.TemporaryDirectory(prefix="lksm-test-")
        self.path, self.key = (os.path.join(self.folder.name, name) for name in ("cert", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm,
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.path], check=True, capture_output=True)
        self.context = ssl.create_default_context(cafile=self.path)
        self.options = [f"certificate={self.path}", f"key={self.key}"]


def expect(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got!r:.300}, not {want!r:.300}")


class Server:
    def __init__(self, token=TOKEN, *options):
        options = [*options, *(tls.options if tls else [])]
        self.process = subprocess.Popen([PROGRAM, *([f"token={token}"] if token else []), *options],
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        words = self.process.stdout.readline().split()
        self.host = words[1]
        self.pid = int(words[2])
        address, port = self.host.rsplit(":", 1)
        self.address = (address, int(port))
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        expect(ask(self, path="/healthz")[0], 200, "started")
        settle(lambda: count_descriptors(self.pid), "started")

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        expect(self.process.stdout.readline(), "done\n", command)

    def connect(self, receive_buffer=None):
        sock = self.connect_plainly(receive_buffer)
        return tls.context.wrap_socket(sock, server_hostname="localhost") if tls else sock

    def connect_plainly(self, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(DEADLINE_S)
        sock.connect(self.address)
        return sock

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if kind is None:
            expect(status, 0, "the server's exit status")


class Connection:
    """One connection, requests on it one after the other."""

    def __init__(self, server, receive_buffer=None):
        self.server = server
        self.socket = server.connect(receive_buffer)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def send(self, method="GET", path="/", headers=None, version="HTTP/1.1"):
        headers = {"Host": self.server.host, **(headers or {})}
        lines = [f"{method} {path} {version}"]
        for name, values in headers.items():
            for value in values if isinstance(values, list) else [values]:
                if value is not None:
                    lines.append(f"{name}: {value}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def fill(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return data

    def take_until(self, end):
        while end not in self.buffer:
            if not self.fill():
                raise EOFError(f"closed; had {self.buffer[:200]!r}")
        part, self.buffer = self.buffer.split(end, 1)
        return part

    def take(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise EOFError
        part, self.buffer = self.buffer[:n], self.buffer[n:]
        return part

    def head(self):
        lines = self.take_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        return int(lines[0].split()[1]), headers

    def answer(self, has_body=True):
        status, headers = self.head()
        body = b""
        if has_body and status not in (204, 304):
            body = self.take(int(headers["content-length"]))
        return status, headers, body

    def ask(self, method="GET", path="/", headers=None):
        self.send(method, path, headers)
        return self.answer(method != "HEAD")


class Stream(Connection):
    def __init__(self, server, path="/api/v1/stream", headers=None, receive_buffer=None):
        super().__init__(server, receive_buffer)
        self.send("GET", path, {**AUTH, **(headers or {})})
        status, self.headers = self.head()
        expect(status, 200, path)
        self.text = b""
        expect(self.message(), {"retry": "2000"}, "the greeting")

    def chunk(self):
        size = int(self.take_until(b"\r\n"), 16)
        data = self.take(size)
        self.take(2)
        self.text += data
        return size

    def message(self):
        while b"\n\n" not in self.text:
            if self.chunk() == 0:
                return None
        part, self.text = self.text.split(b"\n\n", 1)
        return dict(re.split(r": ?", line, maxsplit=1) for line in part.decode().split("\n"))


def ask(server, *args, **kwargs):
    connection = Connection(server)
    try:
        return connection.ask(*args, **kwargs)
    finally:
        connection.close()


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not in {DEADLINE_S} s")
        time.sleep(0.01)


def settle(value, what):
    """Waits until value() stays the same for a while."""
    history = []

    def is_settled():
        history.append(value())
        return len(history) > 20 and len(set(history[-20:])) == 1
    wait_for(is_settled, what)


def count_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def line_of(seq, pad=0, message="pushed"):
    return (f'{{"seq": {seq}, "ts": {seq}.000001, "type": "test", "data": {{"message": "{message}", '
            f'"pad": "{" " * pad}"}}, "severity": "info", "source": "test"}}')


def exhaust(server, *args, most, **kwargs):
    """Asks until it is too often; gives back how many were answered, and the refusal."""
    connection = Connection(server)
    for n in range(most):
        status, headers, body = connection.ask(*args, **kwargs)
        if status == 429:
            connection.close()
            return n, headers, body
    raise AssertionError(f"{most} requests were answered")


@test
def who_asks_too_often_is_put_off():
    with Server(TOKEN, "rate=2") as server:
        n, headers, body = exhaust(server, path="/", most=200)
        expect(n >= 19, True, f"20 at once, but for the test's own first; {n}")
        expect(headers["retry-after"], "1", "when to come again")
        expect("detail" in json.loads(body), True, "a reason")
        expect(headers["x-content-type-options"], "nosniff", "headers")
        for path in ("/healthz", "/api/events", "/x"):
            expect(ask(server, path=path)[0], 429, path)
        expect(ask(server, "POST", "/", {"Content-Length": "5"})[0], 429, "a body")
        # strangers cannot shut out who has the token
        expect(ask(server, path="/api/events", headers=AUTH)[0], 200, "with the token")
        exhaust(server, path="/api/events", headers=AUTH, most=200)
        wait_for(lambda: ask(server, path="/api/events", headers=AUTH)[0] == 200, "later")


def is_answered(server):
    try:
        return ask(server, path="/healthz")[0] == 200
    except (EOFError, OSError):
        return False


@both
def one_client_cannot_take_all_connections():
    with Server(TOKEN, "connections=20") as server:
        open_ones = [server.connect_plainly() for _ in range(20)]
        wait_for(lambda: not is_answered(server), "no room")
        for _ in range(5):
            sock = server.connect_plainly()
            try:
                expect(sock.recv(1), b"", "refused")
            except ConnectionResetError:
                pass
        open_ones.pop().close()
        wait_for(lambda: is_answered(server), "another has room")
        for sock in open_ones:
            sock.close()


def is_closed(sock):
    """By the other side, which has said nothing else."""
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@by_tls
def who_shakes_hands_too_often_is_put_off():
    with Server(TOKEN, "rate=2") as server:
        stays = Connection(server)
        # what counts is to be let in; a handshake takes so long on a busy machine that it is none too often
        sockets = [server.connect_plainly() for _ in range(100)]
        wait_for(lambda: any(map(is_closed, sockets)), "one is refused")
        n = [is_closed(sock) for sock in sockets].index(True)
        expect(n >= 18, True, f"20 at once, but for the test's own first two; {n}")
        expect(stays.ask(path="/healthz")[0], 200, "who is connected")
        for sock in sockets:
            sock.close()
        wait_for(lambda: handshake(server), "later")


@test
def wrong_tokens_are_put_off():
    with Server(TOKEN, "failures=5") as server:
        wrong = {"Authorization": "Bearer " + "0" * 64}
        n, headers, _ = exhaust(server, path="/api/events", headers=wrong, most=200)
        expect(n, 5, "answered with 401")
        expect(1 <= int(headers["retry-after"]) <= 12, True, headers["retry-after"])
        for request in (("POST", "/api/v1/session", wrong), ("POST", "/api/v1/session", {}),
                        ("GET", "/api/v1/schema", {"Cookie": "lksm_session=" + "0" * 64})):
            expect(ask(server, *request)[0], 429, request)
        expect(ask(server, path="/healthz")[0], 200, "what needs no token")
        expect(ask(server, "POST", "/api/v1/session", AUTH)[0], 204, "the right one")


@test
def the_page_and_its_reloads_are_no_flood():
    """What a browser asks for, ten times as fast as can be, by the default limits."""
    with Server(TOKEN, "rate=100", "failures=60") as server:
        names = sorted(os.listdir(os.path.join(ROOT, "web")))
        for _ in range(10):
            for name in ["", *names, "api/v1/schema", "api/events"]:
                expect(ask(server, path="/" + name, headers=AUTH)[0], 200, name)
            Stream(server).close()


@both
def events_are_the_logged_bytes():
    with Server() as server:
        expect(ask(server, path="/api/events", headers=AUTH)[2], b"[]\n", "an empty ring")
        server.tell("push 2")
        server.tell('text <img src=x onerror=alert(1)> \\u2028 \\u0000 ü 💥 \\"')
        want = [line_of(0), line_of(1),
                line_of(2, 0, '<img src=x onerror=alert(1)> \\u2028 \\u0000 ü 💥 \\"')]
        status, headers, body = ask(server, path="/api/events", headers=AUTH)
        expect(status, 200, "status")
        expect(headers["content-type"], "application/json", "type")
        expect(body.decode(), "[\n" + ",\n".join(want) + "\n]\n", "the array")
        expect([e["seq"] for e in json.loads(body)], [0, 1, 2], "seq")
        expect(ask(server, path="/api/v1/events", headers=AUTH)[0], 404, "without a history")
        server.tell("push 700")
        events = json.loads(ask(server, path="/api/events", headers=AUTH)[2])
        expect([e["seq"] for e in events], list(range(203, 703)), "the last 500")


@test
def a_token_or_a_cookie_is_needed():
    with Server() as server:
        for path in ("/api/events", "/api/v1/events", "/api/v1/stream", "/api/v1/schema"):
            for headers in ({}, {"Authorization": "Bearer " + "0" * 64},
                            {"Authorization": f"Bearer {TOKEN}0"}, {"Authorization": TOKEN},
                            {"Authorization": [f"Bearer {TOKEN}"] * 2},
                            {"Cookie": f"lksm_session={TOKEN}"}, {"Cookie": "lksm_session="}):
                status, got, body = ask(server, path=path, headers=headers)
                expect(status, 401, f"{path} {headers}")
                expect(got["www-authenticate"], 'Bearer realm="lksm"', "how to")
                expect("detail" in json.loads(body), True, "a reason")
        expect(ask(server, "POST", "/api/v1/session")[0], 401, "a session for nobody")
        expect(ask(server, "GET", f"/api/events?token={TOKEN}")[0], 401, "a token in the query")


@both
def a_token_is_traded_for_a_cookie():
    with Server() as server, Server() as restarted, Server("f" * 64) as other:
        status, headers, _ = ask(server, "POST", "/api/v1/session", AUTH)
        expect(status, 204, "session")
        secure = "; Secure" if tls else ""
        expect(bool(re.fullmatch(r"lksm_session=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=/" + secure,
                                 headers["set-cookie"])), True, headers["set-cookie"])
        cookie = {"Cookie": "a=b; " + headers["set-cookie"].split(";")[0]}
        expect(ask(server, path="/api/events", headers=cookie)[0], 200, "with the cookie")
        expect(ask(restarted, path="/api/events", headers=cookie)[0], 200, "after a restart")
        expect(ask(other, path="/api/events", headers=cookie)[0], 401, "with another token")
        status, headers, _ = ask(server, "DELETE", "/api/v1/session")
        expect(status, 204, "sign out")
        expect("Max-Age=0" in headers["set-cookie"], True, "the cookie goes")


@test
def without_auth_everybody_is_let_in():
    with Server(None) as server:
        expect(ask(server, path="/api/events")[0], 200, "status")
        expect(ask(server, path="/api/events", headers={"Host": "evil.example"})[0], 421, "Host")


@test
def only_our_own_names_are_answered():
    with Server() as server:
        for host in ("localhost", "LOCALHOST:1", server.host, "127.0.0.1", "[::1]:9", "lksm.example"):
            expect(ask(server, path="/healthz", headers={"Host": host})[0], 200, host)
        for host in ("evil.example", "localhost.evil.example", "localhost@evil.example", "",
                     "0.0.0.0", "127.1", "localhost:x", "[::2]", ["localhost", "evil.example"],
                     ["localhost", "localhost"]):
            for path in ("/", "/healthz", "/api/events", "/nothing"):
                status, headers, _ = ask(server, path=path, headers={**AUTH, "Host": host})
                expect(status, 421, f"{host} {path}")


@both
def other_sites_are_refused():
    with Server() as server:
        own = server.url
        post, get = ("POST", "/api/v1/session"), ("GET", "/api/events")
        cases = [(post, {"Origin": own}, 204), (get, {"Origin": own}, 200),
                 (get, {"Sec-Fetch-Site": "same-origin"}, 200),
                 (get, {"Sec-Fetch-Site": "none"}, 200),
                 (("GET", "/"), {"Sec-Fetch-Site": "cross-site"}, 200)]
        if tls:
            cases.append((post, {"Origin": f"http://{server.host}"}, 403))
        for origin in ("null", "http://evil.example", "http://localhost", "http://localhost:3000",
                       own + ".evil.example", own + "@evil.example", "file://", "", [own, own]):
            for route in (post, get, ("DELETE", "/api/v1/session"), ("GET", "/api/v1/stream")):
                cases.append((route, {"Origin": origin}, 403))
        for site in ("cross-site", "same-site", "", "x", ["none", "none"]):
            cases.append((get, {"Sec-Fetch-Site": site}, 403))
            cases.append((post, {"Sec-Fetch-Site": site}, 403))
        for (method, path), headers, want in cases:
            status, got, _ = ask(server, method, path, {**AUTH, **headers})
            expect(status, want, f"{method} {path} {headers}")
            expect("access-control-allow-origin" in got, False, "no CORS")


@test
def every_answer_carries_the_security_headers():
    with Server() as server:
        for method, path, headers, want in (
                ("GET", "/", {}, 200), ("GET", "/api/events", AUTH, 200), ("GET", "/x", {}, 404),
                ("GET", "/api/events", {}, 401), ("PUT", "/", {}, 405),
                ("POST", "/api/v1/session", AUTH, 204), ("GET", "/", {"Host": "x"}, 421),
                ("GET", "/api/events", {"Origin": "x"}, 403), ("GET", "/healthz", {}, 200),
                ("POST", "/", {"Content-Length": "5"}, 413)):
            status, got, _ = ask(server, method, path, headers)
            expect(status, want, f"{method} {path}")
            expect(dict(part.split(" ", 1) for part in got["content-security-policy"].split("; ")),
                   POLICY, path)
            expect([name for name in got if name.startswith("access-control-")], [], path)
            expect(got["x-content-type-options"], "nosniff", path)
            expect(got["x-frame-options"], "DENY", path)
            expect(got["referrer-policy"], "no-referrer", path)
            expect(got["cross-origin-resource-policy"], "same-origin", path)
            expect(got["cross-origin-opener-policy"], "same-origin", path)
            expect(got["cache-control"], "no-cache" if (path, status) == ("/", 200) else "no-store",
                   path)


@test
def the_page_is_embedded_whole():
    with Server() as server:
        web = os.path.join(ROOT, "web")
        for name in sorted(os.listdir(web)):
            with open(os.path.join(web, name), "rb") as file:
                want = file.read()
            status, headers, body = ask(server, path="/" + name)
            expect((status, body), (200, want), name)
            tag = headers["etag"]
            for tags in (tag, "W/" + tag, f'"x", {tag}', "*"):
                status, headers, body = ask(server, path="/" + name,
                                            headers={"If-None-Match": tags})
                expect((status, body, headers["etag"]), (304, b"", tag), f"{name} {tags}")
            expect(ask(server, path="/" + name, headers={"If-None-Match": '"x"'})[0], 200, name)
        expect(ask(server)[2], ask(server, path="/index.html")[2], "/")


@test
def methods_paths_and_bodies():
    with Server() as server:
        for method, path, allow in (("POST", "/api/events", "GET, HEAD"), ("OPTIONS", "/", "GET, HEAD"),
                                    ("GET", "/api/v1/session", "POST, DELETE"),
                                    ("get", "/healthz", "GET, HEAD")):
            status, headers, _ = ask(server, method, path, AUTH)
            expect((status, headers["allow"]), (405, allow), f"{method} {path}")
        for path in ("/x", "/api", "/api/", "/api/events/", "//api/events", "/../etc/passwd",
                     "/%2e%2e/etc/passwd", "/%2fapi/events", "/api%2fevents", "/index.html%00",
                     "/.hidden", "/style.css/"):
            status, _, body = ask(server, path=path, headers=AUTH)
            expect((status, "detail" in json.loads(body)), (404, True), path)
        for headers in ({"Content-Length": "1"}, {"Content-Length": "99999999999"},
                        {"Transfer-Encoding": "chunked"}):
            expect(ask(server, "POST", "/api/v1/session", {**AUTH, **headers})[0], 413, headers)
        expect(ask(server, "POST", "/api/v1/session", {**AUTH, "Content-Length": "0"})[0], 204, "0")


@both
def no_request_hides_in_a_body():
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Server() as server:
        for headers in ({"Content-Length": ["0", str(len(hidden))]},
                        {"Content-Length": [str(len(hidden)), "0"]},
                        {"Content-Length": "0", "Transfer-Encoding": "chunked"}):
            connection = Connection(server)
            connection.send("GET", "/", headers)
            connection.socket.sendall(hidden)
            expect(connection.answer()[0], 413, headers)
            try:
                rest = connection.fill()
            except ConnectionResetError:
                rest = b""
            expect((rest, connection.buffer), (b"", b""), f"{headers}: the end")


@test
def head_gives_the_headers_only():
    with Server() as server:
        server.tell("push 5")
        connection = Connection(server)
        for path in ("/", "/api/events", "/api/v1/schema", "/healthz"):
            _, with_body, _ = connection.ask("GET", path, AUTH)
            status, without, body = connection.ask("HEAD", path, AUTH)
            expect((status, body), (200, b""), path)
            expect(without["content-length"], with_body["content-length"], path)


@test
def what_is_muted_comes_with_the_time():
    """By which the page knows what is over."""
    with Server() as server:
        before = int(time.time() - 0.1)  # the kernel's coarse clock is a tick behind
        _, headers, _ = ask(server, path="/api/v1/mutes", headers=AUTH)
        date = email.utils.parsedate_to_datetime(headers["date"]).timestamp()
        expect(before <= date <= time.time(), True, headers["date"])


@both
def keep_alive_and_pipelining():
    with Server() as server:
        server.tell("push 3")
        connection = Connection(server)
        paths = ["/healthz", "/api/events", "/", "/x", "/api/v1/schema"] * 10
        for path in paths:
            connection.send("GET", path, AUTH)
        for path in paths:
            expect(connection.answer()[0], 404 if path == "/x" else 200, path)


@test
def what_a_proxy_may_read_otherwise_is_refused():
    """RFC 9112, 2.2 and 5.1: whoever stands before us may take it for another request."""
    good = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with Server() as server:
        for before, after, want in ((b"", b"", b"200"), (b"Host: ", b"Host : ", b"400"),
                                    (b"Connection", b" Connection", b"400")):
            sock = server.connect()
            sock.sendall(good.replace(before, after, 1))
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while data := sock.recv(65536):
                    answer += data
            expect(answer[9:12], want, after)


@test
def nonsense_ends_the_connection():
    with Server() as server:
        for nonsense in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                         b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 60000 + b"\r\n\r\n",
                         b"GET /" + b"a" * 60000 + b" HTTP/1.1\r\n"):
            sock = server.connect()
            answer = b""
            try:
                sock.sendall(nonsense)
                sock.shutdown(socket.SHUT_WR)
                while data := sock.recv(65536):
                    answer += data
            except OSError:  # refused before all of it was said
                pass
            expect(answer == b"" or answer.split(b" ")[1][:1] in (b"4", b"5"), True, nonsense[:40])
        expect(ask(server, path="/healthz")[0], 200, "alive")


@test
def schema_and_health():
    with Server() as server:
        _, _, body = ask(server, path="/api/v1/schema", headers=AUTH)
        expect(list(json.loads(body)["properties"])[:6],
               ["seq", "ts", "type", "data", "severity", "source"], "properties")
        server.tell("push 3")
        status, _, body = ask(server, path="/healthz")
        health = json.loads(body)
        expect((status, health["status"], health["events"], health["version"]),
               (200, "ok", 3, "0.0-test"), "health")
        dead = subprocess.Popen(["true"])
        dead.wait()
        for command, writer in ((f"writer {dead.pid}", "dead"), ("state 2", "stopped"),
                                ("state 0", "starting")):
            server.tell(command)
            status, _, body = ask(server, path="/healthz")
            expect((status, json.loads(body)["writer"]), (503, writer), command)
        expect(TOKEN in body.decode(), False, "no secret")


def expect_events(stream, first, last, what):
    for seq in range(first, last + 1):
        message = stream.message()
        expect((message.get("id"), json.loads(message["data"])["seq"]), (str(seq), seq), what)


@both
def stream_gives_new_events():
    with Server() as server:
        server.tell("push 5")
        stream = Stream(server)
        expect(stream.headers["content-type"].split(";")[0], "text/event-stream", "type")
        server.tell("push 3")
        expect_events(stream, 5, 7, "the new ones only")
        server.tell("push 400 300")
        expect_events(stream, 8, 407, "a batch")
        server.tell("text ü")
        expect(stream.message(), {"id": "408", "data": line_of(408, 0, "ü")}, "the logged bytes")


@test
def stream_resumes():
    with Server() as server:
        server.tell("push 100")
        for path, headers, first in (
                ("?last_event_id=42", {}, 43), ("", {"Last-Event-ID": "42"}, 43),
                ("?last_event_id=1", {"Last-Event-ID": "42"}, 43), ("?last_event_id=0", {}, 1),
                ("?last_event_id=98", {}, 99), ("?last_event_id=5000", {}, 0)):
            stream = Stream(server, "/api/v1/stream" + path, headers)
            expect_events(stream, first, 99, f"{path} {headers}")
            stream.close()
        for bad in ("?last_event_id=x", "?last_event_id=", "?last_event_id=-1",
                    "?last_event_id=99999999999999999999"):
            expect(ask(server, path="/api/v1/stream" + bad, headers=AUTH)[0], 400, bad)


@both
def stream_tells_of_a_gap_on_resume():
    with Server() as server:
        server.tell("push 1000")
        stream = Stream(server, "/api/v1/stream?last_event_id=100")
        message = stream.message()
        expect(message["event"], "gap", "first")
        expect(json.loads(message["data"]), {"first": 101, "last": 499, "count": 399}, "what is lost")
        expect_events(stream, 500, 999, "the rest")
        stream = Stream(server, "/api/v1/stream?last_event_id=499")
        expect_events(stream, 500, 999, "nothing is lost")


@test
def stream_survives_a_restart_of_the_writer():
    with Server() as server:
        server.tell("state 0")
        stream = Stream(server, "/api/v1/stream?last_event_id=49")
        server.tell("refill 0 100")
        server.tell("state 1")
        expect_events(stream, 50, 99, "only what was not seen")
        server.tell("refill 80 30")
        expect_events(stream, 100, 109, "only what was not there")


@test
def stream_follows_another_log():
    with Server() as server:
        server.tell("push 3")
        connected = Stream(server)
        # A new ring, still empty, to which a client of the old log comes back.
        with Server() as other:
            resumed = Stream(other, headers={"Last-Event-ID": "1000"})
            other.tell("push 2")
            expect_events(resumed, 0, 1, "resumed into an empty ring")
        # The log was removed under a writer that begins again.
        server.tell("state 0")
        server.tell("refill 0 1")
        server.tell("state 1")
        server.tell("push 2")
        expect_events(connected, 0, 2, "connected all the time")


@both
def slow_reader_gets_a_gap_and_the_rest():
    with Server() as server:
        stream = Stream(server, receive_buffer=4096)
        for _ in range(30):
            server.tell("push 100 5000")
        expect(ask(server, path="/healthz")[0], 200, "others are served meanwhile")
        want, gaps = 0, 0
        while want < 3000:
            message = stream.message()
            data = json.loads(message["data"])
            if message.get("event") == "gap":
                expect(data["first"], want, "first lost")
                expect(data["count"], data["last"] - data["first"] + 1, "count")
                want, gaps = data["last"] + 1, gaps + 1
            else:
                expect(data["seq"], want, "seq")
                want += 1
        expect(gaps > 0, True, "a gap")
        server.tell("push 1")
        expect_events(stream, 3000, 3000, "live again")


@both
def long_lines_pass():
    with Server() as server:
        stream = Stream(server)
        server.tell("push 3 200000")
        for seq in range(3):
            expect(stream.message(), {"id": str(seq), "data": line_of(seq, 200000)}, "long")


@both
def a_hundred_streams():
    with Server() as server:
        streams = [Stream(server) for _ in range(100)]
        for n in (1, 50, 200):
            server.tell(f"push {n}")
        for stream in streams:
            expect_events(stream, 0, 250, "each gets all")


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


@both
def streams_that_do_not_read_cost_little_and_leave():
    with Server() as server:
        before = count_descriptors(server.pid)
        streams = [Stream(server, receive_buffer=4096) for _ in range(1000)]
        for _ in range(20):
            server.tell("push 100 4000")
        expect(ask(server, path="/api/v1/stream", headers=AUTH)[0], 503, "one more")
        expect(ask(server, path="/api/events", headers=AUTH)[0], 200, "the page's snapshot")
        kib = memory_kib(server.pid)
        print(f"# 1,000 streams that do not read: {kib} KiB resident")
        if "asan" not in PROGRAM and "sanitizers" not in PROGRAM:
            expect(kib < (96 if tls else 64) << 10, True, f"{kib} KiB")
        for stream in streams:
            stream.close()
        wait_for(lambda: count_descriptors(server.pid) <= before, "all descriptors closed")


@both
def a_client_that_leaves_is_noticed_at_once():
    with Server() as server:
        before = count_descriptors(server.pid)
        streams = [Stream(server) for _ in range(50)]
        expect(count_descriptors(server.pid), before + 50, "open")
        for stream in streams:
            stream.close()
        start = time.monotonic()
        wait_for(lambda: count_descriptors(server.pid) == before, "closed")
        expect(time.monotonic() - start < 2, True, "before the next heartbeat")


@both
def snapshots_that_nobody_reads_are_bounded():
    with Server() as server:
        clients = []
        for _ in range(40):
            server.tell("push 100 40000")
            client = Connection(server, receive_buffer=4096)
            client.send("GET", "/api/events", AUTH)
            clients.append((client, client.head()[0]))
        statuses = {status for _, status in clients}
        kib = memory_kib(server.pid)
        print(f"# 40 snapshots of 4 MiB that nobody reads: {kib} KiB resident, {statuses}")
        expect(statuses, {200, 503}, "some are put off")
        for client, _ in clients:
            client.close()


@both
def an_idle_server_sleeps():
    def switches():
        with open(f"/proc/{server.pid}/status") as file:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
    with Server() as server:
        settle(switches, "at rest")
        start = switches()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            time.sleep(0.5)  # the absence of something takes a time to see
        expect(switches() - start, 0, "wake-ups in 3 s")


@both
def slow_headers_and_heartbeats():
    """One wait for all that takes its time: 10 s for headers, 15 s for a heartbeat."""
    with Server() as server:
        stream = Stream(server)
        drip, again = server.connect(), server.connect()
        again.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect(again.recv(65536)[:12], b"HTTP/1.1 200", "the first of two requests")
        for sock in (drip, again):
            sock.sendall(b"GET / HTTP/1.1\r\n")
        silent = server.connect_plainly()  # by TLS, not even a handshake
        start = time.monotonic()
        ended = {}
        while len(ended) < 3 and time.monotonic() - start < 14:
            for sock, name in ((drip, "drip"), (again, "again"), (silent, "silent")):
                sock.settimeout(0.25)
                try:
                    if name not in ended and sock.recv(100) == b"":
                        ended[name] = time.monotonic() - start
                except socket.timeout:
                    pass
                except ConnectionResetError:
                    ended[name] = time.monotonic() - start
                if name not in ended and name != "silent":
                    with contextlib.suppress(OSError):
                        sock.sendall(b"X: y\r\n")
        print(f"# cut after {ended}")
        expect(sorted(ended), ["again", "drip", "silent"], "cut")
        expect(9 < ended["drip"] < 13, True, f"{ended}")
        expect(stream.message(), {"": "hb"}, "a heartbeat")
        expect(14 < time.monotonic() - start < 18, True, "after 15 s")


def handshake(server, ciphers="ALL", **limits):
    """The version that was agreed on, or None."""
    context = ssl.create_default_context(cafile=tls.path)
    for name, value in limits.items():
        setattr(context, name, value)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    try:
        with context.wrap_socket(server.connect_plainly(), server_hostname="localhost") as sock:
            return sock.version()
    except (ssl.SSLError, ConnectionResetError, EOFError):
        return None


@by_tls
def only_good_tls_is_spoken():
    with Server() as server:
        expect(handshake(server), "TLSv1.3", "the best")
        expect(handshake(server, maximum_version=ssl.TLSVersion.TLSv1_2), "TLSv1.2", "good")
        for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            expect(handshake(server, minimum_version=old, maximum_version=old), None, old)
        for nonsense in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" * 100,
                         b"\0" * 20000):
            sock = server.connect_plainly()
            answer = b""
            try:
                sock.sendall(nonsense)
                sock.shutdown(socket.SHUT_WR)
                while data := sock.recv(65536):
                    answer += data
            except OSError:
                pass
            expect(b"HTTP" in answer, False, nonsense[:20])
        expect(ask(server, path="/healthz")[0], 200, "alive")


@by_tls
def who_gets_the_key_later_reads_nothing_of_before():
    """With a key for RSA, the exchange that needs nothing else would be possible."""
    global tls
    usual, tls = tls, Certificate("rsa:2048")
    try:
        with Server() as server:
            for ciphers, want in (("ECDHE+AESGCM", "TLSv1.2"), ("kRSA", None)):
                expect(handshake(server, ciphers, maximum_version=ssl.TLSVersion.TLSv1_2), want, ciphers)
    finally:
        tls = usual


@by_tls
def clients_that_only_connect_cost_little():
    """500 that say nothing, and 400 that shook hands and say nothing."""
    with Server() as server:
        silent = [server.connect_plainly() for _ in range(500)]
        idle = [server.connect() for _ in range(400)]
        expect(ask(server, path="/healthz")[0], 200, "others are served")
        kib = memory_kib(server.pid)
        print(f"# {len(silent)} clients before, {len(idle)} after the handshake: {kib} KiB resident")
        if "asan" not in PROGRAM and "sanitizers" not in PROGRAM:
            expect(kib < 64 << 10, True, f"{kib} KiB")
        for sock in silent + idle:
            sock.close()


def main():
    global tls
    if not os.access(PROGRAM, os.X_OK):
        print("1..0 # SKIP no dashboard-server: set DASHBOARD_SERVER")
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    chosen = [t for t in TESTS if len(sys.argv) < 2 or t[0].__name__ in sys.argv[1:]]
    print(f"1..{len(chosen)}")
    failed = 0
    certificate = Certificate()
    for i, (function, is_tls) in enumerate(chosen, 1):
        tls = certificate if is_tls else None
        name = function.__name__.replace("_", " ") + (" by TLS" if (function, False) in TESTS and is_tls else "")
        start = time.monotonic()
        try:
            function()
            print(f"ok {i} - {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {i} - {name}\n# {type(error).__name__}: {error}", flush=True)
        print(f"# {time.monotonic() - start:.1f} s", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
