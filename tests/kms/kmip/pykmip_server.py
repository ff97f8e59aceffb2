#!/usr/bin/python3
"""Runs PyKMIP's server for a test: pykmip_server.py FOLDER.

FOLDER holds ca.pem, server.pem and server.key, and gets the server's database and log. Prints
"port N" once it listens on the loopback, and ends, with the helper processes that PyKMIP starts,
when its standard input ends: so it outlives no test, however that comes to its end.
"""
import os
import signal
import sys
import threading
import warnings

warnings.simplefilter("ignore")
from kmip.services.server.server import KmipServer  # noqa: E402


def end_with_stdin():
    while sys.stdin.buffer.read1(4096):
        pass
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
    threading.Thread(target=end_with_stdin, daemon=True).start()
    server._socket.listen(16)
    print("port", server._socket.getsockname()[1], flush=True)
    server.serve()


main(sys.argv[1])
