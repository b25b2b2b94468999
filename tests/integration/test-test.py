#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""script/test: what failed beside others runs once more, as it ran first. TAP."""
import shutil
import subprocess

from lksm_test import ROOT, equal, main

UNSTEADY = """#!/bin/sh
[ "$CMOCKA_MESSAGE_OUTPUT" = TAP ] && [ "$LKSM_SOURCE_ROOT" = "$PWD" ] || exit 3
echo 1..1
[ -e seen ] && echo "ok 1 - one" || echo "not ok 1 - one"
: >seen
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_a_unit_test_runs_once_more(_, folder):
    for name in ("bootstrap", "build"):
        write(folder / "script" / name, "#!/bin/sh\n")
    for name in ("test", "tap"):
        shutil.copy(ROOT / "script" / name, folder / "script" / name)
    write(folder / "build" / "tests" / "test-unsteady", UNSTEADY)
    done = subprocess.run(["script/test", "unit"], cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()
    equal((done.returncode, said[-1]), (0, "2 passed, 0 failed"))  # the build is one
    assert "UNSTEADY: gcc-test-unsteady failed beside others, and passed alone (see above)" in said, said


if __name__ == "__main__":
    main(globals())
