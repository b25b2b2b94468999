# SPDX-License-Identifier: Apache-2.0
"""H1, H2: the dashboard's server beside nginx, and with a thousand clients of the stream."""
import pathlib
import subprocess

from live import Daemon, free_port, write_records, writable_kernel_log
from measure import (CPU, Line, OTHER_CPU, Skip, need, pinned, pss_mib, wait_for)

SECONDS = 2
CONNECTIONS = 16
N_CLIENTS, EVENTS_PER_S, H2_SECONDS = 1000, 100, 5
NGINX = """worker_processes 1;
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 100000000;
	default_type application/json;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{ listen 127.0.0.1:{port}; location / {{ root {folder}; }} }}
}}
"""


class Nginx:
    """It serves @body as the file "events", on the processor that the daemon has."""

    def __init__(self, bench, body):
        program = pathlib.Path(bench.tool("peers/usr/sbin/nginx"))
        if not program.exists():
            raise Skip("script/bootstrap bench has not unpacked nginx")
        self.port = free_port()
        folder = bench.folder / "nginx"
        folder.mkdir(exist_ok=True)
        (folder / "events").write_bytes(body)
        (folder / "conf").write_text(NGINX.format(folder=folder, port=self.port), encoding="ascii")
        self.process = subprocess.Popen(
            pinned(CPU, [program.resolve(), "-p", folder, "-c", folder / "conf"]),
            stderr=subprocess.DEVNULL)

    def __enter__(self):
        wait_for(lambda: requests_a_second(self.port, "/events", 0.1) or self.process.poll(),
                 "nginx")
        if self.process.poll() is not None:
            raise Skip("nginx does not run here")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def requests_a_second(port, path, seconds=SECONDS):
    command = [need("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s",
               f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(pinned(OTHER_CPU, command), check=False, capture_output=True, text=True)
    if said.returncode or "Non-2xx" in said.stdout:
        return 0
    return float(said.stdout.split("Requests/sec:")[1].split()[0])


def h1(bench):
    """H1: GET /api/events, 500 events, beside nginx with the same bytes"""
    need("wrk")
    with writable_kernel_log(), Daemon(bench, False) as daemon:
        write_records(bench, 600, 10000)
        wait_for(lambda: daemon.counts()[0] >= 600, "600 events")
        body = daemon.get("/api/events")
        with Nginx(bench, body) as nginx:
            ours, theirs = bench.take_turns(
                lambda: requests_a_second(daemon.port, "/api/events"),
                lambda: requests_a_second(nginx.port, "/events"))
    work = f"GET /api/events, {len(body) // 1000} kB, {CONNECTIONS} connections: a request"
    yield Line("H1", work, [1e6 / x for x in ours], "µs", "nginx", [1e6 / x for x in theirs],
               at_least=0.7)


def stream(bench, n_clients, seconds=H2_SECONDS):
    """([events seen, p50, p99, most in µs, missing], PSS in MiB) with @n_clients"""
    with Daemon(bench, True) as daemon:
        start = daemon.log().stat().st_size
        clients = subprocess.Popen(
            pinned(OTHER_CPU, [bench.tool("sse-clients"), daemon.port, "/api/v1/stream", n_clients,
                               EVENTS_PER_S, seconds]), stdout=subprocess.PIPE, text=True)
        most = 0

        def is_over():
            nonlocal most
            most = max(most, pss_mib(daemon.pids()))
            return clients.poll() is not None
        wait_for(is_over, "the clients", pause_s=0.1)
        said = clients.stdout.read().split()
        if clients.returncode:
            raise RuntimeError(f"sse-clients ended with {clients.returncode}")
        stored = daemon.log().read_bytes()[start:].count(b'"lksm-sse ') // 2  # data and message
    return [int(x) for x in said], most, stored


def h2(bench):
    """H2: 1,000 clients of the live stream, 100 events a second"""
    with writable_kernel_log():
        runs, = bench.take_turns(lambda: stream(bench, N_CLIENTS))
    work = f"{N_CLIENTS} clients of the stream, {EVENTS_PER_S} events/s: "
    yield Line("H2", work + "p99", [x[0][2] / 1000 for x in runs], "ms", at_most=250)
    yield Line("H2", work + "events that did not come", [x[0][4] for x in runs], "", at_most=0)
    yield Line("H2", work + "events not logged",
               [EVENTS_PER_S * H2_SECONDS - x[2] for x in runs], "", at_most=0)
    yield Line("H2", work + "PSS of all processes", [x[1] for x in runs], "MiB", at_most=64)
