#!/usr/bin/env python3
"""Turns what the benchmark programs measured into docs/performance.md.

    report.py gather RESULTS --command TEXT PART...   joins the programs' JSON files
    report.py markdown RESULTS [FILE]                 writes the report, to FILE or to stdout
    report.py gates RESULTS                           status 1 when a promised ratio is missed
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys

SIZES = {4: "4 B (int)", 16: "16 B", 64: "64 B", 256: "256 B", 1024: "1 KiB", 16384: "16 KiB",
         1048576: "1 MiB"}
OPERATIONS = {"det_encrypt": "Deterministic encryption", "rand_encrypt": "Random encryption",
              "decrypt": "Decryption"}
PEERS = {"libmongocrypt": "libmongocrypt", "openssl": "OpenSSL",
         "ipsec_mb": "IPsec-MB"}
# Operation, bytes, how many times faster than libmongocrypt a batch must be.
GATES = [("det_encrypt", 4, 5.0), ("det_encrypt", 16, 5.0), ("decrypt", 4, 6.0),
         ("decrypt", 16, 6.0)]
WALK_LIMIT_NS = 8.0


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


def gather(args):
    out = {"cpu": cpu_model(), "commit": commit(), "command": args.command, "benchmarks": []}
    for path in args.parts:
        if os.path.getsize(path) == 0:  # a filter has left nothing of this program
            continue
        with open(path, encoding="utf-8") as f:
            part = json.load(f)
        context = part["context"]
        out.setdefault("date", context["date"][:10])
        out.setdefault("compiler", context.get("compiler", "unknown"))
        out.setdefault("cpus", context["num_cpus"])
        out["benchmarks"] += [b for b in part["benchmarks"] if b["run_type"] == "aggregate"]
    if not out["benchmarks"]:
        sys.exit("report.py: no benchmark has run")
    with open(args.results, "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


class Results:
    """Medians by name; a name is parsed into its key:value parts."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.meta = json.load(f)
        self.times = {}     # ns of CPU time for one item
        self.spreads = {}   # coefficient of variation
        self.labels = {}    # what did the work, by implementation
        for b in self.meta["benchmarks"]:
            kind, *rest = b["run_name"].split("/")
            parts = dict(r.split(":", 1) for r in rest if ":" in r)
            parts = {k: v for k, v in parts.items() if k not in ("repeats", "iterations")}
            key = (kind,) + tuple(sorted(parts.items()))
            if b["aggregate_name"] == "median":
                rate = b.get("items_per_second")
                self.times[key] = 1e9 / rate if rate else b["item_time"] * 1e9
                if b.get("label"):
                    self.labels[parts.get("impl")] = b["label"]
            elif b["aggregate_name"] == "cv":
                self.spreads[key] = b["cpu_time"]

    def time(self, kind, **parts):
        key = (kind,) + tuple(sorted((k, str(v)) for k, v in parts.items()))
        return self.times.get(key)

    def sizes(self, kind, name):
        found = {dict(k[1:]).get(name, "") for k in self.times if k[0] == kind}
        return sorted(int(v) for v in found if v.isdigit())


def ns(value):
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1e6:.2f} ms"
    if value >= 1e4:
        return f"{value / 1e3:.1f} us"
    return f"{value:.0f} ns" if value >= 20 else f"{value:.1f} ns"


def ratio(peer, ours):
    return f"{peer / ours:.1f}x" if peer and ours else "-"


def best(*times):
    known = [t for t in times if t is not None]
    return min(known) if known else None


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def field_tables(r):
    for op, title in OPERATIONS.items():
        rows = []
        for size in r.sizes("field", "bytes"):
            def t(impl, batch, size=size):
                return r.time("field", op=op, impl=impl, bytes=size, batch=batch)
            batch, one, call = t("fle", 64), t("fle", 1), t("fle_value", 1)
            lmc, ossl = t("libmongocrypt", 1), t("openssl", 1)
            imb = best(*(r.time("field", op=op, impl="ipsec_mb", bytes=size, batch=64, api=api)
                         for api in ("job", "burst")))
            ours = best(batch, one)
            rows.append([SIZES.get(size, f"{size} B"), ns(batch), ns(one), ns(call), ns(lmc),
                         ns(ossl), ns(imb), ratio(lmc, ours), ratio(lmc, call), ratio(ossl, ours),
                         ratio(imb, ours)])
        yield f"### {title}, one field\n"
        yield from table(["value", "libfle, 64 a batch", "libfle, 1 a batch", "libfle, explicit",
                          "libmongocrypt", "OpenSSL", "IPsec-MB", "batch vs libmongocrypt",
                          "explicit vs libmongocrypt", "batch vs OpenSSL", "batch vs IPsec-MB"],
                         rows)


def document_tables(r):
    rows = []
    for op in ("encrypt", "decrypt"):
        for n in r.sizes("document", "fields"):
            def t(impl, batch, n=n, op=op):
                return r.time("document", op=op, impl=impl, fields=n, kind="half", batch=batch)
            one, many, lmc = t("fle", 1), t("fle", 64), t("libmongocrypt", 1)
            rows.append([f"{op}, {n} field{'s' if n > 1 else ''}", ns(many), ns(one), ns(lmc),
                         ratio(lmc, best(many, one)), ratio(lmc, one),
                         f"{1e9 / best(many, one):,.0f}" if best(many, one) else "-"])
    yield from table(["document", "libfle, 64 a batch", "libfle, 1 a batch", "libmongocrypt",
                      "batch vs libmongocrypt", "single vs libmongocrypt", "documents a second"],
                     rows)


def walk_tables(r):
    rows = []
    walks = [(dict(k[1:]), t) for k, t in r.times.items() if k[0] == "walk"]
    for parts, t in sorted(walks, key=lambda w: (w[0]["impl"], w[0]["op"], int(w[0]["bytes"]))):
        rows.append([f"{parts['impl']}, {parts['op']}", f"{int(parts['bytes']):,}", f"{t:.1f} ns"])
    yield from table(["walk", "bytes", "one element"], rows)


def gate_rows(r):
    """(what, promised, measured, kept) for each gate that was measured."""
    for op, size, factor in GATES:
        lmc = r.time("field", op=op, impl="libmongocrypt", bytes=size, batch=1)
        ours = r.time("field", op=op, impl="fle", bytes=size, batch=64)
        if lmc and ours:
            yield (f"{OPERATIONS[op]} of {size}-byte values in batches, against libmongocrypt",
                   f"{factor:.0f}x", f"{lmc / ours:.1f}x", lmc / ours >= factor)
    for size in r.sizes("walk", "bytes"):
        walk = r.time("walk", op="find_fields", impl="fle", bytes=size)
        if walk and size > 1000000:
            yield ("Walking one element of a 1 MiB document", f"{WALK_LIMIT_NS:.0f} ns",
                   f"{walk:.1f} ns", walk <= WALK_LIMIT_NS)


INTRODUCTION = """# Performance

Generated by `bench/report.py`; do not edit. Times are medians of CPU time on one thread. All
programs of a table ran in one process, their repetitions interleaved at random, and every peer
had to give the same output first. Compare by ratio inside a table: absolute times belong to
this machine.
"""
FIELDS = """## Fields

`value` is the length of the bare BSON value. *Batch* is `seal_batch` and `open_batch`;
*explicit* is `encrypt_value` and `decrypt_value`, the same task as libmongocrypt's explicit
API: BSON checks, key look-up, memory for the result. *OpenSSL* is the best composition we
found: kept contexts, HMAC midstates, IVs from a user-space generator. *IPsec-MB* has the whole
batch in flight; it takes fields below 64 KiB.
"""
DOCUMENTS = """## Documents

Half of the fields deterministic, half random, 16 letters each, a plain field between any two.
libmongocrypt is handed the query analyser's reply: the round trip to the analyser is not
counted, while libfle finds the fields itself.
"""


def report(r):
    m = r.meta
    yield INTRODUCTION
    yield from table(["", ""], [
        ["CPU", f"{m['cpu']}, {m['cpus']} logical"], ["compiler", m["compiler"]],
        ["libfle", f"commit {m['commit']}, kernel {r.labels.get('fle', 'unknown')}"],
        *[[PEERS[p], r.labels[p]] for p in PEERS if p in r.labels],
        ["command", f"`{m['command']}`, {m['date']}"]])
    yield "## What is promised\n"
    yield from table(["", "promised", "measured", "kept"],
                     [[w, p, v, "yes" if ok else "NO"] for w, p, v, ok in gate_rows(r)])
    if r.sizes("field", "bytes"):
        yield FIELDS
        yield from field_tables(r)
    if r.sizes("document", "fields"):
        yield DOCUMENTS
        yield from document_tables(r)
    if r.sizes("walk", "bytes"):
        yield "## Walking BSON\n"
        yield from walk_tables(r)
    if r.spreads:
        spread = 100 * statistics.median(r.spreads.values())
        yield f"Spread: the median coefficient of variation over repetitions was {spread:.1f} %."


def markdown(args):
    lines = "\n".join(report(Results(args.results)))
    text = re.sub(r"\n{3,}", "\n\n", lines).rstrip() + "\n"
    if args.file is None:
        sys.stdout.write(text)
        return
    with open(args.file, "w", encoding="utf-8") as f:
        f.write(text)


def gates(args):
    rows = list(gate_rows(Results(args.results)))
    for what, promised, measured, ok in rows:
        print(f"{'kept' if ok else 'MISSED'}: {what}: {measured} (promised {promised})")
    if not rows or not all(row[3] for row in rows):
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("gather")
    p.add_argument("results")
    p.add_argument("--command", required=True)
    p.add_argument("parts", nargs="+")
    p.set_defaults(run=gather)
    p = commands.add_parser("markdown")
    p.add_argument("results")
    p.add_argument("file", nargs="?")
    p.set_defaults(run=markdown)
    p = commands.add_parser("gates")
    p.add_argument("results")
    p.set_defaults(run=gates)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
