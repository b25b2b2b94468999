#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""script/test: what failed beside others runs once more, as it ran first; nothing that it
started outlives it. TAP.
"""
import os
import shutil
import subprocess

from lksm_test import ROOT, equal, main, read_plain, wait_for

UNSTEADY = """#!/bin/sh
[ "$CMOCKA_MESSAGE_OUTPUT" = TAP ] && [ "$LKSM_SOURCE_ROOT" = "$PWD" ] || exit 3
echo 1..1
[ -e seen ] && echo "ok 1 - one" || echo "not ok 1 - one"
: >seen
"""

GUEST = """#!/bin/sh
timeout 1000 sh -c 'echo $$ >guest; exec sleep 1000'
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def checkout(folder, build="#!/bin/sh\n"):
    """Of a checkout, script/test and what it needs."""
    for name, text in (("bootstrap", "#!/bin/sh\n"), ("build", build), ("package", "#!/bin/sh\n")):
        write(folder / "script" / name, text)
    for name in ("test", "tap"):
        shutil.copy(ROOT / "script" / name, folder / "script" / name)


def test_a_unit_test_runs_once_more(_, folder):
    checkout(folder)
    write(folder / "build" / "tests" / "test-unsteady", UNSTEADY)
    done = subprocess.run(["script/test", "unit"], cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()
    equal((done.returncode, said[-1]), (0, "2 passed, 0 failed"))  # the build is one
    assert "UNSTEADY: gcc-test-unsteady failed beside others, and passed alone (see above)" in said, said


def with_a_guest(folder, build):
    """script/test beside a guest that does not end, and whose pid comes out of a FIFO."""
    checkout(folder, build)
    write(folder / "tests/vm/run", GUEST)
    os.mkfifo(folder / "guest")
    return subprocess.Popen(["script/test", "vm", "sanitizers"], cwd=folder, stdout=subprocess.DEVNULL)


def wait_gone(pid):
    wait_for(lambda: not read_plain(f"/proc/{pid.strip()}/cmdline"), "the guest's end")


def test_a_failed_build_ends_the_guests(_, folder):
    with with_a_guest(folder, '#!/bin/sh\n[ "$1" = build ] || ! cat guest >pid\n') as run:
        equal(run.wait(), 1)
    wait_gone((folder / "pid").read_text())


def test_who_interrupts_it_ends_the_guests(_, folder):
    os.mkfifo(folder / "never")
    with with_a_guest(folder, '#!/bin/sh\n[ "$1" = build ] || exec cat never\n') as run:
        pid = (folder / "guest").read_text()
        run.terminate()
        equal(run.wait(), 130)
    wait_gone(pid)


if __name__ == "__main__":
    main(globals())
