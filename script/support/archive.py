#!/usr/bin/python3
"""Packs the programs with all shared objects but glibc's, for any Linux that has glibc: script/support/archive.py BIN OUT VERSION

What it makes is to be unpacked in /opt, and runs from anywhere.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import manual

DEPLOY = os.path.join(manual.SOURCE, "deploy")
# What belongs to glibc: it fits the kernel, the loader and each other, and is every system's own.
GLIBC = re.compile(r"(?:linux-vdso|ld-linux|lib(?:c|m|mvec|dl|rt|pthread|resolv|util|nsl|anl)\.so)")
README = """cromt for Linux, of any distribution with glibc 2.36 or newer

    tar -C /opt -xzf cromt-VERSION-linux-ARCH.tar.gz
    /opt/cromt/bin/cromt run hello.yaml

As services: systemd/ has the units, sysusers and configuration that the Debian packages have, for programs in /opt/cromt/bin:

    cp systemd/*.service /etc/systemd/system/
    cp systemd/sysusers/* /etc/sysusers.d/; cp systemd/tmpfiles/* /etc/tmpfiles.d/; systemd-sysusers; systemd-tmpfiles --create
    mkdir -p /etc/cromt; cp config/*.yaml /etc/cromt/
    systemctl daemon-reload; systemctl enable --now cromt-agent

Where the system keeps its trusted certificates elsewhere than Debian does, set SSL_CERT_FILE.
"""


def shared_objects(path):
    """name → path of what the loader would take, at any depth."""
    done = subprocess.run(["ldd", path], check=False, capture_output=True, text=True)
    if "statically linked" in done.stdout or "not a dynamic" in done.stdout + done.stderr:
        return {}
    if done.returncode != 0 or "not found" in done.stdout:
        raise SystemExit(f"ldd {path}: {done.stdout}{done.stderr}")
    return dict(re.findall(r"^\s*(\S+) => (\S+)", done.stdout, re.MULTILINE))


def put(source, folder, rpath):
    """A stripped copy that looks for shared objects there."""
    target = os.path.join(folder, os.path.basename(source))
    subprocess.run(["strip", "-o", target, source], check=True)
    os.chmod(target, 0o755)
    if rpath:
        subprocess.run(["patchelf", "--force-rpath", "--set-rpath", rpath, target], check=True)


def copy_text(source, target, old="", new=""):
    with open(source, encoding="utf-8") as file:
        text = file.read()
    manual.write(target, text.replace(old, new) if old else text)


def fill(root, programs, version):
    os.makedirs(root + "/bin")
    os.makedirs(root + "/lib")
    needed = {}
    for name in manual.NAMES:
        path = os.path.join(programs, name)
        found = {object_: where for object_, where in shared_objects(path).items() if not GLIBC.match(object_)}
        needed.update(found)
        put(path, root + "/bin", "$ORIGIN/../lib" if found else "")
    for name, path in needed.items():
        put(path, root + "/lib", "$ORIGIN")
        os.rename(os.path.join(root, "lib", os.path.basename(path)), os.path.join(root, "lib", name))
    for unit in os.listdir(DEPLOY + "/systemd"):
        copy_text(f"{DEPLOY}/systemd/{unit}", f"{root}/systemd/{unit}", old="/usr/bin/cromt", new="/opt/cromt/bin/cromt")
    for folder in ("sysusers", "tmpfiles"):
        shutil.copytree(f"{DEPLOY}/{folder}", f"{root}/systemd/{folder}")
    for file in ("agent.yaml", "coordinator.yaml"):
        copy_text(f"{DEPLOY}/config/{file}", f"{root}/config/{file}")
    for file in ("LICENSE", "CHANGELOG.md"):
        copy_text(os.path.join(manual.SOURCE, file), f"{root}/{file}")
    manual.write(root + "/README", README.replace("VERSION", version).replace("ARCH", os.uname().machine))


def main():
    programs, out, version = sys.argv[1:4]
    name = f"cromt-{version}-linux-{os.uname().machine}.tar.gz"
    with tempfile.TemporaryDirectory() as work:
        fill(work + "/cromt", programs, version)
        subprocess.run(["tar", "-C", work, "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-czf", os.path.join(out, name), "cromt"], check=True)
    print(f"package: {os.path.join(out, name)}", file=sys.stderr)


if __name__ == "__main__":
    main()
