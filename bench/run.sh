#!/usr/bin/env bash
# bench/run.sh FOLDER RESULTS [--quick] [benchmark options...]
#
# Runs the benchmark programs in FOLDER one after another and gathers what they say in RESULTS
# (JSON), with CPU, compiler and commit; prints the tables of docs/performance.md. Repetitions of
# all benchmarks of a program are interleaved at random, so that a slow spell of the machine hits
# them alike, and medians are reported. --quick: less exact, below three minutes.
#
# Afterwards:  bench/report.py markdown RESULTS docs/performance.md   writes the page and its plot
#              bench/report.py gates RESULTS   says which promised ratios were kept
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

[[ $# -ge 2 ]] || {
  sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
folder="$1" results="$2"
shift 2
repetitions=9 min_time=0.1 command="./run bench"
if [[ "${1:-}" == --quick ]]; then
  shift
  repetitions=5 min_time=0.03 command="./run bench --quick"
fi

parts=()
for name in field_bench document_bench command_bench interface_bench keys_bench json_bench walk_bench; do
  if [[ ! -x "$folder/$name" ]]; then
    echo "bench: no $name in this build: left out" >&2
    continue
  fi
  part="${results%.json}.$name.json"
  echo "== $name" >&2
  "$folder/$name" --benchmark_repetitions="$repetitions" --benchmark_min_time="$min_time" \
    --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true \
    --benchmark_out="$part" --benchmark_out_format=json "$@" >"${part%.json}.log" 2>&1 || {
    tail -n 20 "${part%.json}.log" >&2
    exit 1
  }
  parts+=("$part")
done
[[ ${#parts[@]} -gt 0 ]] || {
  echo "bench: no benchmark program in $folder" >&2
  exit 1
}

"$here/report.py" gather "$results" --command "$command" "${parts[@]}"
"$here/report.py" markdown "$results"
