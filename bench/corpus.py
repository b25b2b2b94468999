#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A made-up kernel log, the same for the same seed, in either of two forms.

    corpus.py --lines N [--seed S] [--form dmesg|kmsg] FILE

dmesg: what `dmesg --decode` prints; kmsg: raw /dev/kmsg records. One line in ten is the
sensor's, the others have the shapes of a busy server's, 145 bytes on average. FILE.truth
gets the number of events of each type as JSON. Texts are drawn from a pool that is made
first, so that millions of lines take seconds; each has a stamp of its own.
"""
import argparse
import collections
import itertools
import json
import random

SYMBOLS = ("do_init_module", "kallsyms_lookup_name", "commit_creds", "prepare_kernel_cred",
           "vfs_read", "__x64_sys_kill", "__x64_sys_getdents64", "tcp4_seq_show", "filldir64",
           "security_file_open", "do_sys_openat2", "ftrace_set_hash")
MODULES = ("nf_tables", "btrfs", "loop", "wireguard", "veth", "overlay", "kvm_amd", "zram")
PROGRAMS = ("bash", "sshd", "nginx", "python3", "java", "postgres", "systemd-udevd", "chrome")
LIBRARIES = ("libc.so.6", "libcrypto.so.3", "libjvm.so", "libpython3.11.so.1.0")
FUNCTIONS = ("do_syscall_64", "entry_SYSCALL_64_after_hwframe", "ksys_read", "vfs_read",
             "ext4_file_read_iter", "filemap_read", "handle_mm_fault", "load_module",
             "do_one_initcall", "ret_from_fork", "schedule")
PRODUCTS = ("USB Receiver", "Mass Storage Device", "G\u00fcnstige Kamera",
            "\u5149\u5b66\u9f20\u6807")
USB = ("SUBSYSTEM=usb", "DEVICE=c189:1")

# (how often, level, dictionary, text); the fields are drawn by Draw
NOISE = (
    (3, 6, USB, "usb {n1}-{n2}: new high-speed USB device number {n3} using xhci_hcd"),
    (3, 6, USB, "usb {n1}-{n2}: New USB device found, idVendor={x4}, idProduct={x4}, "
                "bcdDevice= {n1}.0{n2}"),
    (2, 6, USB, "usb {n1}-{n2}: Product: {product}"),
    (3, 6, USB, "usb {n1}-{n2}: USB disconnect, device number {n3}"),
    (4, 6, (), "EXT4-fs (sda{n1}): mounted filesystem {x8}-{x4}-{x4}-{x4}-{x12} r/w with ordered "
               "data mode. Quota mode: none."),
    (2, 4, (), "EXT4-fs error (device sdb{n1}): ext4_lookup:{n4}: inode #{n6}: comm {program}: "
               "deleted inode referenced: {n6}"),
    (8, 5, (), "audit: type=1400 audit(1760{n6}.{n3}:{n6}): apparmor=\"DENIED\" "
               "operation=\"open\" class=\"file\" profile=\"/usr/sbin/{program}\" "
               "name=\"/proc/{n5}/mem\" pid={n5} comm=\"{program}\" requested_mask=\"r\" "
               "denied_mask=\"r\" fsuid={n3} ouid=0"),
    (8, 5, (), "audit: type=1300 audit(1760{n6}.{n3}:{n6}): arch=c000003e syscall={n3} success=yes "
               "exit=0 a0={x12} a1={x12} a2={x4} a3=0 items={n1} ppid={n5} pid={n5} auid=1000 uid=0 "
               "gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts{n1} ses={n2} "
               "comm=\"{program}\" exe=\"/usr/bin/{program}\" subj=unconfined key=\"modules\""),
    (15, 4, (), "nft-drop: IN=eth0 OUT= MAC={x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:{x2}:"
                "{x2}:08:00 SRC={n2}.{n3}.{n1}.{n3} DST=10.0.{n1}.{n2} LEN={n3} TOS=0x00 PREC=0x00 "
                "TTL={n2} ID={n5} DF PROTO=TCP SPT={n5} DPT={n4} WINDOW={n5} RES=0x00 SYN URGP=0 "),
    (8, 6, (), "{program}[{n5}]: segfault at {x3} ip 00007f{x10} sp 00007ff{x9} error {n1} in "
               "{library}[7f{x7}000+{x3}000] likely on CPU {n1} (core {n1}, socket 0)"),
    (2, 3, (), "BUG: unable to handle page fault for address: ffff{x12}"),
    (3, 4, (), "CPU: {n1} PID: {n5} Comm: {program} Tainted: G           OE      6.1.0-{n2}-amd64 #1"
               "  Debian 6.1.{n2}-1"),
    (3, 4, (), "RAX: {x16} RBX: {x16} RCX: {x16}"),
    (8, 4, (), " {function}+0x{x2}/0x{x3}"),
    (4, 4, (), " ? {function}+0x{x2}/0x{x3} [{module}]"),
    (4, 6, ("SUBSYSTEM=pci", "DEVICE=+pci:0000:00:1f.6"),
     "e1000e 0000:00:1f.{n1} eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx"),
    (3, 6, (), "docker0: port {n2}(veth{x7}) entered forwarding state"),
    (4, 4, (), "perf: interrupt took too long ({n4} > {n4}), lowering "
               "kernel.perf_event_max_sample_rate to {n5}"),
    (3, 6, (), "{program} ({n5}): drop_caches: 3"),
    (4, 5, (), "Memory cgroup out of memory: Killed process {n5} ({program}) total-vm:{n6}kB, "
               "anon-rss:{n6}kB, file-rss:{n4}kB, shmem-rss:0kB, UID:1000 pgtables:{n4}kB "
               "oom_score_adj:{n3}"),
    (2, 7, (), "PM: path=C:\\x{n1} \x1b[31mred\x1b[0m tab\there PHOTON RING without brackets {n3}"),
    (3, 6, (), "[drm] GPU HANG: ecode 12:1:{x8}, in {program} [{n5}]"),
)
DAEMON = ("systemd[1]: Started {program}.service - {program} daemon.",
          "systemd[1]: {program}.service: Main process exited, code=killed, status=9/KILL")
SENSOR = (
    (60, "kprobe_registered", 6, "Kprobe registered for symbol: {symbol}"),
    (10, "suspicious_probe", 4, "SUSPICIOUS *** kallsyms_lookup_name probe detected!"),
    (5, "suspicious_probe", 4, "*** SUSPICIOUS *** probe on {symbol} by pid {n5} ({program})"),
    (15, "module_loaded", 4, "Module loaded: {module} by uid {n4}"),
    (7, "photon_ring_generic", 6, "Module unloaded: {module}"),
    (3, "photon_ring_generic", 6, "Hook installed at \"{symbol}\"\t+0x{x2} path=C:\\x"),
)
FACILITIES = {0: "kern", 3: "daemon"}
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
POOL_SIZE = 40000
CHUNK = 50000


class Draw:
    """The fields of a text: n3 is a number of at most three digits, x4 four hex digits."""
    LISTS = {"symbol": SYMBOLS, "module": MODULES, "program": PROGRAMS, "library": LIBRARIES,
             "function": FUNCTIONS, "product": PRODUCTS}

    def __init__(self, rng):
        self.rng = rng

    def __getitem__(self, name):
        if name in self.LISTS:
            return self.rng.choice(self.LISTS[name])
        size = int(name[1:])
        return (self.rng.randrange(10 ** size) if name[0] == "n" else
                f"{self.rng.getrandbits(4 * size):0{size}x}")


def draw_pool(rng, rows, size, draw):
    """@size rows, each as often as its first column says, its text filled in."""
    for *row, text in rng.choices(rows, weights=[row[0] for row in rows], k=size):
        yield (*row[1:], text.format_map(draw))


def texts(rng):
    """Yield (type or None, facility, level, dictionary, text), as many of each as its share."""
    draw = Draw(rng)
    for kind, level, text in draw_pool(rng, SENSOR, POOL_SIZE // 10, draw):
        yield kind, 0, level, (), "[PHOTON RING] " + text
    for level, keys, text in draw_pool(rng, NOISE, POOL_SIZE * 87 // 100, draw):
        yield None, 0, level, keys, text
    for _ in range(POOL_SIZE * 3 // 100):
        yield None, 3, 6, (), rng.choice(DAEMON).format_map(draw)


def escape_kernel(text):
    return "".join(chr(c) if 32 <= c < 127 and c != 92 else f"\\x{c:02x}"
                   for c in text.encode())


def escape_dmesg(text):
    return "".join(c if c.isprintable() or c == "\t" else
                   "".join(f"\\x{b:02x}" for b in c.encode()) for c in text)


def dmesg_parts(facility, level, _keys, text):
    return (f"{FACILITIES[facility]:<6}:{LEVELS[level]:<6}: [", "] " + escape_dmesg(text) + "\n")


def kmsg_parts(facility, level, keys, text):
    return (f"{facility * 8 + level},",
            ",-;" + escape_kernel(text) + "\n" + "".join(f" {key}\n" for key in keys))


def write(file, n, seed, is_kmsg):
    """Write @n records, some with the same stamp; return the number of each type."""
    rng = random.Random(seed)
    parts = kmsg_parts if is_kmsg else dmesg_parts
    pool = [(kind, *parts(*rest)) for kind, *rest in texts(rng)]
    counts = dict.fromkeys((None, *(row[1] for row in SENSOR)), 0)
    us = 0
    for first in range(0, n, CHUNK):
        size = min(n - first, CHUNK)
        stamps = list(itertools.accumulate(rng.choices(range(40000), k=size), initial=us))[1:]
        us = stamps[-1]
        drawn = rng.choices(pool, k=size)
        for kind, count in collections.Counter(kind for kind, _, _ in drawn).items():
            counts[kind] += count
        if is_kmsg:
            file.writelines([f"{before}{seq},{stamp}{behind}" for seq, stamp, (_, before, behind)
                             in zip(itertools.count(first), stamps, drawn)])
        else:
            file.writelines(["%s%5d.%06d%s" % (before, *divmod(stamp, 1000000), behind)
                             for stamp, (_, before, behind) in zip(stamps, drawn)])
    del counts[None]
    return {"records": n, **counts}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=("dmesg", "kmsg"), default="dmesg")
    parser.add_argument("file")
    a = parser.parse_args()
    with open(a.file, "w", encoding="utf-8", newline="\n") as f:
        truth = write(f, a.lines, a.seed, a.form == "kmsg")
    with open(a.file + ".truth", "w", encoding="utf-8") as f:
        json.dump(truth, f)


if __name__ == "__main__":
    main()
