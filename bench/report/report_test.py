#!/usr/bin/env python3
"""Tests of the report: intervals are counted right, gates judge, unsure ones are measured again,
tables show what was measured, the plot is well-formed."""

import contextlib
import io
import json
import math
import os
import random
import sys
import tempfile
import types
import unittest
import unittest.mock
import xml.dom.minidom

sys.dont_write_bytecode = True
import gates  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402

LIMIT = {"sha512": 15, "cbc_encrypt": 1, "cbc_decrypt": 1, "iv": 4}


def sum_of(op, size):
    n, blocks, ivs = gates.limit_work(op, size)
    return n * LIMIT["sha512"] + blocks + ivs * LIMIT["iv"]


def measurements(**changes):
    """Eight rounds that keep every promise: of a field libfle takes 1.05 times the limit; `changes`
    are factors of that, or times."""
    f = {"libmongocrypt": 80, "openssl": 8.5, "ipsec_mb": 1.9, "fle_vaes_avx2": 1.5,
         "ipsec_mb_avx2": 2.1, "fle_value": 8.2, "limit": 1, "by_one": 4, "sixteen": 3,
         "two_threads": 0.51, "many_keys": 120, "their_insert": 25000,
         "analysis": 240, "their_json": 700, "their_interface": 1300, "many_cached": 100,
         "walk": 6.5, "command": 100, "json_command": 250, "report": 100, **changes}
    rows, labels = {}, {}
    in_total = {1: 1, 2: 1.5, 4: 1.8, 8: 2, 16: f["sixteen"]}
    for op in gates.OPERATIONS:
        for size in (*gates.SIZES, *gates.DISTRIBUTIONS):
            ours = 1.05 * sum_of(op, size if isinstance(size, int) else 64)

            def field(impl, batch, factor, more="", op=op, size=size, ours=ours):
                rows[f"field/op:{op}/impl:{impl}/bytes:{size}/batch:{batch}{more}"] = factor * ours
            for batch in (64, 256, 1500):
                field("fle", batch, 1)
                field("fle_by_one", batch, f["by_one"])
                # The slower interface does not count.
                field("ipsec_mb", batch, 10, "/api:job")
                field("ipsec_mb", batch, f["ipsec_mb"], "/api:burst")
            if not isinstance(size, int):
                continue
            labels[f"field/op:{op}/impl:fle/bytes:{size}/batch:64"] = "vaes_avx512"
            for batch, factor in in_total.items():
                field("fle", batch, 8 * factor / batch)
            for impl in ("fle_value", "libmongocrypt", "openssl"):
                field(impl, 1, f[impl])
            field("fle_vaes_avx2", 64, f["fle_vaes_avx2"])
            field("fle_avx2", 64, 2)
            field("ipsec_mb_avx2", 64, f["ipsec_mb_avx2"], "/api:job")
            field("fle", 64, 1, "/real_time/threads:1")
            field("fle", 64, f["two_threads"], "/real_time/threads:2")
    for op, ns in LIMIT.items():
        for lanes in ((64,) if op == "iv" else (1, 8, 16)):
            slow = 8 if lanes == 1 else 1.02 if lanes == 8 else 1
            rows[f"limit/op:{op}/impl:fle/lanes:{lanes}"] = ns * slow * f["limit"]
    for op, fields, kind in (("encrypt", 1500, "det"), ("decrypt", 1500, "det"),
                             ("decrypt", 5, "half")):
        name = f"document/op:{op}/impl:{{}}/fields:{fields}/kind:{kind}/batch:1"
        rows[name.format("fle")], rows[name.format("libmongocrypt")] = 150e3, 3.3e6
    for threads, factor in ((1, 1), (2, f["two_threads"])):
        rows["document/op:encrypt/impl:fle/fields:1500/kind:det/batch:1/real_time/"
             f"threads:{threads}"] = 150e3 * factor
    for command, values in gates.COMMANDS:
        for op, impl, ns in (("encrypt", "fle", 2000), ("analyze", "fle", f["analysis"]),
                             ("encrypt", "libmongocrypt", f["their_insert"]),
                             ("seal", "fle", 1000)):
            rows[f"command/op:{op}/impl:{impl}/command:{command}/values:{values}"] = ns
    for op, size in (("decrypt", "fields:1500"), ("decrypt", "fields:5"),
                     ("insert", "patients:1000"), ("explicit", "keys:1"),
                     ("explicit", "keys:10000")):
        name = f"interface/op:{op}/impl:{{}}/{size}"
        rows[name.format("fle")] = f["many_cached"] if "10000" in size else 100
        rows[name.format("libmongocrypt")] = f["their_interface"]
    for threads, factor in ((1, 1), (2, f["two_threads"])):
        rows[f"interface/op:decrypt/impl:fle/fields:1500/real_time/threads:{threads}"] = \
            100 * factor
    for op in ("read", "write", "encrypt", "decrypt"):
        name = f"json/op:{op}/impl:{{}}/bytes:500"
        rows[name.format("fle")], rows[name.format("libbson")] = 100, f["their_json"]
    for n, ns in ((1, 100), (100000, f["many_keys"])):
        rows[f"keys/op:lookup/impl:fle/keys:{n}/real_time/threads:1"] = ns
    for op in ("encrypt", "decrypt"):
        for threads in (1, 2):
            name = f"stream/op:{op}/impl:{{}}/threads:{threads}/documents:1000/real_time"
            rows[name.format("engine")] = 65
            rows[name.format("fle_command/format:bson")] = f["command"]
            rows[name.format("fle_command/format:json")] = f["json_command"]
    for of in ("plain", "sealed"):
        for threads in (1, 2):
            name = f"stream/op:report/impl:{{}}/of:{of}/threads:{threads}/documents:1000/real_time"
            rows[name.format("walk")] = 85
            rows[name.format("fle_command")] = f["report"]
    rows["walk/op:find_fields/impl:fle/bytes:1048454"] = f["walk"]
    return {"cpu": "test", "cpus": 2, "compiler": "test", "commit": "test", "date": "2000-01-01",
            "command": "test", "seconds": 1, "labels": labels, "rounds": [rows] * 8}


class Interval(unittest.TestCase):
    def test_known_data(self):
        # Of 8 values none has both tails below half a percent but the outermost: 2 / 2^8 = 0.8 %.
        self.assertEqual(results.interval([3, 1, 2, 8, 5, 6, 7, 4]), (1, 8))
        # 2 (1 + 11) / 2^11 = 1.2 %, so of eleven the second ones are not enough at 99 %.
        self.assertEqual(results.interval(range(1, 12)), (1, 11))
        self.assertEqual(results.interval(range(1, 12), 0.95), (2, 10))
        # A table of the sign test: n = 21 at 99 % takes the 5th value from either side.
        self.assertEqual(results.interval(range(1, 22)), (5, 17))

    def test_fewer_than_eight_values_say_nothing(self):
        self.assertEqual(results.interval([1] * 7), (-math.inf, math.inf))

    def test_an_outlier_does_not_move_it(self):
        values = [1.0, 1.1] * 10
        self.assertEqual(results.interval(values + [1.05]), results.interval(values + [1000]))

    def test_it_holds_the_median_as_often_as_it_says(self):
        rng = random.Random(1)
        hits = 0
        for _ in range(2000):
            low, high = results.interval([rng.expovariate(1) for _ in range(21)])
            hits += low <= math.log(2) <= high
        self.assertGreaterEqual(hits / 2000, 0.985)


def two_rows(ratios):
    """A walk that is promised at most 7 ns and takes these times."""
    name = "walk/op:find_fields/impl:fle/bytes:1048454"
    data = measurements()
    data["rounds"] = [{name: 7 * ratio} for ratio in ratios]
    return data, name


class Judging(unittest.TestCase):
    def state(self, ratios):
        return gates.verdicts(results.Results(two_rows(ratios)[0]))[0].state

    def test_a_gate_is_decided_only_when_the_interval_lies_on_one_side(self):
        self.assertEqual(self.state([0.9, 0.99] * 4), "kept")
        self.assertEqual(self.state([1.01, 1.1] * 4), "missed")
        self.assertEqual(self.state([0.9] * 7 + [1.1]), "unsure")
        self.assertEqual(self.state([0.9] * 7), "unsure")

    def test_ratios_are_those_of_each_round(self):
        # Both sides slow down together by up to ten times; the ratio stays.
        name = "json/op:{}/impl:{}/bytes:500"
        data = measurements()
        data["rounds"] = [{name.format(op, "fle"): 100 * slow,
                           name.format(op, "libbson"): 610 * slow}
                          for slow in (1, 3, 10, 2, 1, 5, 1, 2) for op in ("encrypt",)]
        verdict, = gates.verdicts(results.Results(data | {"labels": {
            name.format("encrypt", "fle"): "vaes_avx512"}}))
        self.assertEqual((verdict.state, verdict.low, verdict.high), ("kept", 6.1, 6.1))

    def test_rows_of_different_rounds_are_no_pair(self):
        data = measurements()
        data["rounds"] = [{name: ns} for name, ns in data["rounds"][0].items()] * 8
        states = {v.state for v in gates.verdicts(results.Results(data))
                  if v.gate.unit != "ns"}
        self.assertEqual(states, {"unsure"})

    def test_the_worst_case_is_judged(self):
        data = measurements()
        slow = "field/op:decrypt/impl:fle/bytes:16/batch:64/real_time/threads:2"
        data["rounds"] = [{**r, slow: r[slow] * 1.2} for r in data["rounds"]]
        missed = [v for v in gates.verdicts(results.Results(data)) if v.state == "missed"]
        self.assertEqual([v.case.where for v in missed], ["decrypt 16 B"])


    def test_a_case_that_is_unsure_is_not_hidden_by_one_with_a_worse_median(self):
        # The burst interface decides by its median; what the other one is worth nobody can tell.
        data = measurements()
        job = "field/op:decrypt/impl:ipsec_mb/bytes:16/batch:64/api:job"
        data["rounds"] = [{**r, job: r[job] / (10 if i % 2 else 3)}
                          for i, r in enumerate(data["rounds"])]
        unsure = [v for v in gates.verdicts(results.Results(data)) if v.state != "kept"]
        self.assertEqual([(v.state, v.gate.family, v.gate.column) for v in unsure],
                         [("unsure", "ipsec_mb", "16 B")])

    def test_what_was_not_measured_is_told(self):
        data = measurements()
        data["rounds"] = [{name: ns for name, ns in r.items()
                           if not name.startswith(("walk/", "json/op:encrypt"))}
                          for r in data["rounds"]]
        told = [g.what() for g in gates.left_out(results.Results(data))]
        self.assertEqual(told, ["encrypt lines of JSON, against libbson's codec", gates.WALKING])
        # But not where a part was asked for.
        self.assertEqual(gates.left_out(results.Results({**data, "filter": "field"})), [])


    def test_reasons_belong_to_gates_that_there_are(self):
        every = {(g.family, g.row) for g in gates.every(results.Results(measurements()))}
        for where in gates.WHY:
            self.assertIn(where, every if isinstance(where, tuple) else gates.FAMILIES)


class Asking(unittest.TestCase):
    def test_a_program_that_runs_other_rows_than_it_was_asked_for_ends_the_run(self):
        program = measure.Program.__new__(measure.Program)
        program.name = "test"
        program.process = types.SimpleNamespace(stdin=io.StringIO())
        for found in ([("a", 1.0)], [("a", 1.0), ("a", 1.0)], [("a", 1.0), ("c", 1.0)]):
            program.answer = lambda found=found: iter(found)
            with self.assertRaisesRegex(SystemExit, "other rows"):
                program.run(1, ["a", "b"])
        program.answer = lambda: iter([("a", 1.0), ("b", 2.0), ("b", 3.0), ("a", 4.0)])
        self.assertEqual(program.run(2, ["a", "b"]), [{"a": 1.0, "b": 2.0}, {"a": 4.0, "b": 3.0}])


class Repeating(unittest.TestCase):
    def repeat(self, first, then, patience=60):
        """What is asked of a program whose gate gave `first`; later runs give `then`."""
        data, name = two_rows(first)
        asked = []

        def run(rounds, names):
            asked.append(names)
            return [{name: 7 * then} for _ in range(rounds)]
        program = types.SimpleNamespace(first={name: 7}, run=run)
        with contextlib.redirect_stderr(io.StringIO()):
            measure.repeat(data, [program], 9, patience)
        self.assertTrue(all(names == [name] for names in asked))
        return gates.verdicts(results.Results(data))[0].state, len(asked)

    def test_an_unsure_gate_is_repeated_until_it_is_decided(self):
        unsure = [0.9, 1.1] * 4
        self.assertEqual(self.repeat(unsure, 0.95), ("kept", 2))
        self.assertEqual(self.repeat(unsure * 2, 1.05), ("missed", 2))

    def test_a_decided_one_is_not(self):
        self.assertEqual(self.repeat([0.9] * 8, 2), ("kept", 0))

    def test_it_ends_when_the_time_is_up(self):
        self.assertEqual(self.repeat([0.9, 1.1] * 4, 1, patience=0), ("unsure", 0))


class Planning(unittest.TestCase):
    def test_the_rows_of_every_gate_run_together(self):
        r = results.Results(measurements())
        groups = [set(names) for names in measure.plan(r)]
        for gate in gates.every(r):
            for case in gate.cases:
                names = {r.names[row] for row in case.rows()}
                self.assertTrue(any(names <= group for group in groups), gate.what())
        self.assertEqual(set().union(*groups), set(r.names.values()))

    def test_every_other_round_is_turned(self):
        path = os.environ.get("FLE_BENCH_PROGRAM")
        if path is None:
            self.skipTest("no FLE_BENCH_PROGRAM")
        with tempfile.TemporaryDirectory() as folder:
            program = measure.Program(path, os.path.join(folder, "log"),
                                      ["--benchmark_min_time=0.0001"])
            rows = list(program.first)[:3]
            rounds = [list(r) for r in program.run(3, rows)]
            program.close()
        self.assertEqual(rounds, [rows, rows[::-1], rows])


class Limit(unittest.TestCase):
    def test_the_work_of_a_field(self):
        # csfle-reference: an int32 is one block; AD (18), IV (16), block and AL (8) are 58 bytes.
        self.assertEqual(gates.limit_work("decrypt", 4), (2, 1, 0))
        self.assertEqual(gates.limit_work("rand_encrypt", 4), (2, 1, 1))
        self.assertEqual(gates.limit_work("det_encrypt", 4), (4, 1, 0))
        # 16 bytes take a block of padding; at 69 the hash of the tag takes a second block.
        self.assertEqual(gates.limit_work("decrypt", 16), (2, 2, 0))
        self.assertEqual(gates.limit_work("decrypt", 63), (2, 4, 0))
        self.assertEqual(gates.limit_work("decrypt", 64), (3, 5, 0))
        self.assertEqual(gates.limit_work("det_encrypt", 85), (5, 6, 0))
        self.assertEqual(gates.limit_work("det_encrypt", 86), (6, 6, 0))


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_report(self, command, data, *args):
        """Exit status, and what was printed."""
        results = os.path.join(self.folder, "results.json")
        with open(results, "w", encoding="utf-8") as f:
            json.dump(data, f)
        out = io.StringIO()
        argv, sys.argv = sys.argv, ["report.py", command, results, *args]
        try:
            with contextlib.redirect_stdout(out):
                report.main()
            return 0, out.getvalue()
        except SystemExit as e:
            return e.code, out.getvalue()
        finally:
            sys.argv = argv

    def expect_missed(self, what, **changes):
        status, text = self.run_report("gates", measurements(**changes))
        self.assertEqual(status, 1)
        missed = [line for line in text.splitlines() if not line.startswith("kept")]
        self.assertTrue(missed)
        for line in missed:
            self.assertTrue(line.startswith("MISSED"), line)
            self.assertIn(what, line)

    def test_a_run_that_keeps_every_promise_has_status_0(self):
        status, text = self.run_report("gates", measurements())
        for line in text.splitlines():
            self.assertTrue(line.startswith("kept: "), line)
        self.assertEqual(status, 0)
        n_sizes, n_ops = len(gates.SIZES), len(gates.OPERATIONS)
        grids = n_ops * (n_sizes + 4 + 2 * n_sizes + 2 * 6 + 4 + n_sizes + 2 * n_sizes + 2 * 4)
        self.assertEqual(text.count("kept: "), grids + 2 + 3 + 6 + 6 + 2 + 4 + 2 + 1 + 1 + 2)

    def test_each_kind_of_promise_can_be_missed(self):
        self.expect_missed("Against the kernels alone", limit=0.8)
        self.expect_missed("against libmongocrypt", libmongocrypt=24)
        self.expect_missed("against IPsec-MB", ipsec_mb=1.1)
        self.expect_missed("against OpenSSL", openssl=7.9)
        self.expect_missed("An explicit call, against OpenSSL", fle_value=8.6)
        self.expect_missed("against a batch for each field", by_one=0.99)
        self.expect_missed("Small batches", sixteen=3.1)
        self.expect_missed("next smaller batch", sixteen=1.9)
        self.expect_missed("without AVX-512", fle_vaes_avx2=1.6)
        self.expect_missed("insert of one patient", their_insert=23900)
        self.expect_missed("the analysis of an insert of 1,000 patients", analysis=251)
        self.expect_missed("through the C interface, against libmongocrypt", their_interface=1199)
        self.expect_missed("10,000 cached keys", many_cached=151)
        self.expect_missed("lines of JSON", their_json=599)
        self.expect_missed("stream of patients", command=110)
        self.expect_missed("stream of lines of JSON", json_command=270)
        self.expect_missed("fle report on", report=110)
        self.expect_missed("two threads", two_threads=0.53)
        self.expect_missed("cached keys", many_keys=131)
        self.expect_missed("walking", walk=7.1)

    def test_nothing_measured_keeps_no_promise(self):
        data = measurements()
        data["rounds"] = [{"walk/op:check/impl:fle/bytes:830": 5}]
        self.assertEqual(self.run_report("gates", data)[0], 1)

    def test_without_avx512_its_ratios_are_not_judged(self):
        data = measurements(libmongocrypt=20)
        data["labels"] = {name: "aesni_avx2" for name in data["labels"]}
        status, text = self.run_report("gates", data)
        self.assertEqual(status, 0)
        self.assertNotIn("libmongocrypt", text)

    def test_the_report_shows_what_was_missed_and_every_section_measured(self):
        page = os.path.join(self.folder, "performance.md")
        data = measurements(ipsec_mb=1.79)
        data["rounds"] = [{**r, "walk/op:find_fields/impl:fle/bytes:1048454": 6 + i / 4}
                          for i, r in enumerate(data["rounds"])]
        why = unittest.mock.patch.dict(gates.WHY, {("ipsec_mb", "decryption"): "It stands."})
        why.start()
        self.addCleanup(why.stop)
        self.run_report("markdown", data, page)
        with open(page, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("**1.79x (1.79 to 1.79) of 1.8x: missed**", text)
        self.assertIn("1 unsure", text)
        self.assertIn("| at most 7 ns | 6.9 ns | 6.0 to 7.8 | *unsure* |", text)
        self.assertEqual(text.count("It stands."), 1)
        self.assertIn("](performance.svg)", text)
        # 4 compressions of 15 ns and a block are 61 ns; the batch takes 1.05 times that.
        self.assertIn("| Deterministic encryption, 4 B (int) | 4 | 1 | 0 | 61 ns | 1.05x | 1.05x |",
                      text)
        self.assertIn("| 4 B (int) | 64 ns | 512 ns | 525 ns | 5124 ns | 544 ns | 115 ns |", text)
        for title in ("## The limit", "## Documents", "## Commands", "## libmongocrypt.so.0",
                      "## Lines of JSON", "## The fle command", "## Threads", "## Keys in the cache",
                      "## Walking BSON"):
            self.assertIn(title, text)

    def test_the_plot_is_well_formed_and_has_a_line_for_each_implementation(self):
        self.run_report("markdown", measurements(), os.path.join(self.folder, "page.md"))
        svg = xml.dom.minidom.parse(os.path.join(self.folder, "page.svg"))
        self.assertEqual(len(svg.getElementsByTagName("polyline")), 5 * len(gates.OPERATIONS))


if __name__ == "__main__":
    unittest.main()
