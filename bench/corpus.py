#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A made-up kernel log, the same for the same seed, in either of two forms.

    corpus.py --lines N [--seed S] [--form dmesg|kmsg] FILE

dmesg: what `dmesg --decode` prints; kmsg: raw /dev/kmsg records. One line in ten is the
sensor's. FILE.truth gets the number of events of each type as JSON.
"""
import argparse
import json
import random

SYMBOLS = ("do_init_module", "kallsyms_lookup_name", "commit_creds", "vfs_read", "__x64_sys_kill")
MODULES = ("nf_tables", "btrfs", "loop", "wireguard", "veth")
NOISE = (
    "usb {a}-{b}: new high-speed USB device number {c} using xhci_hcd",
    "EXT4-fs (sda{a}): mounted filesystem with ordered data mode. Quota mode: none.",
    "audit: type=1400 audit(17{c}.{b}:{a}): apparmor=\"DENIED\" operation=\"open\" pid={c}",
    "nft-drop: IN=eth0 OUT= SRC=10.0.{a}.{b} DST=10.1.{b}.{a} LEN={c} PROTO=TCP DPT=22",
    "python3[{c}]: segfault at {a} ip 00007f sp 00007f error {b} in libc.so.6[7f00+1000]",
    " ? do_syscall_64+0x{b}/0x{c}",
    "usb {a}-{b}: Product: G\u00fcnstige Kamera \u5149\u5b66\u9f20\u6807",
    "path=C:\\x{a}\\n tab\there esc \x1b[31m{b}\x1b[0m",
    "[drm] PHOTON RING without brackets {c}",
)
FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news")
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")


def sensor_line(rng):
    pick = rng.random()
    if pick < 0.6:
        return "kprobe_registered", f"Kprobe registered for symbol: {rng.choice(SYMBOLS)}"
    if pick < 0.75:
        return "suspicious_probe", "SUSPICIOUS *** kallsyms_lookup_name probe detected!"
    if pick < 0.9:
        return "module_loaded", f"Module loaded: {rng.choice(MODULES)} by uid {rng.randrange(2000)}"
    return "photon_ring_generic", f"Module unloaded: {rng.choice(MODULES)}"


def records(n, seed):
    """Yield (type or None, facility, level, microseconds, text)."""
    rng = random.Random(seed)
    us = 0
    for _ in range(n):
        us += rng.randrange(100000)
        if rng.random() < 0.1:
            kind, text = sensor_line(rng)
            yield kind, 0, 6, us, "[PHOTON RING] " + text
            continue
        text = rng.choice(NOISE).format(a=rng.randrange(9), b=rng.randrange(256),
                                        c=rng.randrange(100000))
        yield None, rng.choice((0, 0, 0, 3)), rng.randrange(8), us, text


def escape_kernel(text):
    return "".join(chr(c) if 32 <= c < 127 and c != 92 else f"\\x{c:02x}"
                   for c in text.encode())


def escape_dmesg(text):
    return "".join(c if c.isprintable() or c == "\t" else
                   "".join(f"\\x{b:02x}" for b in c.encode()) for c in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=("dmesg", "kmsg"), default="dmesg")
    parser.add_argument("file")
    a = parser.parse_args()
    truth = {"records": a.lines}
    with open(a.file, "w", encoding="utf-8", newline="\n") as f:
        for seq, (kind, facility, level, us, text) in enumerate(records(a.lines, a.seed)):
            if kind:
                truth[kind] = truth.get(kind, 0) + 1
            if a.form == "kmsg":
                f.write(f"{facility * 8 + level},{seq},{us},-;{escape_kernel(text)}\n")
                if text.startswith("usb"):
                    f.write(" SUBSYSTEM=usb\n DEVICE=c189:1\n")
            else:
                f.write(f"{FACILITIES[facility]:<6}:{LEVELS[level]:<6}: "
                        f"[{us // 1000000:5}.{us % 1000000:06}] {escape_dmesg(text)}\n")
    with open(a.file + ".truth", "w", encoding="utf-8") as f:
        json.dump(truth, f)


if __name__ == "__main__":
    main()
