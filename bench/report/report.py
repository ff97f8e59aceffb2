#!/usr/bin/env python3
"""Turns what the benchmark programs measured into docs/performance.md and docs/performance.svg.

    report.py markdown RESULTS [FILE]   writes the report to FILE, and its plot beside it as .svg;
                                        or only the report, to stdout
    report.py gates RESULTS             status 1 unless every promised ratio is kept
"""

import argparse
import os
import re
import sys

sys.dont_write_bytecode = True  # a run leaves nothing in the source tree
import gates  # noqa: E402
import plot  # noqa: E402
import results  # noqa: E402

OPERATIONS = {op: name.capitalize() for op, name in gates.OPERATIONS.items()}
SIZES = {4: "4 B (int)"}
PEERS = {"libmongocrypt": "libmongocrypt", "openssl": "OpenSSL", "ipsec_mb": "IPsec-MB"}


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


def ratio2(peer, ours):
    return f"{peer / ours:.2f}x" if peer and ours else "-"


def best(*times):
    known = [t for t in times if t is not None]
    return min(known) if known else None


def size_name(size):
    return SIZES.get(size, gates.size_name(size))


def table(head, rows):
    rows = [row for row in rows if any(cell != "-" for cell in row[1:])]
    if not rows:
        return
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


STATES = {"kept": "yes", "missed": "**NO**", "unsure": "*unsure*"}


def promise_cell(v):
    """What a gate with a column says."""
    g = v.gate
    if v.measured is None:
        return "*not measured together*"
    text = f"{g.text(v.measured)} ({v.interval()}) of {g.bound:g}x"
    text = {"kept": text, "missed": f"**{text}: missed**", "unsure": f"*{text}: unsure*"}[v.state]
    return text + (f", {v.case.where}" if v.case.where and v.state != "kept" else "")


def promise_grid(title, found):
    columns = list(dict.fromkeys(v.gate.column for v in found))
    cells = {(v.gate.row, v.gate.column): promise_cell(v) for v in found}
    yield from table([title] + columns,
                     [[row] + [cells.get((row, c), "-") for c in columns]
                      for row in dict.fromkeys(v.gate.row for v in found)])


def promise_list(found):
    rows = []
    for v in found:
        where = f" ({v.case.where})" if v.case.where else ""
        measured = v.gate.text(v.measured) if v.measured is not None else "-"
        rows.append([v.gate.row, v.gate.promised(), measured + where, v.interval(),
                     STATES[v.state]])
    yield from table(["", "promised", "measured", "between", "kept"], rows)


def promise_tables(r):
    if not r.has_avx512():
        yield "Ratios of batches and of single fields are promised on machines with AVX-512.\n"
    every = gates.verdicts(r)
    count = {state: sum(v.state == state for v in every) for state in STATES}
    left_out = gates.left_out(r)
    also = f", {len(left_out)} not measured" if left_out else ""
    yield f"{count['kept']} kept, {count['missed']} missed, {count['unsure']} unsure{also}.\n"
    if left_out:
        yield f"Not measured: {'; '.join(g.what() for g in left_out)}.\n"
    for family, title in gates.FAMILIES.items():
        found = [v for v in every if v.gate.family == family]
        yield from promise_list(found) if family == "rest" else promise_grid(title, found)
        for why in dict.fromkeys(v.gate.why() for v in found if v.state != "kept"):
            if why:
                yield f"{why}\n"


def limit_tables(r):
    widths = r.sizes("limit", "lanes")
    names = {"sha512": "SHA-512, a compression", "cbc_encrypt": "AES-256-CBC, a block encrypted",
             "cbc_decrypt": "AES-256-CBC, a block decrypted", "iv": "a random IV"}
    yield from table(["the kernel alone"] + [f"{n} at once" for n in widths],
                     [[name] + [ns(r.time("limit", op=op, impl="fle", lanes=n)) for n in widths]
                      for op, name in names.items()])
    rows = []
    for op, title in OPERATIONS.items():
        for size in gates.SIZES:
            sums = [r.sum(gates.limit_terms(op, size, lanes)) for lanes in gates.LIMIT_LANES]
            limit, alone = best(*sums), r.sum(gates.limit_terms(op, size, 1))
            n, blocks, ivs = gates.limit_work(op, size)
            times = [r.field(op, "fle", size, batch) for batch in gates.LIMIT_BATCHES]
            rows.append([f"{title}, {size_name(size)}", f"{n}", f"{blocks}", f"{ivs}", ns(limit)] +
                        [ratio2(t, limit) for t in [*times, r.ipsec_mb(op, size)]] +
                        [ns(alone), ratio2(r.field(op, "fle", size, 1), alone)])
    if any(row[4] != "-" for row in rows):
        yield from table(["one field", "compressions", "blocks", "IVs", "limit"] +
                         [f"libfle, {n:,} a batch" for n in gates.LIMIT_BATCHES] +
                         ["IPsec-MB, 64 a batch", "limit alone", "libfle, 1 a batch"], rows)


def field_row(r, op, name, size, many, alone):
    batch = r.field(op, "fle", size, many)
    one = r.field(op, "fle", size, 1)
    call = r.field(op, "fle_value", size, alone)
    lmc, ossl = r.field(op, "libmongocrypt", size, alone), r.field(op, "openssl", size, alone)
    imb = r.ipsec_mb(op, size, batch=many)
    return [name, ns(batch), ns(one), ns(call), ns(lmc), ns(ossl), ns(imb),
            ratio(lmc, best(batch, one)), ratio(lmc, call), ratio(ossl, best(batch, one)),
            ratio2(imb, best(batch, one)), ratio2(ossl, best(one, call))]


def field_rows(r, op):
    for size in r.sizes("field", "bytes"):
        yield field_row(r, op, size_name(size), size, 64, 1)
    alone = gates.DISTRIBUTION_BATCHES[0]
    for name in gates.DISTRIBUTIONS:
        for many in gates.DISTRIBUTION_BATCHES:
            yield field_row(r, op, f"{name}, {many:,} a batch", name, many, alone)


def field_tables(r):
    for op, title in OPERATIONS.items():
        yield f"### {title}, one field\n"
        yield from table(["value", "libfle, 64 a batch", "libfle, 1 a batch", "libfle, explicit",
                          "libmongocrypt", "OpenSSL", "IPsec-MB", "batch vs libmongocrypt",
                          "explicit vs libmongocrypt", "batch vs OpenSSL", "batch vs IPsec-MB",
                          "single vs OpenSSL"], field_rows(r, op))


def batch_tables(r):
    batches = [b for b in r.sizes("field", "batch") if b in gates.BATCHES]
    rows = [[f"{title}, {size_name(size)}"] + [ns(r.field(op, "fle", size, b)) for b in batches]
            for op, title in OPERATIONS.items() for size in r.sizes("field", "bytes")
            if r.field(op, "fle", size, 2)]
    yield from table(["libfle, one field of"] + [f"{b:,} a batch" for b in batches], rows)


def without_avx512_tables(r):
    rows = []
    for op, title in OPERATIONS.items():
        for size in gates.SMALL:
            ours = [r.field(op, impl, size, 64) for impl in gates.WITHOUT_AVX512]
            imb = r.ipsec_mb(op, size, "ipsec_mb_avx2")
            rows.append([f"{title}, {size_name(size)}"] + [ns(t) for t in [*ours, imb]] +
                        [ratio2(imb, t) for t in ours])
    names = [impl[4:] for impl in gates.WITHOUT_AVX512]
    yield from table(["without AVX-512, 64 a batch"] + [f"libfle, {name}" for name in names] +
                     ["IPsec-MB"] + [f"{name} vs IPsec-MB" for name in names], rows)


def thread_name(kind, parts):
    if kind == "document":
        return f"{parts['op']} {int(parts['fields']):,} fields, {parts['kind']}: document"
    return f"{OPERATIONS[parts['op']]}, {size_name(int(parts['bytes']))}: field"


def thread_tables(r):
    counts = sorted({int(dict(k[1:]).get("threads", 0)) for k in r.times
                     if k[0] in ("field", "document")} - {0})
    rows = []
    for key in sorted(r.times):
        parts = dict(key[1:])
        if key[0] not in ("field", "document") or parts.get("threads") != "1":
            continue
        times = [r.time(key[0], **{**parts, "threads": n}) for n in counts]
        rows.append([thread_name(key[0], parts)] +
                    [f"{1e9 / t:,.0f}" if t else "-" for t in times] +
                    [ratio2(times[0], t) for t in times[1:]])
    yield from table(["libfle, each second"] +
                     [f"{n} thread{'s' if n > 1 else ''}" for n in counts] +
                     [f"{n} vs 1" for n in counts[1:]], rows)


def document_rows(r, kind):
    for op in ("encrypt", "decrypt"):
        for n in r.sizes("document", "fields"):
            one, many = r.document(op, "fle", n, kind), r.document(op, "fle", n, kind, 64)
            lmc, ours = r.document(op, "libmongocrypt", n, kind), best(many, one)
            yield [f"{op}, {n:,} field{'s' if n > 1 else ''}", ns(many), ns(one), ns(lmc),
                   ratio(lmc, ours), ratio(lmc, one), f"{1e9 / ours:,.0f}" if ours else "-",
                   f"{1e9 / lmc:,.0f}" if lmc else "-"]


def document_tables(r):
    head = ["libfle, 64 a batch", "libfle, 1 a batch", "libmongocrypt", "batch vs libmongocrypt",
            "single vs libmongocrypt", "libfle, documents a second", "libmongocrypt"]
    yield from table(["half deterministic, half random"] + head, document_rows(r, "half"))
    yield from table(["published, deterministic"] + head, document_rows(r, "det"))
    yield from table(["published, random"] + head, document_rows(r, "rand"))


def command_tables(r):
    commands = sorted({(dict(k[1:])["command"], int(dict(k[1:])["values"])) for k in r.times
                       if k[0] == "command"})
    rows = []
    for name, values in commands:
        whole, lmc, analysis, seal = (
            r.command(op, impl, name, values)
            for op, impl in (("encrypt", "fle"), ("encrypt", "libmongocrypt"), ("analyze", "fle"),
                             ("seal", "fle")))
        rows.append([f"{name}, {values:,} value{'s' if values > 1 else ''}", ns(whole), ns(lmc),
                     ratio(lmc, whole), ns(analysis), ns(seal),
                     f"{100 * analysis / seal:.0f} %" if analysis and seal else "-",
                     ratio2(whole, seal)])
    yield from table(["command", "libfle, whole", "libmongocrypt, its part",
                      "libfle vs libmongocrypt", "analysis alone", "encryption alone",
                      "analysis / encryption", "whole / encryption"], rows)


def interface_tables(r):
    rows = []
    sizes = sorted({k[1:] for k in r.times if k[0] == "interface"}, key=str)
    for parts in map(dict, sizes):
        if parts.pop("impl") != "fle":
            continue
        ours, theirs = (r.time("interface", impl=impl, **parts)
                        for impl in ("fle", "libmongocrypt"))
        what = ", ".join([parts.pop("op")] + [f"{v} {k}" for k, v in sorted(parts.items())])
        rows.append([what, ns(ours), ns(theirs), ratio(theirs, ours)])
    yield from table(["through the C interface", "libfle", "libmongocrypt",
                      "libfle vs libmongocrypt"], rows)


def key_tables(r):
    counts = r.sizes("keys", "keys")
    groups = {}
    for key, t in r.times.items():
        parts = dict(key[1:])
        if key[0] == "keys" and "keys" in parts:
            name = ", ".join([parts.get("impl", ""), parts.get("op", "")] +
                             [f"{v} {k}" for k, v in sorted(parts.items())
                              if k not in ("impl", "op", "keys")])
            groups.setdefault(name, {})[int(parts["keys"])] = t
    rows = [[name] + [ns(t.get(n)) for n in counts] +
            [ratio2(t.get(n), t.get(counts[0])) for n in counts[1:]]
            for name, t in sorted(groups.items())]
    yield from table(["one key or field"] +
                     [f"{n:,} key{'s' if n > 1 else ''}" for n in counts] +
                     [f"{n:,} vs {counts[0]:,}" for n in counts[1:]], rows)


def json_tables(r):
    rows = []
    for op in ("read", "write", "encrypt", "decrypt"):
        for size in r.sizes("json", "bytes"):
            ours, theirs = (r.time("json", op=op, impl=impl, bytes=size)
                            for impl in ("fle", "libbson"))
            if ours or theirs:
                rows.append([f"{op}, {size} B of JSON", ns(ours), ns(theirs), ratio(theirs, ours)])
    yield from table(["one document", "libfle", "libbson's codec", "libfle vs libbson's codec"],
                     rows)


def stream_tables(r):
    rows = []
    for row in gates.rows_of(r, "stream", impl="fle_command"):
        p = results.parts_of(row)
        command = r.times[row]
        for e in gates.rows_of(r, "stream", op=p["op"], impl="engine", threads=p["threads"]):
            engine = r.times[e]
            rows.append([f"{p['op']}, {p['format'].upper()}", p["threads"],
                         f"{1e9 / command:,.0f}", f"{1e9 / engine:,.0f}",
                         f"{100 * engine / command:.0f} %"])
    rows.sort(key=lambda row: row[:2])
    yield from table(["documents a second", "threads", "fle", "batch engine alone", "fle / engine"], rows)
    reports = []
    for row in gates.rows_of(r, "stream", op="report", impl="fle_command"):
        p = results.parts_of(row)
        for w in gates.rows_of(r, "stream", op="report", impl="walk", of=p["of"], threads=p["threads"]):
            reports.append([f"report, {p['of']}", p["threads"], f"{1e9 / r.times[row]:,.0f}",
                            f"{1e9 / r.times[w]:,.0f}", f"{100 * r.times[w] / r.times[row]:.0f} %"])
    if reports:
        yield ""
        yield from table(["documents a second", "threads", "fle", "walk in memory", "fle / walk"],
                         sorted(reports))


def walk_tables(r):
    rows = []
    walks = [(dict(k[1:]), t) for k, t in r.times.items() if k[0] == "walk"]
    for parts, t in sorted(walks, key=lambda w: (w[0]["impl"], w[0]["op"], int(w[0]["bytes"]))):
        rows.append([f"{parts['impl']}, {parts['op']}", f"{int(parts['bytes']):,}", f"{t:.1f} ns"])
    yield from table(["walk", "bytes", "one element"], rows)


def draw_plot(r):
    """The lines of the SVG."""
    sizes = r.sizes("field", "bytes")
    names = ["libfle, 64 a batch", "libfle, one field", "IPsec-MB, 64 a batch", "OpenSSL",
             "libmongocrypt"]

    def series(op):
        found = [{s: r.field(op, "fle", s, 64) for s in sizes},
                 {s: best(r.field(op, "fle", s, 1), r.field(op, "fle_value", s, 1))
                  for s in sizes},
                 {s: r.ipsec_mb(op, s) for s in sizes},
                 {s: r.field(op, "openssl", s, 1) for s in sizes},
                 {s: r.field(op, "libmongocrypt", s, 1) for s in sizes}]
        return [{s: t for s, t in f.items() if t} for f in found]
    return plot.draw([(title, series(op)) for op, title in OPERATIONS.items()], names, sizes)


INTRODUCTION = """# Performance

Generated by `bench/report/report.py`; do not edit. Times are medians of CPU time on one thread, except
where threads are compared: there wall time counts. All programs of a table ran in one process, and
every peer had to give the same output first. Compare by ratio inside a table: absolute times belong
to this machine.
"""
PROMISES = """## What is promised

How many times faster libfle is, or what something may cost at most, in pairs: rows that are
compared ran back to back, round by round, every other round in turned order, so that a slow spell of the
machine hits both sides of a ratio. Each number is the median of the ratios of the rounds; beside it
stands where the true median lies with a confidence of 99 %, counted from the order of the ratios
alone, so that no outlier and no shape of their distribution can move it. A promise is kept or missed when this
interval lies on one side of it. Else its rows run again, until it is decided or the time for that
is up, and then it is unsure. [performance-limits.md](performance-limits.md) says how to read these
tables, and when to stop.
"""
LIMIT = """## The limit

The kernel alone, on data in the nearest cache, by the number of messages that it gets at once; and
the sum of what one field needs of it, at the better of 8 and 16 messages at once, and alone. Beside
each sum: how many times it a field takes. How to read this, and when to stop:
[performance-limits.md](performance-limits.md).
"""
PLOT = """## Fields

![Time of one field against its length]({})
"""
FIELDS = """`value` is the length of the bare BSON value. *Batch* is `seal_batch` and `open_batch`;
*explicit* is `encrypt_value` and `decrypt_value`, the same task as libmongocrypt's explicit
API: BSON checks, key look-up, memory for the result. *OpenSSL* is the best composition we
found: kept contexts without a new start for each IV, HMAC midstates, short messages hashed block
by block, IVs from a user-space generator. *IPsec-MB* has 64 fields in flight, through the better
of its interfaces (jobs, or bursts of hashes and of ciphers).

Distributions are drawn with a fixed seed. *Mixed* are strings as in records of people: 80 % of 5 to
32 bytes, 18 % of 64 to 256 bytes, 2 % of 1 to 16 KiB. *Short* are 5 to 64 bytes, evenly: what nine
of ten real fields hold. *Long* is mixed with every hundredth value of 64 KiB to 1 MiB. IPsec-MB takes
fields below 64 KiB only; its user has to bring something else for the longer ones, and here that is
the composition from OpenSSL, one field after the other. *A batch for each field* gives libfle the
same fields one by one.
"""
DOCUMENTS = """## Documents

*Half*: deterministic and random fields in turn, 16 letters each, a plain field between any two.
*Published*: nothing but encrypted strings, "value 0001" to "value 1500", the document of the
benchmark that drivers publish, decrypted again and again. libmongocrypt is handed the query
analyzer's reply: the round trip to the analyzer is not counted, while libfle finds the fields
itself.
"""
COMMANDS = """## Commands

An insert of one patient and of 1,000, with four encrypted fields each; a find and an update by an
encrypted field. *Whole* is `AutoEncrypter::encrypt_command`: analysis, keys, encryption, and the
command that is sent. libmongocrypt is handed the analyzer's reply, so neither a round trip nor
analysis is counted against it. *Encryption alone* is `seal_batch` of the same values into memory
that is ready.
"""
INTERFACE = """## libmongocrypt.so.0

The C interface that drivers call, with either library behind it, from `mongocrypt_ctx_new` to
`mongocrypt_ctx_destroy`, keys cached. A reply is *decrypt*ed; an *insert* of patients with three encrypted
fields each is analyzed and encrypted by libfle, while libmongocrypt is handed the analyzer's reply; *explicit* is
one int32 with the deterministic algorithm. Threads share one handle.
"""
JSON = """## Lines of JSON

A patient as canonical Extended JSON. *read* is text to BSON, *write* the reverse; *encrypt* and *decrypt*
are all that `fle encrypt --format json` and `fle decrypt --format json` do with a line between reading and
writing it, four fields encrypted, 64 lines a batch. Both columns use libfle's cipher.
"""
STREAMS = """## The fle command

A stream of patients in BSON (two million) or in lines of canonical Extended JSON, four encrypted fields each: a whole run
of `fle encrypt` or `fle decrypt` from the start of its process to the end, from a file to nowhere; and the batch engine
alone with the same values, on as many threads, in memory that is ready. Likewise `fle report` on an archive of them,
as they are or encrypted, and `find_ciphertexts` on its documents, which are in memory. Wall time.
"""
THREADS = """## Threads

One key or cipher for all threads, a batch of 64 fields or one document for each, wall time.
"""
SECTIONS = [("limit", LIMIT, limit_tables),
            ("field", "### Batch sizes\n", batch_tables), ("field", "### Without AVX-512\n", without_avx512_tables),
            ("document", DOCUMENTS, document_tables), ("command", COMMANDS, command_tables),
            ("interface", INTERFACE, interface_tables),
            ("field", THREADS, thread_tables),
            ("keys", "## Keys in the cache\n", key_tables),
            ("json", JSON, json_tables), ("stream", STREAMS, stream_tables),
            ("walk", "## Walking BSON\n", walk_tables)]


def report(r, svg):
    m = r.meta
    yield INTRODUCTION
    yield from table(["", ""], [
        ["CPU", f"{m['cpu']}, {m['cpus']} logical"], ["compiler", m["compiler"]],
        ["libfle", f"commit {m['commit']}, kernel {r.labels.get('fle', 'unknown')}"],
        *[[PEERS[p], re.sub(", (job|burst)$", "", r.labels[p])] for p in PEERS if p in r.labels],
        ["command", f"`{m['command']}`, {m['date']}"]])
    yield PROMISES
    yield from promise_tables(r)
    if r.sizes("field", "bytes"):
        yield PLOT.format(svg) if svg else "## Fields\n"
        yield FIELDS
        yield from field_tables(r)
    for kind, head, tables in SECTIONS:
        lines = list(tables(r)) if any(k[0] == kind for k in r.times) else []
        if lines:
            yield head
            yield from lines
    yield (f"Spread: the median coefficient of variation over rounds was {100 * r.spread():.1f} %. "
           f"The run took {m['seconds']} s.")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def markdown(args):
    r = results.Results.load(args.results)
    svg = re.sub(r"(\.md)?$", ".svg", args.file, count=1) if args.file else None
    lines = "\n".join(report(r, os.path.basename(svg) if svg else None))
    text = re.sub(r"\n{3,}", "\n\n", lines).rstrip() + "\n"
    if args.file is None:
        sys.stdout.write(text)
        return
    write(args.file, text)
    if r.sizes("field", "bytes"):
        write(svg, "\n".join(draw_plot(r)) + "\n")


def check_gates(args):
    r = results.Results.load(args.results)
    found = gates.verdicts(r)
    for v in found:
        measured = v.gate.text(v.measured) if v.measured is not None else "not measured together"
        line = f"{v.state if v.state == 'kept' else v.state.upper()}: {v.gate.what()}: {measured}"
        where = f" at {v.case.where}" if v.case.where else ""
        print(f"{line}{where}, {v.interval()} (promised {v.gate.promised()})")
    for gate in gates.left_out(r):
        print(f"NOT MEASURED: {gate.what()} (promised {gate.promised()})")
    if not found or any(v.state != "kept" for v in found):
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("markdown")
    p.add_argument("results")
    p.add_argument("file", nargs="?")
    p.set_defaults(run=markdown)
    p = commands.add_parser("gates")
    p.add_argument("results")
    p.set_defaults(run=check_gates)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
