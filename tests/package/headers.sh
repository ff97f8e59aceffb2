#!/bin/sh
# headers.sh INCLUDE LIST umbrella|alone|cost [JOBS]: the headers below INCLUDE, where libfle is installed.
#
#   umbrella  they are those of LIST, no more and no fewer; fle/fle.h compiles, and twice is as once
#   alone     each of them compiles alone
#   cost      what a compiler takes for some of them: the best of ten, in seconds
#
# With both compilers, as C++20 and as C++23, with the warnings that projects turn into errors.
set -eu
include=$1
list=$2
what=$3
jobs=${4:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# libbson's own headers are its own business.
bson=$(pkg-config --cflags libbson-1.0 2>/dev/null | sed 's/-I/-isystem /g') || bson=
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror"

compilers() {
  for cxx in g++-12 clang++-14; do
    if command -v "$cxx" >/dev/null; then
      for std in c++20 c++2b; do echo "$cxx -std=$std"; done
    else
      echo "headers.sh: no $cxx here" >&2
    fi
  done
}

case $what in
umbrella)
  (cd "$include" && find . -name '*.h' | sed 's|^\./||' | LC_ALL=C sort) >"$work/installed"
  grep -v '^#' "$list" | LC_ALL=C sort >"$work/declared"
  # What is optional, and may not have been built.
  for part in fle/mongoc/ libfle-mongocrypt/ mongo_crypt_v1.h; do
    [ -e "$include/$part" ] || sed -i "\\|^$part|d" "$work/declared"
  done
  diff -u "$work/declared" "$work/installed" || {
    echo "what is installed is not what tests/package/public_headers.txt declares" >&2
    exit 1
  }
  printf '#include <fle/fle.h>\n#include <fle/fle.h>\nint main() { return 0; }\n' >"$work/all.cc"
  compilers | while read -r compile; do
    # shellcheck disable=SC2086
    $compile $warnings -I"$include" -fsyntax-only "$work/all.cc"
    echo "fle/fle.h: $compile"
  done
  ;;
alone)
  compilers | while read -r compile; do
    grep -v '^#' "$list" | while read -r header; do
      file=$work/$(echo "$header" | tr / _).cc
      printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$file"
      echo "$compile $warnings -I$include $bson -fsyntax-only $file"
    done
  done >"$work/calls"
  xargs -P "$jobs" -I{} sh -c '{} || { echo "{}" >&2; exit 255; }' <"$work/calls"
  echo "$(wc -l <"$work/calls") compilations of one header each"
  ;;
cost)
  for header in string fle/result.h fle/failure.h fle/types.h fle/bson/value.h fle/fle.h; do
    printf '#include <%s>\n' "$header" >"$work/one.cc"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      { bash -c "TIMEFORMAT='%U %S'; time g++-12 -std=c++20 -O0 -I'$include' -c -o /dev/null '$work/one.cc'"; } 2>&1
    done | awk -v h="$header" '{t = $1 + $2} NR == 1 || t < best {best = t} END {printf "%-20s %.2f s\n", h, best}'
  done
  ;;
*)
  echo "headers.sh: umbrella, alone or cost" >&2
  exit 2
  ;;
esac
