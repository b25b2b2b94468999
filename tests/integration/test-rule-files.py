#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rule file that is saved is in force, or refused, without a signal. TAP."""
import signal

from lksm_test import equal, main, record

RULE = ("rules:\n  - id: mine\n    match: 'hello {{who}}'\n    type: {}\n    severity: {}\n"
        "    examples:\n      - line: 'hello world'\n")


def test_a_rule_file_that_is_saved_is_in_force(daemon, folder):
    rules = folder / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text(RULE.format("one", "info"))
    d = daemon("--rules", str(rules), dashboard=True).start()
    d.append(record(0, "[PHOTON RING] hello a"))
    d.wait_events(1, "one")
    (rules / "a.yaml").write_text(RULE.format("two", "info"))
    equal(d.wait_events(1, "config_reloaded")[0]["data"], {"rules": "1 rules"})
    d.append(record(1, "[PHOTON RING] hello b"))
    equal(d.wait_events(1, "two")[0]["stream_seq"], 1)
    (rules / "a.yaml").write_text(RULE.format("three", "hgih"))
    error = d.wait_events(1, "config_rejected")[0]["data"]["error"]
    assert error.endswith("a.yaml:5:15: unknown severity 'hgih' (did you mean 'high'?)"), error
    d.append(record(2, "[PHOTON RING] hello c"))
    d.wait_events(2, "two")
    (rules / ".new").write_text(RULE.format("four", "info"))  # as an editor does it
    (rules / ".new").rename(rules / "a.yaml")
    d.wait_events(2, "config_reloaded")
    d.append(record(3, "[PHOTON RING] hello d"))
    d.wait_events(1, "four")
    (rules / "a.yaml").write_text(RULE.format("four", "info"))  # the same again: nothing follows
    (rules / "b.yaml").write_text(RULE.format("five", "info").replace("mine", "other"))
    equal(d.wait_events(3, "config_reloaded")[2]["data"], {"rules": "2 rules"})
    (rules / "a.yaml").unlink()
    d.wait_events(4, "config_reloaded")
    d.append(record(4, "[PHOTON RING] hello e"))
    d.wait_events(1, "five")
    equal(d.events("records_lost") + d.events("process_restarted"), [])
    d.check_seqs()
    d.stop()


def test_a_pack_that_is_on_is_watched_the_configuration_is_not(daemon, folder):
    (folder / "rules" / "available").mkdir(parents=True)
    pack = folder / "rules" / "available" / "20-mine.yaml"
    pack.write_text(RULE.format("one", "info"))
    (folder / "lksm.yaml").write_text("rules: {enable: [mine]}\nhost: first\n")
    d = daemon("--rules", str(folder / "rules"), "--config", str(folder / "lksm.yaml")).start()
    d.append(record(0, "[PHOTON RING] hello a"))
    equal(d.wait_events(1, "one")[0]["host"], "first")
    (folder / "lksm.yaml").write_text("rules: {enable: [mine]}\nhost: second\n")
    pack.write_text(RULE.format("two", "info"))
    d.wait_events(1, "config_reloaded")
    d.append(record(1, "[PHOTON RING] hello b"))
    equal(d.wait_events(1, "two")[0]["host"], "first")
    (folder / "lksm.yaml").write_text("rules: {enable: []}\n")
    (folder / "rules" / "a.yaml").write_text(RULE.format("three", "info").replace("mine", "other"))
    error = d.wait_events(1, "config_rejected")[0]["data"]["error"]
    assert error.startswith("rules.dirs or rules.enable was changed, too"), error
    d.append(record(2, "[PHOTON RING] hello c"))
    d.wait_events(2, "two")
    d.process.send_signal(signal.SIGHUP)
    d.wait_events(2, "config_reloaded")
    d.append(record(3, "[PHOTON RING] hello d"))
    d.wait_events(1, "three")
    d.stop()


if __name__ == "__main__":
    main(globals())
