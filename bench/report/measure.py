#!/usr/bin/env python3
"""Runs the benchmark programs and gathers what they measure.

    measure.py FOLDER RESULTS [--quick] [--filter=REGEX]     FOLDER has the programs; RESULTS is JSON

Rows that are compared with each other run back to back, in rounds, every other round in turned
order. A gate that is unsure after that is measured again, its rows alone, until it is kept or
missed or until the time for this is up.
"""

import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # a run leaves nothing in the source tree
import gates  # noqa: E402
import results  # noqa: E402

PROGRAMS = ("field_bench", "document_bench", "command_bench", "interface_bench", "keys_bench",
            "json_bench", "stream_bench", "walk_bench")
# Rows of one kind that differ in these parts only run together; for other kinds, in `impl`.
VARIES = {"field": ("impl", "batch", "api", "threads"), "document": ("impl", "batch", "threads"),
          "command": ("op", "impl"), "interface": ("impl", "keys", "threads"), "keys": ("keys",),
          "walk": ("op", "impl"), "limit": ("op", "lanes")}
# Says what kernel runs, on which it depends what is promised: a part of a run has it, too.
KERNEL_ROW = "^limit/op:iv/"

# Rows that take a second have fewer rounds, or they would be most of a run.
MOST_ROUNDS = {"stream_bench": 11}


def group_of(row):
    kind, parts = row[0], results.parts_of(row)
    varies = VARIES.get(kind, ("impl",))
    same = {k: v for k, v in parts.items() if k not in varies}
    return results.key(kind, **same, threaded="threads" in parts)


def plan(r):
    """Lists of names: the rows that run together. A gate's rows do, whatever their kinds."""
    groups = {}
    for row in r.times:
        groups.setdefault(group_of(row), []).append(row)
    for gate in gates.every(r):
        for case in gate.cases:
            rows = groups[group_of(case.top[0][1])]
            rows += [row for row in case.rows() if row not in rows]
    return [[r.names[row] for row in rows] for rows in groups.values()]


class Program:
    """One benchmark program that waits to be asked for rows (bench_main.h)."""

    def __init__(self, path, log, options):
        self.name, self.log = os.path.basename(path), log
        with open(log, "wb") as errors:
            self.process = subprocess.Popen([path, "--serve", *options], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors, text=True)
        self.compiler, self.labels = "unknown", {}
        self.first = dict(self.answer())

    def answer(self):
        """Yields (name, ns) up to "end"."""
        for line in self.process.stdout:
            what, *rest = line.rstrip("\n").split("\t")
            if what == "end":
                return
            if what == "compiler":
                self.compiler = rest[0]
            else:
                name, ns, label = rest
                if label:
                    self.labels[name] = label
                yield name, float(ns)
        with open(self.log, encoding="utf-8", errors="replace") as f:
            sys.exit("".join([*f.readlines()[-20:], f"bench: {self.name} has ended\n"]))

    def run(self, rounds, names):
        """A dictionary for each round."""
        rounds = min(rounds, MOST_ROUNDS.get(self.name, rounds))
        self.process.stdin.write("\t".join([str(rounds), *names]) + "\n")
        self.process.stdin.flush()
        found = list(self.answer())
        chunks = [dict(found[i:i + len(names)]) for i in range(0, len(found), len(names))]
        # A row too many or too few would pair rows of different rounds from there on.
        if len(found) != rounds * len(names) or any(c.keys() != set(names) for c in chunks):
            sys.exit(f"bench: {self.name} has run other rows than it was asked for")
        return chunks

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait() != 0:
            sys.exit(f"bench: {self.name} failed; see {self.log}")


def unsure(data, programs):
    """(program, names) of every gate that is neither kept nor missed."""
    r = results.Results(data)
    out = []
    for v in gates.verdicts(r):
        if v.state == "unsure":
            names = list(dict.fromkeys(r.names[row] for c in v.gate.cases for row in c.rows()))
            out.append((next(p for p in programs if names[0] in p.first), names))
    return out


def repeat(data, programs, rounds, patience):
    """Runs the rows of unsure gates again until there are none, or for `patience` seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        again = unsure(data, programs)
        if not again:
            return
        print(f"== {len(again)} gates are unsure: their rows again, {end - time.monotonic():.0f} s "
              "left", file=sys.stderr)
        for program, names in again:
            if time.monotonic() < end:
                data["rounds"] += program.run(rounds, names)


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        got = subprocess.run(["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12"],
                             capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return got.stdout.strip()


def measure(args):
    options = [f"--benchmark_min_time={args.min_time}"]
    if args.filter:
        options.append(f"--benchmark_filter={args.filter}|{KERNEL_ROW}")
    data = {"cpu": cpu_model(), "cpus": len(os.sched_getaffinity(0)), "commit": commit(),
            "filter": args.filter,
            "date": time.strftime("%Y-%m-%d", time.gmtime()), "labels": {}, "rounds": [],
            "command": "./run bench --quick" if args.quick else "./run bench"}
    programs, start = [], time.monotonic()
    for name in PROGRAMS:
        path = os.path.join(args.folder, name)
        if not os.access(path, os.X_OK):
            print(f"bench: no {name} in this build: left out", file=sys.stderr)
            continue
        print(f"== {name}", file=sys.stderr)
        program = Program(path, f"{os.path.splitext(args.results)[0]}.{name}.log", options)
        programs.append(program)
        data["labels"].update(program.labels)  # of the first run of every row
        first = results.Results({**data, "rounds": [program.first]})
        for names in plan(first):
            data["rounds"] += program.run(args.rounds, names)
        data["compiler"] = program.compiler
    if not data["rounds"]:
        sys.exit("bench: no row has run")
    repeat(data, programs, args.rounds, args.patience)
    for program in programs:
        program.close()
    data["seconds"] = round(time.monotonic() - start)
    with open(args.results, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=0)
        f.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("results")
    parser.add_argument("--quick", action="store_true", help="a few minutes, wider intervals")
    parser.add_argument("--filter", help="rows to run, a regular expression")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--min-time", type=float, help="seconds for a row in a round")
    parser.add_argument("--patience", type=float, help="seconds for gates that are unsure")
    args = parser.parse_args()
    # Many short rounds tell more than few long ones: the rows of a pair are nearer to each other.
    rounds, min_time, patience = (21, 0.002, 45) if args.quick else (51, 0.003, 180)
    args.rounds = args.rounds if args.rounds is not None else rounds
    args.min_time = args.min_time if args.min_time is not None else min_time
    args.patience = args.patience if args.patience is not None else patience
    measure(args)


if __name__ == "__main__":
    main()
