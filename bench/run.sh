#!/usr/bin/env bash
# bench/run.sh FOLDER RESULTS [--quick] [options of measure.py...]
#
# Runs the benchmark programs in FOLDER one after another, gathers what they say in RESULTS (JSON),
# with CPU, compiler and commit, and prints the tables of docs/performance.md. --quick: wider
# intervals, some three or four minutes; without it, some ten.
#
# Afterwards:  bench/report/report.py markdown RESULTS docs/performance.md   writes the page and its plot
#              bench/report/report.py gates RESULTS   says which promised ratios were kept
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

[[ $# -ge 2 ]] || {
  sed -n '2,2s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
"$here/report/measure.py" "$@"
"$here/report/report.py" markdown "$2"
