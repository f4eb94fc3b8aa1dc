#!/usr/bin/python3
"""An OpenSSH server on 127.0.0.1 that lets the caller's own user in by a key, for tests that need one.

    ssh_server.py --folder DIR [--host-key TYPE]... [--authorized FILE.pub]... [--port-file FILE]

Makes DIR with host keys of each TYPE (default ed25519; DIR/host_TYPE and DIR/host_TYPE.pub), authorized_keys and the
server's configuration. The port is printed, and written to --port-file once the server accepts. Accepts by itself and
starts one sshd for each connection, so that the port is free for sure. What sshd says is in DIR/sshd.log.
"""
import argparse
import os
import shutil
import socket
import subprocess

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"  # it wants to be called by its whole path


def prepare(options):
    """The folder's files; the path of the configuration."""
    folder = os.path.abspath(options.folder)
    os.makedirs(folder, exist_ok=True)
    lines = ["StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
             "PermitRootLogin prohibit-password", "PidFile none", "PrintMotd no", "PrintLastLog no", "LogLevel VERBOSE",
             f"AuthorizedKeysFile {folder}/authorized_keys"]
    for kind in options.host_key or ["ed25519"]:
        key = f"{folder}/host_{kind}"
        if not os.path.exists(key):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
        lines.append(f"HostKey {key}")
    with open(f"{folder}/authorized_keys", "w", encoding="utf-8") as out:
        for name in options.authorized or []:
            with open(name, encoding="utf-8") as file:
                out.write(file.read())
    config = f"{folder}/sshd_config"
    with open(config, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # where it locks its unprivileged half in; empty
    return config


def serve(listener, config, log):
    children = []
    while True:
        connection, _ = listener.accept()
        with connection:
            children.append(subprocess.Popen([SSHD, "-i", "-e", "-f", config], stdin=connection, stdout=connection, stderr=log))
        children = [child for child in children if child.poll() is None]


def main():
    parser = argparse.ArgumentParser(description="An OpenSSH server on 127.0.0.1 for tests.")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--host-key", action="append", choices=["ed25519", "ecdsa", "rsa"])
    parser.add_argument("--authorized", action="append", help="a public key that is let in")
    parser.add_argument("--port-file")
    options = parser.parse_args()
    config = prepare(options)
    with open(os.path.join(options.folder, "sshd.log"), "ab") as log, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(port, flush=True)
        if options.port_file:
            with open(options.port_file + ".new", "w", encoding="utf-8") as out:
                out.write(f"{port}\n")
            os.rename(options.port_file + ".new", options.port_file)
        try:
            serve(listener, config, log)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
