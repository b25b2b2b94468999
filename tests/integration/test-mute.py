#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`lksm mute`: what is muted is logged and not told; who mutes is told. TAP."""
import fcntl
import importlib
import json
import os
import re
import subprocess

from lksm_test import LKSM, equal, main, record, wait_for

alerts = importlib.import_module("test-alerts")

LOADED = "[PHOTON RING] Module loaded: {} by uid 0"


def mute(folder, *arguments, status=0):
    """What it said, on both."""
    done = subprocess.run([LKSM, "mute", "--config", str(folder / "lksm.yaml"), *arguments],
                          capture_output=True, text=True, check=False)
    equal((done.returncode, done.stderr if status == 0 else ""), (status, ""))
    return done.stdout + done.stderr


def shown(d, verb, *arguments):
    """The types that a verb shows of the log."""
    done = subprocess.run([LKSM, verb, "--config", str(d.folder / "lksm.yaml"), "--log-dir", str(d.logs),
                           "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done
    return [json.loads(line)["type"] for line in done.stdout.splitlines()]


def begin(daemon, folder, hook):
    return alerts.begin(daemon, folder, {"hook": {"type": "webhook", "url": hook.url}},
                        {"all": {"severity": "medium", "types": ["module_*", "suspicious_*", "records_lost", "log_filtered"],
                                 "receivers": ["hook"]}})


def told(hook):
    """{type: number of events} of all messages."""
    counts = {}
    for body in hook.bodies():
        counts[body["type"]] = counts.get(body["type"], 0) + body["count"]
    return counts


def wait_read(d, event):
    """Who sends has looked at this event."""
    def is_read():
        match = re.search(r"read up to event (\d+) of", alerts.status(d))
        return match and int(match.group(1)) > event["seq"]
    wait_for(is_read, "who sends")


def test_no_alert_of_what_is_muted(daemon, folder):
    hook = alerts.Receiver()
    d = begin(daemon, folder, hook)
    said = mute(folder, "--type", "module_*", "--data", "module=nf_tables", "--for", "7d", "--reason", "ours")
    assert said.startswith("muted: 1  type=module_* data.module=nf_tables  until 20"), said
    d.append(record(0, LOADED.format("nf_tables")))
    d.append(record(1, LOADED.format("other")))
    d.append(record(2, alerts.HIGH))
    wait_for(lambda: told(hook) == {"module_loaded": 1, "suspicious_probe": 1}, f"two: {told(hook)}")
    equal([e["data"]["module"] for e in d.events("module_loaded")], ["nf_tables", "other"])
    mute(folder, "--remove", "1")  # while it runs
    d.append(record(3, LOADED.format("nf_tables")))
    wait_for(lambda: told(hook).get("module_loaded") == 2, "an alert again")
    equal(hook.bodies()[-1]["events"][0]["stream_seq"], 3)
    mute(folder, "--source", "kprobe_reader", "--reason", "all of them")
    assert "but for what tells of an attack on LKSM itself" in mute(folder, "--source", "lksm")
    d.append(record(4, alerts.HIGH))
    d.append(record(6, alerts.HIGH))  # one is missing: nobody can mute that
    wait_for(lambda: d.events("suspicious_probe")[-1]["stream_seq"] == 6, "the last record")
    wait_read(d, d.events()[-1])
    wait_for(lambda: {"records_lost", "log_filtered"} & set(told(hook)), f"the gap: {told(hook)}")
    equal((told(hook)["suspicious_probe"], told(hook)["module_loaded"]), (1, 2))
    d.stop()


def test_a_bad_file_of_mutes_changes_nothing(daemon, folder):
    hook = alerts.Receiver()
    d = begin(daemon, folder, hook)
    mute(folder, "--type", "module_loaded")
    wait_read(d, d.wait_events(1, "mute_added")[0])
    (folder / "mutes.yaml").write_text("mutes:\n  - {id: 1, type: suspicious_probe, utnil: x}\n")
    error = d.wait_events(1, "config_rejected")[0]["data"]["error"]
    assert error.endswith("mutes.yaml:2:37: unknown key 'utnil' (did you mean 'until'?)"), error
    d.append(record(0, LOADED.format("nf_tables")))
    d.append(record(1, alerts.HIGH))
    equal([b["type"] for b in hook.wait(1)], ["suspicious_probe"])
    (folder / "mutes.yaml").write_text("mutes:\n  - {id: 1, type: sensor_gone}\n")
    error = d.wait_events(2, "config_rejected")[1]["data"]["error"]
    assert "mutes.yaml:2:6: sensor_gone cannot be muted" in error, error
    equal([d.events(t) for t in ("mute_removed", "process_restarted", "sandbox_violated")], [[], [], []])
    done = subprocess.run([LKSM, "check", "--config", str(folder / "lksm.yaml")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "sensor_gone cannot be muted" in done.stderr, done
    for arguments in (("--type", "a"), ("--list",)):
        assert "sensor_gone cannot be muted" in mute(folder, *arguments, status=2)
    d.stop()


def test_who_mutes_is_told(daemon, folder):
    (folder / "lksm.yaml").write_text("")
    d = daemon("--config", str(folder / "lksm.yaml")).start()
    d.append(record(0, LOADED.format("a")))
    d.wait_events(1)
    mute(folder, "--rule", "module_loaded", "--reason", "a \"known\" one")
    event = d.wait_events(1, "mute_added")[0]
    equal((event["severity"], event["source"], event["attack"]), ("medium", "lksm", ["T1562.006"]))
    equal({k: event["data"][k] for k in ("id", "what", "reason")},
          {"id": 1, "what": "rule=module_loaded", "reason": 'a "known" one'})
    assert f"(uid {os.getuid()})" in event["data"]["by"], event
    mute(folder, "--type", "b", "--for", "1h")
    event = d.wait_events(2, "mute_added")[1]
    equal((event["data"]["id"], event["data"]["until"][:2]), (2, "20"))
    mute(folder, "--remove", "1")
    equal(d.wait_events(1, "mute_removed")[0]["data"], {"id": 1, "what": "rule=module_loaded", "how": "removed"})
    (folder / "mutes.yaml").unlink()
    equal(d.wait_events(2, "mute_removed")[1]["data"]["id"], 2)
    d.stop()
    mute(folder, "--type", "c")
    d.start()
    equal(d.wait_events(1, "mutes_in_force")[0]["data"], {"count": 1, "file": str(folder / "mutes.yaml")})
    d.stop()
    equal(len(d.events("mute_added")), 2)


def test_the_dashboard_knows_what_is_muted(daemon, folder):
    (folder / "lksm.yaml").write_text("")
    d = daemon("--config", str(folder / "lksm.yaml"), dashboard=True).start()

    def mutes():
        return json.loads(d.get("/api/v1/mutes"))["mutes"]

    d.append(record(0, LOADED.format("a")))
    d.wait_events(1)
    equal(mutes(), [])
    mute(folder, "--type", "module_*", "--data", "module=nf_tables", "--reason", 'a "known" one\u2028')
    d.wait_events(1, "mute_added")
    (one,) = mutes()
    equal({k: one[k] for k in ("id", "type", "data", "reason")},
          {"id": 1, "type": ["module_*"], "data": ["module=nf_tables"], "reason": 'a "known" one\u2028'})
    mute(folder, "--rule", "b")
    d.wait_events(2, "mute_added")
    equal([m["id"] for m in mutes()], [1, 2])
    (folder / "mutes.yaml").write_text("mutes: nonsense")
    d.wait_events(1, "config_rejected")
    equal([m["id"] for m in mutes()], [1, 2])
    (folder / "mutes.yaml").unlink()
    d.wait_events(2, "mute_removed")
    equal(mutes(), [])
    mute(folder, "--source", "c")
    d.wait_events(3, "mute_added")
    d.stop()
    d.start()
    d.wait_events(1, "mutes_in_force")
    equal([m["source"] for m in mutes()], [["c"]])
    assert "log_tampered" in json.loads(d.get("/api/v1/mutes"))["protected"]
    d.stop()


def test_who_mutes_behind_a_link_is_told(daemon, folder):
    (folder / "lksm.yaml").write_text("")
    (folder / "elsewhere").mkdir()
    real = folder / "elsewhere" / "real.yaml"
    real.write_text("mutes: []\n")
    (folder / "mutes.yaml").symlink_to(real)
    d = daemon("--config", str(folder / "lksm.yaml")).start()
    d.append(record(0, LOADED.format("a")))
    d.wait_events(1)
    real.write_text("mutes:\n  - {id: 1, type: a}\n")
    equal(d.wait_events(1, "mute_added")[0]["data"], {"id": 1, "what": "type=a"})
    real.write_text("mutes: []\n")
    equal(d.wait_events(1, "mute_removed")[0]["data"]["id"], 1)
    d.stop()


def test_who_watches_does_not_see_it_but_for_asking(daemon, folder):
    (folder / "lksm.yaml").write_text("")
    d = daemon("--config", str(folder / "lksm.yaml")).start()
    d.append(record(0, LOADED.format("a")))
    d.append(record(1, alerts.HIGH))
    d.wait_events(1, "suspicious_probe")
    d.stop()
    mute(folder, "--type", "module_loaded")
    assert "module_loaded" in shown(d, "query")
    follow = [LKSM, "follow", "--config", str(folder / "lksm.yaml"), "--log-dir", str(d.logs), "--json"]
    for option, want in ((), False), (("--muted",), True):
        process = subprocess.Popen([*follow, *option], stdout=subprocess.PIPE, text=True)
        seen = []
        while not seen or seen[-1] != "suspicious_probe":
            seen.append(json.loads(process.stdout.readline())["type"])
        process.terminate()
        process.wait()
        equal("module_loaded" in seen, want)
    for option, want in ((), False), (("--muted",), True):
        done = subprocess.run([LKSM, "top", "--config", str(folder / "lksm.yaml"), "--log-dir", str(d.logs),
                               "--since", "2000-01-01", *option], capture_output=True, text=True, check=True)
        equal("module_loaded" in done.stdout, want)


def test_what_cannot_be_muted_is_refused(_, folder):
    (folder / "lksm.yaml").write_text("")
    for arguments, want in (
            (("--type", "sensor_gone"), "sensor_gone cannot be muted"),
            (("--type", "a,log_*"), "cannot be muted"),
            (("--type", "*"), "cannot be muted"),
            (("--for", "1h"), "at least one of type, rule, source and data"),
            (("--type", "a", "--for", "soon"), "--for soon: no time such as"),
            (("--type", "a", "--for", "0d"), "--for 0d: no time such as"),
            (("--type", "a", "--for", "999999w"), "--for 999999w: no time such as"),
            (("--type", "a,!module_*"), "all but something cannot be"),
            (("--type", "a", "--data", "uid!=0"), "all but something cannot be"),
            (("--type", "a,,b"), "an empty word"),
            (("--data", "module"), "--data module: not KEY=VALUE"),
            (("--type", "a", "--reason", "\x1b[2J"), "without control characters"),
            (("--type", "a", "--list"), "mute takes what is to be muted, or --list, or --remove N"),
            (("--remove", "x"), "--remove x: not a number")):
        said = mute(folder, *arguments, status=2)
        assert want in said, (arguments, said)
    assert "nothing is muted" in mute(folder, "--list", status=1)
    assert "there is no mute 7" in mute(folder, "--remove", "7", status=1)
    assert not (folder / "mutes.yaml").exists()


def test_a_type_that_is_nearly_one_is_told(_, folder):
    (folder / "lksm.yaml").write_text("")
    for word, want in (("modul_loaded", "(did you mean 'module_loaded'?)"), ("module_loaded", None), ("mine", None),
                       ("modul_*", None)):
        said = mute(folder, "--type", word)
        equal("did you mean" in said, want is not None)
        assert "muted: " in said and (want or "") in said, said


def test_the_last_number_is_the_last(_, folder):
    (folder / "lksm.yaml").write_text("")
    (folder / "mutes.yaml").write_text("mutes:\n  - {id: 4294967295, type: a}\n")
    assert "the number 4294967295 is taken" in mute(folder, "--type", "b", status=2)
    assert "type=a" in mute(folder, "--list")


def test_many_at_once_lose_none(_, folder):
    (folder / "lksm.yaml").write_text("")
    started = [subprocess.Popen([LKSM, "mute", "--config", str(folder / "lksm.yaml"), "--type", f"t{i}"],
                                stdout=subprocess.DEVNULL) for i in range(20)]
    equal([process.wait() for process in started], [0] * 20)
    listed = mute(folder, "--list")
    for i in range(20):
        assert f"type=t{i} " in listed, listed
    equal(sorted(p.name for p in folder.iterdir()), ["lksm.yaml", "mutes.yaml", "mutes.yaml.lock"])


def test_nobody_else_can_hold_it_up(_, folder):
    """Who may read the folder may lock it."""
    (folder / "lksm.yaml").write_text("")
    fd = os.open(folder, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    subprocess.run([LKSM, "mute", "--config", str(folder / "lksm.yaml"), "--type", "a"], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)
    os.close(fd)
    equal(oct((folder / "mutes.yaml.lock").stat().st_mode & 0o777), "0o600")


def test_as_root_only_from_a_folder_that_is_roots(_, folder):
    if os.geteuid():
        return
    (folder / "lksm.yaml").write_text(f"mutes: {folder}/open/mutes.yaml\n")
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    assert "can be written by others than root" in mute(folder, "--type", "a", status=2)


if __name__ == "__main__":
    main(globals())
