#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is in packaging/ without installing it: one version, a tarball that is always the same."""
import hashlib
import os
import re
import shutil
import subprocess

from lksm_test import LKSM, ROOT, Skip, equal, main

GIT = ["git", "-c", "safe.directory=*", "-c", "user.name=x", "-c", "user.email=x@x"]


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def run(*command, cwd, env=None, umask=-1):
    return subprocess.run(command, cwd=cwd, env=os.environ | (env or {}), umask=umask, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def commit_of_this_tree(folder):
    """A checkout whose one commit has what this tree has."""
    names = run(*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, names.split("\0")):
        source = ROOT / name
        if source.is_symlink() or source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name, follow_symlinks=False)
    run(*GIT, "init", "-q", cwd=folder)
    run(*GIT, "add", "-A", cwd=folder)
    run(*GIT, "commit", "-q", "-m", "x", cwd=folder)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_tarball_has_the_same_bytes_each_time(_, folder):
    """From another clone, in another time zone, with another umask and other times of files."""
    need("git", "gzip", "tar")
    one, other = folder / "one", folder / "other"
    one.mkdir()
    commit_of_this_tree(one)
    run(*GIT, "clone", "-q", str(one), str(other), cwd=folder)
    for path in other.iterdir():
        os.utime(path, (0, 0))
    first, second = folder / "first.tar.gz", folder / "second.tar.gz"
    run("script/dist", str(first), cwd=one, env={"TZ": "UTC"}, umask=0o022)
    run("script/dist", str(second), cwd=other, env={"TZ": "Asia/Tokyo", "GZIP": ""}, umask=0o077)
    equal(digest(first), digest(second))
    listed = run("tar", "--numeric-owner", "-tvzf", str(first), cwd=folder).splitlines()
    assert any(line.endswith("/meson.build") for line in listed), listed[:5]
    strangers = [x for x in listed if x.split()[1] != "0/0" or "build/" in x.split()[-1]]
    equal(strangers, [])


def find(path, pattern):
    return re.search(pattern, (ROOT / path).read_text(), re.M)[1]


def test_there_is_one_version(_, __):
    version = find("meson.build", r"^\tversion: '(.*)',")
    equal(find("kernel/dkms.conf", r'^PACKAGE_VERSION="(.*)"'), version)
    equal(find("packaging/debian/changelog", r"^lksm \((.*)\)"), version)
    equal(find("packaging/rpm/lksm.spec", r"^Version: +(\S+)"), version)
    equal(set(re.findall(r"photon-ring-(\S+?)[/\s]", (ROOT / "packaging/debian/lksm-dkms.install").read_text())),
          {version})


def loaded_libraries():
    """{soname: Debian's package} of what is not linked but loaded (base/library.h)."""
    found = {}
    for path in (ROOT / "src").rglob("*.c"):
        for package, soname in re.findall(r'^LIBRARY_DEFINE\([^"]*"([^"]+)",\s*"([^"]+)"',
                                          path.read_text(), re.M):
            found[soname] = package
    return found


def test_what_is_loaded_is_installed(_, __):
    """The tools that make packages see only what is linked: these are named by hand."""
    need("dpkg")
    libraries = loaded_libraries()
    assert len(libraries) >= 5, libraries
    stanza = find("packaging/debian/control", r"(?s)^Package: lksm\n(.*?)\n\n")
    named = set(re.findall(r"[a-z0-9.+-]{3,}", stanza))
    equal(sorted(set(libraries.values()) - named), [])
    for soname, package in libraries.items():
        owner = run("dpkg", "-S", f"*/{soname}", cwd=ROOT).split(":")[0]
        equal((soname, owner), (soname, package))


def test_libraries_are_looked_for_where_the_system_has_them(_, __):
    need("readelf")
    said = run("readelf", "-d", LKSM, cwd=ROOT)
    assert "(NEEDED)" in said, said
    equal(re.findall(r"\((?:RPATH|RUNPATH)\).*", said), [])


def test_the_units_are_valid(_, folder):
    """systemd's own word on them, with a program at the path that they name."""
    need("systemd-analyze")
    units = [*ROOT.glob("packaging/systemd/*.service"), *ROOT.glob("packaging/systemd/*.socket"),
             *ROOT.glob("packaging/sensor/*.service")]
    assert len(units) >= 5, units
    for unit in units:
        text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", unit.read_text(), flags=re.M)
        (folder / unit.name).write_text(text)
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", *(u.name for u in units)], cwd=folder,
                          env=os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ours = [x for x in said.stdout.splitlines() if any(u.name in x for u in units)]
    equal(ours, [])


def test_the_rpm_spec_is_valid(_, folder):
    need("rpmspec")
    said = run("rpmspec", "-q", "--qf", "%{name}-%{version}\n", "--define", f"_topdir {folder}",
               str(ROOT / "packaging/rpm/lksm.spec"), cwd=folder)
    version = find("meson.build", r"^\tversion: '(.*)',")
    equal(sorted(said.split()), [f"lksm-{version}", f"lksm-dkms-{version}"])


# What Fedora's rpm knows and Debian's does not. Compiling is tried elsewhere: the program is taken as
# it was built.
MACROS = """%_unitdir /usr/lib/systemd/system
%_sysusersdir /usr/lib/sysusers.d
%_tmpfilesdir /usr/lib/tmpfiles.d
%_usrsrc /usr/src
%_vpath_builddir rpm-build
%debug_package %{nil}
%__os_install_post %{nil}
%meson meson setup --prefix=/usr --buildtype=plain %{_vpath_builddir} >/dev/null
%meson_build() test "$(meson introspect --targets %{_vpath_builddir} | grep -c '"name": "%1"')" = 1 && cp "$LKSM" %{_vpath_builddir}/%1
%sysusers_create_compat() test -s %1
%tmpfiles_create() systemd-tmpfiles --create %*
%systemd_post() systemctl preset %*
%systemd_preun() systemctl disable --now %*
%systemd_postun_with_restart() systemctl try-restart %*
"""


def rpm(folder, *command):
    return run(*command, cwd=folder, env={"HOME": str(folder), "LKSM": LKSM}).splitlines()


def build_rpms(folder):
    """{name: path} of what script/dist's tarball becomes."""
    tree, top = folder / "tree", folder / "rpmbuild"
    tree.mkdir()
    commit_of_this_tree(tree)
    (top / "SOURCES").mkdir(parents=True)
    (folder / ".rpmmacros").write_text(MACROS + f"%_topdir {top}\n")
    version = find("meson.build", r"^\tversion: '(.*)',")
    run("script/dist", str(top / f"SOURCES/lksm-{version}.tar.gz"), cwd=tree)
    rpm(folder, "rpmbuild", "-bb", "--nodeps", "--quiet", "--define", "_build_id_links none",
        str(ROOT / "packaging/rpm/lksm.spec"))
    return {path.name.split(f"-{version}")[0]: str(path) for path in top.glob("RPMS/*/*.rpm")}


def test_the_rpms_have_what_the_debian_packages_have(_, folder):
    need("rpmbuild", "meson", "git")
    rpms = build_rpms(folder)
    equal(sorted(rpms), ["lksm", "lksm-dkms"])
    files = {name: rpm(folder, "rpm", "-qlp", path) for name, path in rpms.items()}
    for name, lines in files.items():
        for line in (ROOT / f"packaging/debian/{name}.install").read_text().splitlines():
            if line.startswith("#"):
                continue
            source, target = line.split()
            target = "/" + re.sub(r"^lib/", "usr/lib/", target)
            paths = {f"{target}/{p.name}": p for p in ROOT.glob(source)} or {f"{target}/{source.split('/')[-1]}": None}
            paths.update({f"{path}/{p.name}": p for path, place in dict(paths).items() if place and place.is_dir()
                          for p in place.iterdir()})
            missing = set(paths) - set(lines)
            assert not missing, (name, target, missing, lines)
    for path in ("/usr/lib/sysusers.d/lksm.conf", "/usr/lib/tmpfiles.d/lksm.conf", "/etc/lksm/lksm.yaml.d", "/etc/lksm/rules.d"):
        assert path in files["lksm"], path
    for path in ("man/man1/lksm.1", "man/man1/lksm-query.1", "man/man5/lksm.yaml.5", "man/man7/lksm-events.7",
                 "bash-completion/completions/lksm", "zsh/site-functions/_lksm", "fish/vendor_completions.d/lksm.fish"):
        # pages are packed on Fedora
        assert {f"/usr/share/{path}", f"/usr/share/{path}.gz"} & set(files["lksm"]), path
    equal(rpm(folder, "rpm", "-qp", "--configfiles", rpms["lksm"]), ["/etc/lksm/lksm.yaml"])
    said = rpm(folder, "rpm", "-qp", "--scripts", *rpms.values())
    equal([x for x in said if "%" in x], []) # a macro that nobody knows


REFUSALS = { # what modprobe says: what the journal is to say
    "ERROR: could not insert 'photon_ring': Key was rejected by service": "mokutil --import",
    "ERROR: could not insert 'photon_ring': Operation not permitted": "mokutil --import",
    "FATAL: Module photon_ring not found in directory /lib/modules/x": "install linux-headers-",
    "ERROR: could not insert 'photon_ring': Exec format error": "Exec format error",
}


def load_sensor(folder, modprobe):
    program = folder / "modprobe"
    program.write_text(f"#!/bin/sh\n{modprobe}\n")
    program.chmod(0o755)
    return run(str(ROOT / "packaging/sensor/load-sensor"), cwd=folder, env={
        "PATH": f"{folder}:{os.environ['PATH']}", "LKSM_PROC": str(folder / "lksm")})


def test_a_kernel_that_refuses_the_sensor_is_explained(_, folder):
    for refusal, wanted in REFUSALS.items():
        said = load_sensor(folder, f'echo "modprobe: {refusal}" >&2; exit 1')
        assert wanted in said, said
        equal([x[:3] for x in said.splitlines()], ["<4>", "<4>"])
        assert "works without the sensor" in said, said
    equal(load_sensor(folder, "exit 0"), "<6>the sensor photon_ring was loaded\n")
    (folder / "lksm").touch()
    equal(load_sensor(folder, "exit 1"), "<6>the sensor photon_ring is loaded\n")


main(globals())
