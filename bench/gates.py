"""What is promised of libfle's speed, as ratios within one run, and whether a run kept it."""

import dataclasses

# Columns of the table, and what a batch of 64 fields must reach at each of them: how many times
# faster than libmongocrypt's explicit calls, and than the better interface of IPsec-MB.
SIZES = (4, 16, 64, 256, 1024, 16384)
OVER_LIBMONGOCRYPT = {"det_encrypt": (28, 28, 20, 14, 8, 5),
                      "rand_encrypt": (40, 40, 28, 20, 11, 6),
                      "decrypt": (36, 36, 24, 18, 9, 4)}
OVER_IPSEC_MB = (1.35, 1.35, 1.2, 1.15, 1.08, 0.95)
SMALL = (4, 16, 64)
# Two medians closer than this are equal: runs of the same code differ by as much.
TIE = 0.98
WALK_LIMIT_NS = 8.0
OPERATIONS = {"det_encrypt": "deterministic encryption", "rand_encrypt": "random encryption",
              "decrypt": "decryption"}


@dataclasses.dataclass
class Gate:
    what: str
    promised: str
    measured: str
    kept: bool


def ratio_gate(what, promised, measured, at="", slack=1.0):
    """measured must be promised or more."""
    return Gate(what, f"{promised:g}x", f"{measured:.2f}x{at}", measured >= promised * slack)


def size_name(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


def batch_ratio(r, op, size, peer):
    """How many times faster a batch of libfle is, or None where one of both was not measured."""
    ours = r.field(op, "fle", size, 64)
    theirs = r.field(op, "libmongocrypt", size, 1) if peer == "libmongocrypt" else \
        r.ipsec_mb(op, size)
    return theirs / ours if ours and theirs else None


def batch_gates(r, op, peer):
    """One gate, or None, for each of SIZES."""
    promised = OVER_LIBMONGOCRYPT[op] if peer == "libmongocrypt" else OVER_IPSEC_MB
    for size, factor in zip(SIZES, promised):
        measured = batch_ratio(r, op, size, peer)
        what = f"{OPERATIONS[op]} of {size_name(size)} in batches of 64, against {peer}"
        yield ratio_gate(what, factor, measured) if measured else None


def worst(ratios):
    """(ratio, where) of the smallest of {where: ratio or None}, or None."""
    known = [(v, k) for k, v in ratios.items() if v]
    return min(known) if known else None


def quotient(theirs, ours):
    return theirs / ours if theirs and ours else None


def single_gates(r):
    calls = {"one field in a batch": "fle", "one explicit call": "fle_value"}
    for what, impl in calls.items():
        q = quotient(r.field("det_encrypt", "libmongocrypt", 4, 1),
                     r.field("det_encrypt", impl, 4, 1))
        if q:
            yield ratio_gate(f"{what}, deterministic int32, against libmongocrypt", 8, q)
    for what, impl in calls.items():
        for op, op_name in OPERATIONS.items():
            least = worst({size: quotient(r.field(op, "openssl", size, 1),
                                          r.field(op, impl, size, 1))
                           for size in r.sizes("field", "bytes")})
            if least:
                yield ratio_gate(f"{what}, {op_name}, against OpenSSL at the worst size", 1,
                                 least[0], f" at {size_name(least[1])}", TIE)


def avx2_gates(r):
    for op, op_name in OPERATIONS.items():
        least = worst({size: quotient(r.ipsec_mb(op, size, "ipsec_mb_avx2"),
                                      r.field(op, "fle_avx2", size, 64)) for size in SMALL})
        if least:
            yield ratio_gate(f"{op_name} of 4 to 64 B without AVX-512, against IPsec-MB's AVX2", 1,
                             least[0], f" at {size_name(least[1])}")


def document_gates(r):
    for op, factor in (("decrypt", 20), ("encrypt", 15)):
        q = quotient(r.document(op, "libmongocrypt", 1500, "det"),
                     r.document(op, "fle", 1500, "det"))
        if q:
            yield ratio_gate(f"{op} 1,500 deterministic fields of one document, against "
                             "libmongocrypt", factor, q)


INSERTS = {4: "one patient", 4000: "1,000 patients"}  # by the values that they encrypt


def command_gates(r):
    for values, what in INSERTS.items():
        whole, analysis, seal = (r.command(op, "fle", "insert", values)
                                 for op in ("encrypt", "analyze", "seal"))
        q = quotient(r.command("encrypt", "libmongocrypt", "insert", values), whole)
        if q:
            yield ratio_gate(f"the whole insert of {what}, against libmongocrypt's part of it", 10,
                             q)
        share = quotient(analysis, seal)
        if share:
            yield Gate(f"the analysis of an insert of {what}, against encrypting its values",
                       "at most 30 %", f"{100 * share:.0f} %", share <= 0.3)


# Rows of interface_bench, and how many times faster than libmongocrypt they are promised to be.
INTERFACE = (("decrypt", {"fields": 1500}, 12, "a reply of 1,500 fields, decrypted"),
             ("decrypt", {"fields": 5}, 6, "a reply of 5 fields, decrypted"),
             ("insert", {"patients": 1000}, 12,
              "the whole insert of 1,000 patients, against libmongocrypt's part of it,"),
             ("explicit", {"keys": 1}, 4, "one explicit int32"))


def interface_gates(r):
    for op, size, promised, what in INTERFACE:
        q = quotient(r.time("interface", op=op, impl="libmongocrypt", **size),
                     r.time("interface", op=op, impl="fle", **size))
        if q:
            yield ratio_gate(f"{what} through the C interface, against libmongocrypt", promised, q)
    one, many = (r.time("interface", op="explicit", impl="fle", keys=n) for n in (1, 10000))
    if one and many:
        yield Gate("one explicit int32 through the C interface with 10,000 cached keys, against "
                   "one key", "at most 1.5x", f"{many / one:.2f}x", many <= one * 1.5)
    one, two = (r.time("interface", op="decrypt", impl="fle", fields=1500, threads=n)
                for n in (1, 2))
    if one and two and r.meta["cpus"] >= 2:
        yield ratio_gate("replies through one handle of the C interface, two threads against one",
                         1.9, one / two)


def json_gates(r):
    for op in ("encrypt", "decrypt"):
        for size in r.sizes("json", "bytes"):
            q = quotient(r.time("json", op=op, impl="libbson", bytes=size),
                         r.time("json", op=op, impl="fle", bytes=size))
            if q:
                yield ratio_gate(f"{op} lines of JSON, against libbson's codec", 6, q)


def thread_gates(r):
    for kind, what in (("field", "fields"), ("document", "documents")):
        gains = {}
        for key, one in r.times.items():
            parts = dict(key[1:])
            if key[0] == kind and parts.get("threads") == "1":
                two = r.time(kind, **{**parts, "threads": 2})
                where = parts["op"] + " " + parts.get("bytes", parts.get("kind")) + \
                    (" B" if "bytes" in parts else "")
                gains[where] = quotient(one, two)
        least = worst(gains)
        if least:
            yield ratio_gate(f"{what}, two threads against one, worst case", 1.9, least[0],
                             f" ({least[1]})")


def limit_gates(r):
    one = r.time("keys", op="lookup", impl="fle", keys=1, threads=1)
    many = r.time("keys", op="lookup", impl="fle", keys=100000, threads=1)
    if one and many:
        yield Gate("a look-up among 100,000 cached keys, against one among 1", "at most 1.3x",
                   f"{many / one:.2f}x", many <= one * 1.3)
    for size in r.sizes("walk", "bytes"):
        walk = r.time("walk", op="find_fields", impl="fle", bytes=size)
        if walk and size > 1000000:
            yield Gate("walking one element of a 1 MiB document", f"at most {WALK_LIMIT_NS:.0f} ns",
                       f"{walk:.1f} ns", walk <= WALK_LIMIT_NS)


def rest(r):
    """Every gate beyond batch_gates."""
    if r.has_avx512():
        yield from single_gates(r)
    yield from avx2_gates(r)
    if r.has_avx512():
        yield from document_gates(r)
        yield from command_gates(r)
        yield from interface_gates(r)
        yield from json_gates(r)
    if r.meta["cpus"] >= 2:
        yield from thread_gates(r)
    yield from limit_gates(r)


def every(r):
    if r.has_avx512():  # on other machines these ratios are not promised
        for peer in ("libmongocrypt", "IPsec-MB"):
            for op in OPERATIONS:
                yield from filter(None, batch_gates(r, op, peer))
    yield from rest(r)
