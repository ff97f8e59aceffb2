#!/usr/bin/env python3
"""bench/drivers/drivers.py BUILD

What drivers gain: libmongoc and the Node driver insert 1,000 patients in one call and find a
document of 1,500 encrypted fields, each in a process of its own with Debian's libmongocrypt (and
our analyzer, loaded as crypt_shared), with ours, and without encryption, which is the part of the
driver and of the far end, the fixture of the tests. A report: nothing depends on it.
"""
import json
import os
import shutil
import subprocess
import sys

OPERATIONS = {"insert": "insert_many of 1,000 patients", "find": "find, 1,500 encrypted fields"}


def measured(command, library_path):
    environment = dict(os.environ, LD_LIBRARY_PATH=library_path, NODE_NO_WARNINGS="1")
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    lines = map(str.split, run.stdout.splitlines())  # libmongoc's log is there, too
    return {line[0]: float(line[1]) for line in lines if line and line[0] in OPERATIONS}


def main(build):
    tests = os.path.join(build, "tests")
    ours = os.path.join(build, "tools", "mongocrypt", "lib")
    analyzer = os.path.join(build, "tools", "crypt_shared", "mongo_crypt_v1.so")
    programs = {
        "libmongoc": [os.path.join(build, "bench", "driver_bench")],
        "Node": ["node", os.path.join(tests, "drop_in", "driver_bench.mjs")],
    }
    fixture = os.path.join(tests, "mongo_fixture", "server.mjs")
    if shutil.which("node") is None or not os.path.exists(fixture):
        print("\nThrough drivers: no node here")
        return
    server = subprocess.Popen(
        ["node", fixture],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    uri = f"mongodb://127.0.0.1:{server.stdout.readline().split()[1]}/"
    extra = json.dumps({"cryptSharedLibRequired": True, "cryptSharedLibPath": analyzer})
    print("\nThrough drivers, milliseconds: with Debian's libmongocrypt, with ours, without encryption")
    for driver, program in programs.items():
        if not os.path.exists(program[-1]):
            print(f"  {driver}: not here")
            continue
        original = measured([*program, uri, extra], "")
        with_ours = measured([*program, uri, "{}"], ours)
        plain = measured([*program, uri, "plain"], ours)
        for name, text in OPERATIONS.items():
            t, o, p = original[name], with_ours[name], plain[name]
            print(f"  {driver:9}  {text:30} {t:9.2f} {o:9.2f} {p:9.2f}   {t / o:5.1f}x")
    server.stdin.close()
    server.wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
