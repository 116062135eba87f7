"""packaging/setup while a mirror is in the middle of an update (os-integration pitfall 37): it asks again, and
gives up with a line that says what failed."""

import os
import subprocess

from lab import Lab, repository

# A machine that lacks one package, and a mirror that is whole again after so many calls.
APT_GET = """#!/bin/sh
echo "$*" >> {log}
[ "$1" != update ] || exit 0
[ "$(grep -c install {log})" -gt {broken} ] || {{
  echo 'E: Failed to fetch http://mirror/ninja-build.deb  File has unexpected size (122 != 120). Mirror sync in progress?' >&2
  exit 100
}}
"""
DPKG_QUERY = """#!/bin/sh
case "$*" in *ninja-build) echo not-installed ;; *) echo installed ;; esac
"""


def set_up(folder, broken):
    folder.mkdir()
    log = folder / "apt.log"
    for name, text in (("apt-get", APT_GET.format(log=log, broken=broken)), ("dpkg-query", DPKG_QUERY),
                       ("sleep", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    done = subprocess.run([repository() / "packaging/setup", "build"], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    return done, log.read_text().split("\n")[:-1]


def test_a_mirror_in_the_middle_of_an_update_is_asked_again():
    with Lab() as lab:
        done, calls = set_up(lab.dir / "twice", broken=2)
        assert done.returncode == 0, done.stderr
        assert [call.split()[0] for call in calls] == ["update", "install"] * 3, "with fresh lists each time"
        assert all("ninja-build" in call for call in calls if call.startswith("install"))

        done, calls = set_up(lab.dir / "always", broken=100)
        assert done.returncode == 1 and len(calls) == 6
        assert done.stderr.endswith("packaging/setup: apt-get failed three times\n")
