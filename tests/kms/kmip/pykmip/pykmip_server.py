#!/usr/bin/python3
"""Runs PyKMIP's server for a test: pykmip_server.py FOLDER.

FOLDER holds ca.pem, server.pem, server.key and client.key, and gets the server's database and log,
and providers.json: a kmsProviders map with this server and with a fresh local master key. Prints
"port N" once it listens on the loopback.

Each line on standard input is MASK FILE: writes to FILE all secrets that there are (the local
master key, the client's private key, the secrets in the database), every byte XORed with MASK,
each behind its length, and prints "written". Ends, with the helper processes that PyKMIP starts,
when its standard input ends: so it outlives no test, however that comes to its end.
"""
import base64
import json
import os
import signal
import sqlite3
import struct
import sys
import threading
import warnings

warnings.simplefilter("ignore")
from kmip.services.server.server import KmipServer  # noqa: E402


LOCAL_KEY = os.urandom(96)


def secrets(folder):
    yield LOCAL_KEY
    yield base64.b64encode(LOCAL_KEY)
    pem = open(os.path.join(folder, "client.key"), "rb").read().splitlines()[1:-1]
    yield b"\n".join(pem)
    yield b"".join(pem)
    # PKCS#8 of a P-256 key: the scalar stands behind the 36 bytes that are the same for all keys.
    scalar = base64.b64decode(b"".join(pem))[36:68]
    yield scalar
    yield scalar[::-1]  # as a little-endian machine keeps it
    with sqlite3.connect(os.path.join(folder, "kmip.db")) as db:
        yield from (row[0] for row in db.execute("SELECT value FROM managed_objects"))


def serve_stdin(folder):
    for line in sys.stdin:
        mask, file = line.split()
        with open(file, "wb") as out:
            for secret in secrets(folder):
                out.write(struct.pack("=I", len(secret)))
                out.write(bytes(b ^ int(mask) for b in secret))
        print("written", flush=True)
    os.killpg(0, signal.SIGKILL)


def main(folder):
    os.mkdir(os.path.join(folder, "policy"))
    # No file of the system's is read, and port 0 lets the kernel choose one that is free.
    open(os.path.join(folder, "server.conf"), "w").write("[server]\n" + "".join(
        f"{name}={value}\n" for name, value in {
            "hostname": "127.0.0.1",
            "port": 5696,
            "certificate_path": os.path.join(folder, "server.pem"),
            "key_path": os.path.join(folder, "server.key"),
            "ca_path": os.path.join(folder, "ca.pem"),
            "auth_suite": "TLS1.2",
            "policy_path": os.path.join(folder, "policy"),
            "database_path": os.path.join(folder, "kmip.db"),
        }.items()))
    server = KmipServer(
        config_path=os.path.join(folder, "server.conf"),
        log_path=os.path.join(folder, "server.log"))
    server.config.settings["port"] = 0
    server.start()
    threading.Thread(target=serve_stdin, args=(folder,), daemon=True).start()
    server._socket.listen(16)
    port = server._socket.getsockname()[1]
    with open(os.path.join(folder, "providers.json"), "w") as out:
        json.dump({"local": {"key": base64.b64encode(LOCAL_KEY).decode()},
                   "kmip": {"endpoint": f"localhost:{port}"}}, out)
    print("port", port, flush=True)
    server.serve()


main(sys.argv[1])
