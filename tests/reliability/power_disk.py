# SPDX-License-Identifier: Apache-2.0
"""What may be left on a disk when the power fails, by what a program had done until then.

The program's calls come from power.c. What was not synced since may be on the disk or not,
page by page and name by name, as it was at any moment between: POSIX promises no more, and
ext4, XFS and btrfs have each made some of it true. A file's name is on the disk once its folder is
synced, its bytes and its length once the file is. A page is 4096 bytes, and may be torn between
its sectors of 512; a length that got there before the bytes did shows zeros.
"""
import random
import struct
import sys

PAGE, SECTOR = 4096, 512
(NONE, OPEN, WRITE, SIZE, ROOM, SYNC, RENAME, UNLINK, MKDIR, SHOWN) = range(10)
HEADER = struct.Struct("=QQ")
ENTRY = struct.Struct("=IHHQQQQQ")
O_CREAT, O_EXCL, O_TRUNC = 0o100, 0o200, 0o1000


class Call:
    """One entry of the record."""

    def __init__(self, data, at):
        (self.size, self.kind, names, self.time_us, self.dir, self.file, self.at,
         n) = ENTRY.unpack_from(data, at)
        self.begin = at
        at += ENTRY.size
        self.data = data[at:at + n]
        self.names = data[at + n:at + n + names].decode().split("\0")[:-1]


def make_record(path, size):
    with open(path, "wb") as f:
        f.write(HEADER.pack(HEADER.size, 0))
        f.truncate(size)


def used_of(path):
    """How far the record is."""
    with open(path, "rb") as f:
        return HEADER.unpack(f.read(HEADER.size))[0]


def kill_at_sync(path):
    """The next process that syncs a file's data is killed before it does."""
    with open(path, "r+b", buffering=0) as f:
        f.seek(8)
        f.write((1).to_bytes(8, sys.byteorder))


def read_calls(path):
    """All of a record, in the order in which they happened."""
    used = used_of(path)
    with open(path, "rb") as f:
        data = f.read(used)
    calls, at = [], HEADER.size
    while at < used:
        calls.append(Call(data, at))
        assert calls[-1].size, "the record is torn"
        at += calls[-1].size
    return [c for c in calls if c.kind != NONE]


class File:
    """Bytes that are on the disk for sure, and what was done to them since."""

    def __init__(self, is_whole=False):
        self.is_whole = is_whole
        self.synced = b""
        self.pending = []  # (where in the record, offset, data) or (where, size, None)
        self.now = bytearray()

    def do(self, where, at, data):
        self.pending.append((where, at, data))
        apply(self.now, at, data)

    def sync(self, begin):
        """What was done before @begin is on the disk."""
        done = [p for p in self.pending if p[0] < begin]
        self.pending = self.pending[len(done):]
        bytes_ = bytearray(self.synced)
        for _, at, data in done:
            apply(bytes_, at, data)
        self.synced = bytes(bytes_)

    def after(self, n, is_torn=False):
        """As it was when @n of what was done since was done; torn: and half of the next."""
        if n == len(self.pending) and not is_torn:
            return bytes(self.now)
        now = bytearray(self.synced)
        for _, at, data in self.pending[:n]:
            apply(now, at, data)
        if is_torn:
            _, at, data = self.pending[n]
            apply(now, at, data and data[:len(data) // 2])
        return bytes(now)


def apply(now, at, data):
    if data is None:  # a length
        if at < len(now):
            del now[at:]
        now.extend(bytes(at - len(now)))
        return
    if at > len(now):
        now.extend(bytes(at - len(now)))
    now[at:at + len(data)] = data


class Disk:
    """All files and folders below one folder, call by call."""

    def __init__(self, root, inodes, whole=()):
        """@root: path of a folder that is there; @inodes: of folders, by their path; @whole:
        names of files whose pages are not torn."""
        self.root, self.whole = root, whole
        self.path_of = {inode: path for path, inode in inodes.items()}
        self.names = {}  # path: File, or None for a folder; as of now
        self.durable = {}  # the same, as it is on the disk
        self.pending = []  # (where, folder, [(path, File, or None, or DELETED)])
        self.files = {}  # inode: File

    def do(self, call):
        if call.kind == MKDIR:
            path = call.names[0]
            if path.startswith(self.root + "/"):
                self.rename(call, path.rpartition("/")[0], [(path, None)])
        elif call.kind == SYNC:
            self.sync(call)
        elif call.kind in (OPEN, RENAME, UNLINK):
            folder = self.path_of.get(call.dir)
            if folder is not None:
                self.do_name(call, folder, [f"{folder}/{n}" for n in call.names])
        elif call.kind in (WRITE, SIZE, ROOM) and call.file in self.files:
            self.do_bytes(call, self.files[call.file])

    def do_bytes(self, call, file):
        if call.kind == WRITE:
            file.do(call.begin, call.at, call.data)
        elif call.kind == SIZE or call.at > len(file.now):
            file.do(call.begin, call.at, None)

    def do_name(self, call, folder, paths):
        if call.kind == OPEN:
            if paths[0] not in self.names or call.at & O_EXCL:
                self.files[call.file] = File(call.names[0] in self.whole)
                self.rename(call, folder, [(paths[0], self.files[call.file])])
            elif call.at & O_TRUNC:
                self.names[paths[0]].do(call.begin, 0, None)
        elif call.kind == RENAME:
            self.rename(call, folder, [(paths[1], self.names[paths[0]]), (paths[0], DELETED)])
        else:
            self.rename(call, folder, [(paths[0], DELETED)])

    def rename(self, call, folder, changes):
        self.pending.append((call.begin, folder, changes))
        change(self.names, changes)

    def sync(self, call):
        if call.file in self.files:
            self.files[call.file].sync(call.at)
        folder = self.path_of.get(call.file)
        left = []
        for where, in_folder, changes in self.pending:
            if in_folder == folder and where < call.at:
                change(self.durable, changes)
            else:
                left.append((where, in_folder, changes))
        self.pending = left


DELETED = object()


def change(names, changes):
    for path, file in changes:
        if file is DELETED:
            names.pop(path, None)
        else:
            names[path] = file


# ---- what is left ----

def kept_names(disk, keep):
    """The names, with those changes that keep() says; a name's changes stay in order."""
    names, stuck = dict(disk.durable), set()
    for _, __, changes in disk.pending:
        paths = {path for path, _ in changes}
        if stuck & paths or not keep():
            stuck |= paths
        else:
            change(names, changes)
    return names


def in_folders_that_are(names, root):
    """Without what is in folders whose own name is lost."""
    def is_there(path):
        parent = path.rpartition("/")[0]
        return parent == root or (parent in names and is_there(parent))
    return {path: file for path, file in names.items() if is_there(path)}


def leave(disk, keep_name, content):
    """{path: bytes, or None for a folder}"""
    names = in_folders_that_are(kept_names(disk, keep_name), disk.root)
    return {path: file and content(file) for path, file in names.items()}


def mixed(file, rng):
    """Each page, and the length, as at one of some moments since the file was synced."""
    n = len(file.pending)
    if not n:
        return file.synced
    moments = [file.after(0), file.after(n), file.after(rng.randrange(n + 1)),
               file.after(rng.randrange(n), is_torn=True)]
    return puzzle(len(rng.choice(moments)), moments, PAGE, rng)


def in_sectors(file, rng):
    """Each sector as before what was done since the file was synced, or as after it."""
    grain = PAGE if file.is_whole else SECTOR
    return puzzle(len(file.now), (file.synced, all_of(file)), grain, rng)


def puzzle(size, versions, grain, rng):
    out = bytearray(size)
    for at in range(0, size, grain):
        piece = rng.choice(versions)[at:min(at + grain, size)]
        out[at:at + len(piece)] = piece
    return bytes(out)


def with_hole(file, rng):
    """One page that was changed since is as it was; the rest is all there."""
    now, before = file.after(len(file.pending)), file.synced
    old, new = ([v[at:at + PAGE] for at in range(0, len(now), PAGE)] for v in (before, now))
    changed = [i for i, page in enumerate(new) if i >= len(old) or old[i] != page]
    if not changed:
        return now
    at = rng.choice(changed) * PAGE
    out = bytearray(now)
    size = min(PAGE, len(now) - at)
    out[at:at + size] = before[at:at + size].ljust(size, b"\0")
    return bytes(out)


def zeros(file):
    """The length is there, the bytes are not."""
    return file.synced.ljust(len(file.now), b"\0")[:len(file.now)]


def torn(file):
    """All is there, but of the last write half."""
    n = len(file.pending)
    return file.after(n - 1, is_torn=True) if n else file.synced


def all_of(file):
    return file.after(len(file.pending))


def at_once(file, rng):
    """Up to some moment everything, and nothing that came then."""
    return file.after(rng.randrange(len(file.pending) + 1))


def some_names(rng):
    share = rng.choice((0.0, 0.5, 1.0))
    return lambda: rng.random() < share


VARIANTS = {
    "all": lambda disk, rng: leave(disk, lambda: True, all_of),
    "nothing since the last sync": lambda disk, rng: leave(disk, lambda: False, lambda f: f.synced),
    "names only": lambda disk, rng: leave(disk, lambda: True, lambda f: f.synced),
    "zeros": lambda disk, rng: leave(disk, lambda: True, zeros),
    "torn": lambda disk, rng: leave(disk, lambda: True, torn),
    "hole": lambda disk, rng: leave(disk, lambda: True, lambda f: with_hole(f, rng)),
    "files apart": lambda disk, rng: leave(disk, some_names(rng), lambda f: at_once(f, rng)),
    "sectors apart": lambda disk, rng: leave(disk, lambda: True, lambda f: in_sectors(f, rng)),
    "pages apart": lambda disk, rng: leave(disk, some_names(rng), lambda f: mixed(f, rng)),
}


def left_of(disk, variant, seed):
    return VARIANTS[variant](disk, random.Random(f"{variant} {seed}"))
