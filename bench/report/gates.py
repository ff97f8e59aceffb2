"""What is promised of libfle's speed, as ratios within one run, and whether a run kept it.

A gate compares rows that ran back to back, round by round (results.py). It is kept or missed when
the whole interval of its ratio lies on one side of what is promised; else it is unsure, and
measure.py runs its rows again.
"""

import dataclasses
import math
import statistics

import results

# Columns of the tables, and what a batch of 64 fields must reach at each of them: how many times
# faster than libmongocrypt's explicit calls, and than the better interface of IPsec-MB; how near
# to the kernels alone.
SIZES = (4, 16, 64, 256, 1024, 16384)
OVER_LIBMONGOCRYPT = {"det_encrypt": (28, 28, 20, 14, 8, 5),
                      "rand_encrypt": (40, 40, 28, 20, 11, 6),
                      "decrypt": (36, 36, 24, 18, 9, 4)}
OVER_IPSEC_MB = (1.8, 1.8, 1.55, 1.55, 1.4, 1.3)
OF_LIMIT = (1.3, 1.3, 1.25, 1.25, 1.15, 1.1)
LIMIT_BATCHES = (64, 1500)
LARGEST_OF_MANY = 256  # 1,500 longer values leave the cache: their batches are shown, not promised
LARGEST_IN_STEPS = 1024  # of longer ones there are two batch sizes, one and 64, or one alone
LIMIT_LANES = (5, 8, 16)  # the fastest is the limit
DISTRIBUTIONS = {"mixed": 1.3, "short": 1.2, "long": 1.2}  # over IPsec-MB
DISTRIBUTION_BATCHES = (256, 1500)
IN_TOTAL = {2: 1.5, 4: 1.8, 8: 2.0, 16: 3.0}  # fields, and what they cost of one
# What a batch size may cost a field more than the one before it: nothing, but this much is noise
# that stays the same through a run (where the buffers of either batch happen to lie).
SAME = 1.02
BATCHES = (1, 2, 4, 8, 16, 64, 1500)
OVER_OPENSSL = {"fle": {"det_encrypt": 1.0, "rand_encrypt": 1.0, "decrypt": 1.0},
                "fle_value": {"det_encrypt": 1.0, "rand_encrypt": 1.0, "decrypt": 0.9}}
WITHOUT_AVX512 = {"fle_vaes_avx2": 1.35, "fle_avx2": 1.0}
SMALL = (4, 16, 64, 256)
OPERATIONS = {"det_encrypt": "deterministic encryption", "rand_encrypt": "random encryption",
              "decrypt": "decryption"}

# The tables of the report. Gates without a column share the last one.
FAMILIES = {
    "limit": "Against the kernels alone, at most",
    "libmongocrypt": "64 fields a batch, against libmongocrypt",
    "ipsec_mb": "64 fields a batch, against IPsec-MB",
    "mixed": "Distributions of lengths, against IPsec-MB",
    "by_one": "Distributions of lengths, against a batch for each field",
    "small": "Small batches of int32 in total, against one field, at most",
    "rising": "A field of a batch against one of the next smaller batch, at most",
    "one": "A batch of one, against OpenSSL",
    "explicit": "An explicit call, against OpenSSL",
    "without_avx512": "64 fields a batch without AVX-512, against IPsec-MB's AVX2",
    "rest": "Others",
}
# Why a gate is missed, where a reason stands: by family, or by family and row.
OF_IPSEC_MB = ("No batch can be more times as fast as IPsec-MB than IPsec-MB takes times the limit: "
               "the column *IPsec-MB* of the section *The limit* is the most that this CPU and "
               "these kernels leave.")
WALKING = "walking one element of a 1 MiB document"
IN_NANOSECONDS = ("Walking is the one promise in nanoseconds. It was made on an AMD Zen 5; a CPU of "
                  "another clock misses it without being told anything about the code. Each element "
                  "waits for the one before it: the end of its name, then a length, then the next one; "
                  "and no CPU guesses where documents end whose elements follow at random. A search of "
                  "32 bytes at once, documents entered and left without a branch, and asking the memory "
                  "ahead were each tried, and none was faster.")
FIND = "the whole find, against libmongocrypt's part of it"
ONE_VALUE = ("A find has one value, and each compression of its hashes waits for the one before: "
             "sealing it takes, on an AMD Zen 5, two thirds of the time that the promise leaves "
             "for the whole command. Besides, no function has 5 % of a find.")
FIVE_FIELDS = "decrypt 5 fields of one document, against libmongocrypt"
HALF_THE_LANES = ("Five values take the lanes as long as eight do: two compressions at eight lanes "
                  "are, on an AMD Zen 5, half the time that the promise leaves for the document.")
OF_AVX2 = ("Hashing is nine tenths of such a batch. On an AMD Zen 3, which has no AVX-512, an int32 takes 1.17 to 1.24 times the "
           "limit of the kernels that hash five messages at once, and IPsec-MB takes 1.50 to 1.62 times: 64 and 256 bytes "
           "leave 1.38 to 1.48 to any batch. A round of five takes 15.9 cycles there, in which the core could start 95 "
           "operations and starts 91: docs/performance-limits.md, *Without AVX-512*. Four messages, in "
           "the compiler's code, took 82 to 88 ns a compression of one of them on an AMD Zen 5, where their operations need 72.")
OWN_KEY = ("An explicit decryption finds the key of its payload by itself, which the composition is "
           "given: 32 ns on an AMD Zen 5 of the 380 that the promise leaves for an int32, the most of "
           "them two locked instructions, that keep the key from being freed meanwhile, and a look "
           "at the clock, for keys have an end.")
LOOK_UP = "a look-up among 100,000 cached keys, against one among 1"
OUT_OF_CACHE = ("A look-up of a key in the nearest cache takes 3.7 ns on an AMD Zen 5. Among 100,000 "
                "each reads one line of a table of 16 MiB: 2 to 5 ns more with 64 of them under way, "
                "by what else the host has in its last cache. A table of half the size has more "
                "look-ups that read a second slot, and took 1.4 times as long.")
ANALYSIS = "the analysis of an insert of 1,000 patients, against encrypting its values"
WALKED = ("A quarter of sealing the four values of a patient are 104 ns on an AMD Zen 5. Analysis takes "
          "82 where patients are like the one before them, and 176 where they are not.")
ANALYSIS_OF_ONE = "the analysis of an insert of one patient, against encrypting its values"
AROUND_IT = ("Sealing four values takes 1,200 ns on an AMD Zen 5, so 360 are promised, and analysis takes 430 to 480. A "
             "third of them is the walk through the patient; the rest is spread over all that reads the "
             "command around it, in which no function but the cursor has more than 7 %.")
TWO_THREADS = "fields, two threads against one"
OF_THE_MACHINE = ("Threads share the key, which none writes, and nothing else: each has a generator "
                  "of IVs of its own. On a virtual machine that is not alone on its host, one row of "
                  "one program went from 1.55x to 1.90x within a minute.")
REPORT = "fle report on {}, of what a walk through its documents in memory does"
PLAIN_ARCHIVE, SEALED_ARCHIVE = (REPORT.format(f"an archive of {what}patients") for what in ("", "encrypted "))
BESIDES_WALKING = ("A walk takes some 100 ns a document of patients in memory. A report also reads them from the file, "
                   "checks the checksum of all of their bytes and puts each deterministic value into a table: of "
                   "encrypted ones, which have few elements and many bytes, that is more than the walk itself.")


def stream_row(op, name):
    return f"fle {op} on a stream of {name}, of what the batch engine does alone"


OF_THE_FILE = ("The engine's values stay in the cache, and a stream's never were in it: beside 100 of the engine's "
               "time to decrypt, the system takes 44 to read the file on an AMD Zen 5, of 67 that the promise "
               "leaves. docs/performance-limits.md says what takes the rest.")
OF_TEXT = ("Reading a line takes one and a half times as long as opening its values, and copying it out of the "
           "system's cache as long as that: docs/performance-limits.md, *Where the time of a stream goes*.")
AROUND_THE_KERNELS = ("An int32 of 64 is decrypted in 65 ns on an AMD Zen 5, of which two compressions and a block on data that "
                      "stays where it is are 43. 6 bring messages into lanes and MACs out of them; 3 are AES, where one "
                      "block has a register for four; 9 are spent on checking jobs and bringing them into the kernels' form "
                      "for tags and again for blocks, 4 on comparing tags and reading padding, 1 on wiping. "
                      "Blocks put together in registers, the messages of a group under one mask, half as long loops, "
                      "software prefetch and chunks of one class as they are were each tried, and none was faster: each "
                      "was more code, and where samples fall says that the core waits for instructions already. The order "
                      "in which the linker puts the functions moves these rows by up to 7 %.")
WIDE_STEPS = ("On an AMD Zen 5 a compression of two messages takes 1.49 times as long as that of one, of eight 1.57 times, and of "
              "sixteen 2.70 times, for two groups of eight share units of which one leaves some idle. Besides, each "
              "field of a batch has 20 to 30 ns of its own, which one field alone has beside its hashes, and sixteen "
              "wipe 9 KiB of stack behind each of their two or three kernel functions.")
OUT_OF_L2 = ("1,500 values of 256 bytes and their payloads are 1 MiB, as much as the second cache has. All tags are checked before "
             "the first block is decrypted, so each payload is read from behind it twice. Asking ahead for the next "
             "group's payloads made no row faster.")
WHY = {"without_avx512": OF_AVX2, "limit": AROUND_THE_KERNELS, "small": WIDE_STEPS, "rising": OUT_OF_L2,
       "ipsec_mb": OF_IPSEC_MB,
       ("rest", WALKING): IN_NANOSECONDS, ("rest", FIND): ONE_VALUE,
       ("rest", FIVE_FIELDS): HALF_THE_LANES, ("explicit", OPERATIONS["decrypt"]): OWN_KEY,
       ("rest", LOOK_UP): OUT_OF_CACHE, ("rest", ANALYSIS): WALKED, ("rest", ANALYSIS_OF_ONE): AROUND_IT,
       ("rest", TWO_THREADS): OF_THE_MACHINE,
       ("rest", PLAIN_ARCHIVE): BESIDES_WALKING, ("rest", SEALED_ARCHIVE): BESIDES_WALKING,
       ("rest", stream_row("decrypt", "patients")): OF_THE_FILE,
       ("rest", stream_row("decrypt", "lines of JSON")): OF_TEXT}


@dataclasses.dataclass
class Case:
    """Sums of rows, [(weight, key)...]: what is measured is `top` divided by `bottom`."""
    top: list
    bottom: list
    where: str = ""

    def rows(self):
        return [row for _, row in self.top + self.bottom]


@dataclasses.dataclass
class Gate:
    """Kept where it is kept in all of its cases, missed where it is missed in one."""
    family: str
    row: str
    column: str
    bound: float
    cases: list
    at_most: bool = False
    unit: str = "x"

    def what(self):
        return ", ".join(filter(None, [FAMILIES[self.family] if self.family != "rest" else "",
                                       self.row, self.column]))

    def number(self, value):
        if self.unit == "%":
            return f"{100 * value:.0f}"
        return f"{value:.1f}" if value >= 10 or self.unit == "ns" else f"{value:.2f}"

    def text(self, value):
        return self.number(value) + {"x": "x", "%": " %", "ns": " ns"}[self.unit]

    def promised(self):
        bound = {"x": f"{self.bound:g}x", "%": f"{100 * self.bound:g} %",
                 "ns": f"{self.bound:g} ns"}[self.unit]
        return f"at most {bound}" if self.at_most else bound

    def why(self):
        return WHY.get((self.family, self.row), WHY.get(self.family, ""))


@dataclasses.dataclass
class Verdict:
    gate: Gate
    state: str        # kept, missed, unsure
    case: Case
    rounds: int
    measured: float   # the median over the rounds; None before the rows have met in one
    low: float = None
    high: float = None

    def interval(self):
        g = self.gate
        if self.low is None or math.isinf(self.low):
            return "too few rounds"
        return f"{g.number(self.low)} to {g.number(self.high)}"


def judge_case(r, gate, case):
    values = r.paired(case.top, case.bottom)
    if not values:
        return Verdict(gate, "unsure", case, 0, None)
    low, high = results.interval(values)
    if (high <= gate.bound) if gate.at_most else (low >= gate.bound):
        state = "kept"
    elif (low > gate.bound) if gate.at_most else (high < gate.bound):
        state = "missed"
    else:
        state = "unsure"
    return Verdict(gate, state, case, len(values), statistics.median(values), low, high)


def judge(r, gate):
    """The worst verdict of all cases: not that of the worst median, for another case may be unsure
    or missed beside it."""
    def badness(v):
        median = math.inf if v.measured is None else v.measured if gate.at_most else -v.measured
        return ("kept", "unsure", "missed").index(v.state), median
    return max((judge_case(r, gate, case) for case in gate.cases), key=badness)


def size_name(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB" if size < 1 << 20 else "1 MiB"


def field_key(op, impl, size, batch, **more):
    return results.key("field", op=op, impl=impl, bytes=size, batch=batch, **more)


def ratio_cases(r, theirs, ours, where=""):
    """Ours against each of theirs that was measured: the fastest of them is the worst case."""
    return [Case([(1, row)], [(1, ours)], where) for row in theirs
            if row in r.times and ours in r.times]


def ipsec_mb_keys(op, size, batch, impl="ipsec_mb"):
    return [field_key(op, impl, size, batch, api=api) for api in ("job", "burst")]


# ---- The limit

AD_LEN, IV_LEN, AL_LEN, BLOCK, SHA_BLOCK, SHA_PADDING = 18, 16, 8, 16, 128, 17


def compressions(message):
    """Of one HMAC from midstates: those of the inner hash, and one of the outer."""
    return -(-(message + SHA_PADDING) // SHA_BLOCK) + 1


def limit_work(op, size):
    """(SHA-512 compressions, AES blocks, IVs drawn) of a field of AEAD_AES_256_CBC_HMAC_SHA_512."""
    padded = (size // BLOCK + 1) * BLOCK
    n = compressions(AD_LEN + IV_LEN + padded + AL_LEN)
    if op == "det_encrypt":
        n += compressions(AD_LEN + AL_LEN + size)
    return n, padded // BLOCK, int(op == "rand_encrypt")


def limit_terms(op, size, lanes):
    """[(weight, key)...]: what a field needs of a kernel that gets `lanes` messages at once."""
    n, blocks, ivs = limit_work(op, size)
    cbc = "cbc_decrypt" if op == "decrypt" else "cbc_encrypt"

    def row(name, at_once):
        return results.key("limit", op=name, impl="fle", lanes=at_once)
    terms = [(n, row("sha512", lanes)), (blocks, row(cbc, lanes)), (ivs, row("iv", 64))]
    return [(weight, key) for weight, key in terms if weight]


def limit_cases(r, op, size, batch):
    ours = field_key(op, "fle", size, batch)
    cases = [Case([(1, ours)], limit_terms(op, size, lanes)) for lanes in LIMIT_LANES]
    return [c for c in cases if all(row in r.times for row in c.rows())]


def limit_gates(r):
    for op, op_name in OPERATIONS.items():
        for batch in LIMIT_BATCHES:
            for size, bound in zip(SIZES, OF_LIMIT):
                if batch == 64 or size <= LARGEST_OF_MANY:
                    yield Gate("limit", f"{op_name}, {batch:,} a batch", size_name(size), bound,
                               limit_cases(r, op, size, batch), at_most=True)


# ---- Fields

def batch_gates(r):
    for op, op_name in OPERATIONS.items():
        for i, size in enumerate(SIZES):
            ours = field_key(op, "fle", size, 64)
            theirs = {"libmongocrypt": (OVER_LIBMONGOCRYPT[op][i],
                                        [field_key(op, "libmongocrypt", size, 1)]),
                      "ipsec_mb": (OVER_IPSEC_MB[i], ipsec_mb_keys(op, size, 64))}
            for peer, (bound, rows) in theirs.items():
                yield Gate(peer, op_name, size_name(size), bound, ratio_cases(r, rows, ours))


def distribution_gates(r):
    for op, op_name in OPERATIONS.items():
        for name, bound in DISTRIBUTIONS.items():
            for batch in DISTRIBUTION_BATCHES:
                ours = field_key(op, "fle", name, batch)
                column = f"{name}, {batch:,}"
                yield Gate("mixed", op_name, column, bound,
                           ratio_cases(r, ipsec_mb_keys(op, name, batch), ours))
                yield Gate("by_one", op_name, column, 1.0, ratio_cases(
                    r, [field_key(op, "fle_by_one", name, batch)], ours))


def small_gates(r):
    for op, op_name in OPERATIONS.items():
        one = field_key(op, "fle", 4, 1)
        for n, bound in IN_TOTAL.items():
            many = field_key(op, "fle", 4, n)
            cases = [Case([(n, many)], [(1, one)])] if {one, many} <= r.times.keys() else []
            yield Gate("small", op_name, f"{n} fields", bound, cases, at_most=True)
        for size in r.sizes("field", "bytes"):
            rows = [(b, field_key(op, "fle", size, b)) for b in BATCHES
                    if b <= 64 or size <= LARGEST_OF_MANY]
            rows = [(b, row) for b, row in rows if row in r.times]
            steps = [Case([(1, more)], [(1, less)], f"{n:,} a batch")
                     for (_, less), (n, more) in zip(rows, rows[1:]) if len(rows) > 2]
            if steps or size <= LARGEST_IN_STEPS:
                yield Gate("rising", op_name, size_name(size), SAME, steps, at_most=True)


def single_gates(r):
    for impl, bounds in OVER_OPENSSL.items():
        for op, op_name in OPERATIONS.items():
            for size in r.sizes("field", "bytes"):
                yield Gate("one" if impl == "fle" else "explicit", op_name, size_name(size),
                           bounds[op], ratio_cases(r, [field_key(op, "openssl", size, 1)],
                                                   field_key(op, impl, size, 1)))
    for impl, what in (("fle", "one field in a batch"), ("fle_value", "one explicit call")):
        yield rest(f"{what}, deterministic int32, against libmongocrypt", 8, ratio_cases(
            r, [field_key("det_encrypt", "libmongocrypt", 4, 1)],
            field_key("det_encrypt", impl, 4, 1)))


def without_avx512_gates(r):
    for impl, bound in WITHOUT_AVX512.items():
        for op, op_name in OPERATIONS.items():
            for size in SMALL:
                theirs = ipsec_mb_keys(op, size, 64, "ipsec_mb_avx2")
                yield Gate("without_avx512", f"{op_name}, {impl[4:]}", size_name(size), bound,
                           ratio_cases(r, theirs, field_key(op, impl, size, 64)))


# ---- The rest

def rest(what, bound, cases, at_most=False, unit="x"):
    return Gate("rest", what, "", bound, cases, at_most, unit)


def rows_of(r, kind, **parts):
    return [row for row in r.times if row[0] == kind and parts.items() <=
            results.parts_of(row).items()]


def against(r, what, bound, program, ours, theirs, /, **parts):
    """A ratio of two rows of one program that differ by the parts `ours` and `theirs`."""
    return rest(what, bound, ratio_cases(r, [results.key(program, **{**parts, **theirs})],
                                         results.key(program, **{**parts, **ours})))


FLE, LIBMONGOCRYPT = {"impl": "fle"}, {"impl": "libmongocrypt"}


def document_gates(r):
    for op, fields, kind, bound in (("decrypt", 1500, "det", 20), ("encrypt", 1500, "det", 15),
                                    ("decrypt", 5, "half", 18)):
        what = "deterministic fields" if kind == "det" else "fields"
        yield against(r, f"{op} {fields:,} {what} of one document, against libmongocrypt", bound,
                      "document", FLE, LIBMONGOCRYPT, op=op, fields=fields, kind=kind, batch=1)


# By command and the values that it encrypts: what it is, the whole command against libmongocrypt's
# part, and the most that analysis may take of sealing.
COMMANDS = {("insert", 4): ("insert of one patient", 12, 0.3),
            ("insert", 4000): ("insert of 1,000 patients", 10, 0.25),
            ("find", 1): ("find", 8, None),
            ("update", 3): ("update", 8, None)}


def command_gates(r):
    for (command, values), (what, bound, share) in COMMANDS.items():
        parts = {"command": command, "values": values}
        yield against(r, f"the whole {what}, against libmongocrypt's part of it", bound, "command",
                      FLE, LIBMONGOCRYPT, op="encrypt", **parts)
        if share:
            cases = ratio_cases(r, [results.key("command", op="analyze", impl="fle", **parts)],
                                results.key("command", op="seal", impl="fle", **parts))
            yield rest(f"the analysis of an {what}, against encrypting its values", share, cases,
                       at_most=True, unit="%")


# Rows of interface_bench, and how many times faster than libmongocrypt they are promised to be.
INTERFACE = (("decrypt", {"fields": 1500}, 12, "a reply of 1,500 fields, decrypted"),
             ("decrypt", {"fields": 5}, 6, "a reply of 5 fields, decrypted"),
             ("insert", {"patients": 1000}, 12,
              "the whole insert of 1,000 patients, against libmongocrypt's part of it,"),
             ("explicit", {"keys": 1}, 4, "one explicit int32"))


def interface_gates(r):
    for op, size, bound, what in INTERFACE:
        yield against(r, f"{what} through the C interface, against libmongocrypt", bound,
                      "interface", FLE, LIBMONGOCRYPT, op=op, **size)
    one, many = (results.key("interface", op="explicit", impl="fle", keys=n) for n in (1, 10000))
    yield rest("one explicit int32 through the C interface with 10,000 cached keys, against one "
               "key", 1.5, ratio_cases(r, [many], one), at_most=True)
    if r.meta["cpus"] >= 2:
        yield against(r, "replies through one handle of the C interface, two threads against one",
                      1.9, "interface", {"threads": 2}, {"threads": 1}, op="decrypt", impl="fle",
                      fields=1500)


def json_gates(r):
    for op in ("encrypt", "decrypt"):
        ours, theirs = (rows_of(r, "json", op=op, impl=impl) for impl in ("fle", "libbson"))
        yield rest(f"{op} lines of JSON, against libbson's codec", 6,
                   [Case([(1, their)], [(1, our)]) for our in ours for their in theirs])


def stream_gates(r):
    for op in ("encrypt", "decrypt"):
        for fmt, name, bound in (("bson", "patients", 0.6), ("json", "lines of JSON", 0.25)):
            cases = []
            for command in rows_of(r, "stream", op=op, impl="fle_command", format=fmt):
                threads = results.parts_of(command)["threads"]
                engine = rows_of(r, "stream", op=op, impl="engine", threads=threads)
                cases += ratio_cases(r, engine, command, f"{threads} threads")
            yield rest(stream_row(op, name), bound, cases, unit="%")


def report_gates(r):
    for of, what in (("plain", PLAIN_ARCHIVE), ("sealed", SEALED_ARCHIVE)):
        cases = []
        for command in rows_of(r, "stream", op="report", impl="fle_command", of=of):
            threads = results.parts_of(command)["threads"]
            walk = rows_of(r, "stream", op="report", impl="walk", of=of, threads=threads)
            cases += ratio_cases(r, walk, command, f"{threads} threads")
        yield rest(what, 0.8, cases, unit="%")


def thread_gates(r):
    for kind in ("field", "document"):
        cases = []
        for row in r.times:
            parts = results.parts_of(row)
            if row[0] == kind and parts.get("threads") == "1":
                where = parts["op"] + " " + (parts["bytes"] + " B" if kind == "field" else
                                             parts["kind"])
                cases += ratio_cases(r, [row], results.key(kind, **{**parts, "threads": 2}), where)
        yield rest(f"{kind}s, two threads against one", 1.95, cases)


def key_gates(r):
    one, many = (results.key("keys", op="lookup", impl="fle", keys=n, threads=1)
                 for n in (1, 100000))
    yield rest(LOOK_UP, 1.3, ratio_cases(r, [many], one), at_most=True)


def walk_gates(r):
    rows = [results.key("walk", op="find_fields", impl="fle", bytes=size)
            for size in r.sizes("walk", "bytes") if size > 1000000]
    yield rest(WALKING, 7, [Case([(1, row)], []) for row in rows if row in r.times],
               at_most=True, unit="ns")


# Promised on machines with AVX-512; then, those promised on every machine.
WITH_AVX512 = (limit_gates, batch_gates, distribution_gates, small_gates, single_gates)
REST_WITH_AVX512 = (document_gates, command_gates, interface_gates, json_gates,
                    stream_gates)


def all_gates(r):
    """Every gate of this machine, with the cases that were measured: with none, perhaps."""
    def all_of(functions):
        for f in functions:
            yield from f(r)
    avx512 = r.has_avx512()
    found = [*all_of(WITH_AVX512 if avx512 else ()), *without_avx512_gates(r),
             *all_of(REST_WITH_AVX512 if avx512 else ())]
    if r.meta["cpus"] >= 2:
        found += thread_gates(r)
    return found + [*key_gates(r), *walk_gates(r), *report_gates(r)]


def every(r):
    """Every gate whose rows were measured."""
    return [g for g in all_gates(r) if g.cases]


def left_out(r):
    """What is promised and was not measured, though nobody asked for a part only: a program or a
    peer is not in this build, or a row has another name now. It is not kept."""
    return [] if r.meta.get("filter") else [g for g in all_gates(r) if not g.cases]


def verdicts(r):
    return [judge(r, g) for g in every(r)]
