#!/usr/bin/env python3
"""Tests of the report: gates judge, tables show what was measured, the plot is well-formed."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
import gates  # noqa: E402
import report  # noqa: E402


def row(name, item_ns, label=""):
    """Both aggregates that a benchmark program writes for one benchmark."""
    common = {"run_name": name, "run_type": "aggregate", "label": label, "cpu_time": 0.01}
    return [{**common, "aggregate_name": "median", "items_per_second": 1e9 / item_ns},
            {**common, "aggregate_name": "cv"}]


def measurements(**changes):
    """A run that keeps every promise: libfle takes 100 ns; `changes` are peers' times."""
    times = {"libmongocrypt": 5000, "openssl": 130, "ipsec_mb": 140, "fle_avx2": 100,
             "ipsec_mb_avx2": 120, "two_threads": 51, "many_keys": 120, "their_insert": 20000,
             "analysis": 300, "their_json": 700, "their_interface": 1300,
             "many_cached": 100, **changes}
    rows = []
    for op in gates.OPERATIONS:
        for size in gates.SIZES:
            def field(impl, batch, ns, more="", op=op, size=size, label=""):
                return row(f"field/op:{op}/impl:{impl}/bytes:{size}/batch:{batch}{more}", ns, label)
            rows += field("fle", 64, 100, label="vaes_avx512") + field("fle", 1, 120)
            rows += field("fle_value", 1, 125)
            rows += field("libmongocrypt", 1, times["libmongocrypt"])
            rows += field("openssl", 1, times["openssl"])
            # The slower interface does not count.
            rows += field("ipsec_mb", 64, 10000, "/api:job")
            rows += field("ipsec_mb", 64, times["ipsec_mb"], "/api:burst")
            rows += field("fle_avx2", 64, times["fle_avx2"])
            rows += field("ipsec_mb_avx2", 64, times["ipsec_mb_avx2"], "/api:job")
            rows += field("fle", 64, 100, "/real_time/threads:1")
            rows += field("fle", 64, times["two_threads"], "/real_time/threads:2")
    for op in ("encrypt", "decrypt"):
        name = f"document/op:{op}/impl:{{}}/fields:1500/kind:det/batch:1"
        rows += row(name.format("fle"), 150e3) + row(name.format("libmongocrypt"), 3.3e6)
    for op, impl, ns in (("encrypt", "fle", 2000), ("analyze", "fle", times["analysis"]),
                         ("encrypt", "libmongocrypt", times["their_insert"]),
                         ("seal", "fle", 1000)):
        rows += row(f"command/op:{op}/impl:{impl}/command:insert/values:4", ns)
    for op, size in (("decrypt", "fields:1500"), ("decrypt", "fields:5"),
                     ("insert", "patients:1000"), ("explicit", "keys:1"),
                     ("explicit", "keys:10000")):
        name = f"interface/op:{op}/impl:{{}}/{size}"
        rows += row(name.format("fle"), times["many_cached"] if "10000" in size else 100)
        rows += row(name.format("libmongocrypt"), times["their_interface"])
    for threads, ns in ((1, 100), (2, times["two_threads"])):
        rows += row("interface/op:decrypt/impl:fle/fields:1500/real_time/threads:" + str(threads),
                    ns)
    for op in ("read", "write", "encrypt", "decrypt"):
        name = f"json/op:{op}/impl:{{}}/bytes:500"
        rows += row(name.format("fle"), 100) + row(name.format("libbson"), times["their_json"])
    for n, ns in ((1, 100), (100000, times["many_keys"])):
        rows += row(f"keys/op:lookup/impl:fle/keys:{n}/real_time/threads:1", ns)
    return {"cpu": "test", "cpus": 2, "compiler": "test", "commit": "test", "date": "2000-01-01",
            "command": "test", "benchmarks": rows}


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
        missed = [line for line in text.splitlines() if line.startswith("MISSED")]
        self.assertTrue(missed)
        for line in missed:
            self.assertIn(what, line)

    def test_a_run_that_keeps_every_promise_has_status_0(self):
        status, text = self.run_report("gates", measurements())
        self.assertNotIn("MISSED", text)
        self.assertEqual(status, 0)
        self.assertEqual(text.count("kept: "),
                         2 * 3 * len(gates.SIZES) + 8 + 3 + 2 + 6 + 2 + 2 + 1 + 1)

    def test_each_kind_of_promise_can_be_missed(self):
        self.expect_missed("against libmongocrypt", libmongocrypt=900)
        self.expect_missed("against IPsec-MB", ipsec_mb=134)
        self.expect_missed("against OpenSSL", openssl=117)
        self.expect_missed("without AVX-512", ipsec_mb_avx2=99)
        self.expect_missed("the whole insert of one patient", their_insert=19900)
        self.expect_missed("the analysis of an insert", analysis=301)
        self.expect_missed("through the C interface, against libmongocrypt", their_interface=1199)
        self.expect_missed("10,000 cached keys", many_cached=151)
        self.expect_missed("lines of JSON", their_json=599)
        self.expect_missed("two threads", two_threads=55)
        self.expect_missed("cached keys", many_keys=131)

    def test_nothing_measured_keeps_no_promise(self):
        data = measurements()
        data["benchmarks"] = row("walk/op:check/impl:fle/bytes:830", 5)
        self.assertEqual(self.run_report("gates", data)[0], 1)

    def test_without_avx512_its_ratios_are_not_judged(self):
        data = measurements(libmongocrypt=200)
        for b in data["benchmarks"]:
            b["label"] = b["label"].replace("vaes_avx512", "aesni_avx2")
        status, text = self.run_report("gates", data)
        self.assertEqual(status, 0)
        self.assertNotIn("libmongocrypt", text)

    def test_the_report_shows_what_was_missed_and_every_section_measured(self):
        page = os.path.join(self.folder, "performance.md")
        self.run_report("markdown", measurements(ipsec_mb=134), page)
        with open(page, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("**1.34x of 1.35x: missed**", text)
        self.assertIn("](performance.svg)", text)
        self.assertIn("| 4 B (int) | 100 ns | 120 ns | 125 ns | 5000 ns | 130 ns | 134 ns |", text)
        for title in ("## Documents", "## Commands", "## libmongocrypt.so.0",
                      "## Lines of JSON", "## Threads", "## Keys in the cache"):
            self.assertIn(title, text)
        self.assertNotIn("## Walking BSON", text)

    def test_the_plot_is_well_formed_and_has_a_line_for_each_implementation(self):
        self.run_report("markdown", measurements(), os.path.join(self.folder, "page.md"))
        svg = xml.dom.minidom.parse(os.path.join(self.folder, "page.svg"))
        self.assertEqual(len(svg.getElementsByTagName("polyline")), 5 * len(gates.OPERATIONS))


if __name__ == "__main__":
    unittest.main()
