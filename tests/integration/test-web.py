#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web process of a whole daemon from outside: when it hangs, whom it serves."""
import os
import pathlib
import signal
import socket
import urllib.error
import urllib.request

from lksm_test import DEADLINE_S, equal, main, wait_for

WATCHDOG_US = 2_000_000  # the daemon asks four times in that time, and waits half of it


def web_of(d):
    for pid in d.children():
        if pathlib.Path(f"/proc/{pid}/comm").read_text() == "web\n":
            return pid
    return None


def has_stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_a_web_process_that_hangs_is_replaced(daemon, _):
    d = daemon(dashboard=True, env={"WATCHDOG_USEC": str(WATCHDOG_US)}).start()
    d.wait_healthy()
    first = web_of(d)
    os.kill(first, signal.SIGSTOP)
    wait_for(lambda: has_stopped(first), "it hangs")
    host, port = d.url()[0].removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), DEADLINE_S) as meanwhile:
        meanwhile.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
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


if __name__ == "__main__":
    main(globals())
