#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shape of what LKSM replaces, to measure against: the text that dmesg prints is split
into lines, a regular expression finds the sensor's, json.dumps writes them.

    original.py FILE OUT	a saved text
    original.py - OUT		`dmesg --decode` ten times a second, until it is killed
"""
import json
import re
import subprocess
import sys
import time

LINE = re.compile(r"\[\s*(\d+\.\d+)\]\s+\[PHOTON RING\]\s+(.*)")
KPROBE = re.compile(r"Kprobe registered for symbol: (\S+)")


def to_event(seq, ts, text):
    kprobe = KPROBE.search(text)
    if "SUSPICIOUS" in text:
        kind, data, severity = "suspicious_probe", {"message": text}, "high"
    elif kprobe:
        kind, data, severity = "kprobe_registered", {"symbol": kprobe.group(1)}, "info"
    else:
        kind, data, severity = "photon_ring_generic", {"message": text}, "info"
    return {"seq": seq, "ts": ts, "type": kind, "data": data, "severity": severity,
            "source": "kprobe_reader"}


def log(text, out, seq, newest):
    for line in text.splitlines():
        match = LINE.search(line)
        if match and float(match.group(1)) > newest:
            newest = float(match.group(1))
            out.write(json.dumps(to_event(seq, newest, match.group(2))) + "\n")
            seq += 1
    out.flush()
    return seq, newest


def main():
    seq, newest = 0, -1.0
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        if sys.argv[1] != "-":
            with open(sys.argv[1], encoding="utf-8") as f:
                log(f.read(), out, seq, newest)
            return
        while True:
            text = subprocess.run(["dmesg", "--decode"], capture_output=True, text=True, check=True)
            seq, newest = log(text.stdout, out, seq, newest)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
