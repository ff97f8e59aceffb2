#!/usr/bin/env bash
# Debian packages, and what shows that they are right. Called by `./run package`, which has installed
# what this needs.
#
# package.sh [--jobs N] [--against REVISION] [STEP...]: all steps, unless some are named:
#   build      packages by cpack, in build/package/packages
#   again      the same from a copy of the sources elsewhere, without the compiler cache, at another time
#              of day, in another language and with another umask: equal bytes
#   lintian    no error
#   abi        the exported interface beside that of the last tag (or of REVISION)
#   root       installs them in a fresh Debian, uses them and purges them
#
# FLE_PACKAGE_OPTIONS: further options for cmake.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs=$(nproc)
against=''
steps=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --jobs) jobs="$2" && shift ;;
    --against) against="$2" && shift ;;
    build | again | lintian | abi | root) steps+=("$1") ;;
    *)
      echo "package.sh: no step '$1'" >&2
      exit 2
      ;;
  esac
  shift
done
[[ ${#steps[@]} -gt 0 ]] || steps=(build again lintian abi root)

build="$PWD/build/package"
work="$PWD/build/package.work"
mkdir -p "$work"
say() { printf '== %s\n' "$*"; }
die() {
  printf 'package: %s\n' "$*" >&2
  exit 1
}
# What a build must not depend on: its time is that of the newest entry of the Debian changelog.
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
export SOURCE_DATE_EPOCH

# make_packages SOURCES BUILD LOG: in BUILD/packages
make_packages() {
  local sources="$1" to="$2" log="$work/$3.log"
  {
    # shellcheck disable=SC2086  # options
    (cd "$sources" && cmake --preset package -B "$to" ${FLE_PACKAGE_OPTIONS:-}) &&
      cmake --build "$to" -j "$jobs" &&
      rm -rf "$to/packages" "$to/_CPack_Packages" &&
      (umask 0022 && cd "$to" && cpack) # a .deb has the mode of its own parts
  } >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "could not make packages: $log"
  }
}

step_build() {
  say "packages"
  make_packages "$PWD" "$build" build
  local deb names
  for deb in "$build"/packages/*.deb; do
    rm -rf "$work/unpacked"
    dpkg-deb -x "$deb" "$work/unpacked"
    # The place of the build is nobody else's business.
    names=$(grep -rlF "$PWD/" "$work/unpacked") && die "$(basename "$deb") names $PWD: $names"
  done
  rm -rf "$work/unpacked"
  (cd "$build/packages" && sha256sum -- *.deb | tee SHA256SUMS)
}

step_again() {
  say "the same packages, built elsewhere"
  rm -rf "$work/elsewhere"
  mkdir -p "$work/elsewhere/libfle"
  git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t "$work/elsewhere/libfle"
  (
    export CCACHE_DISABLE=1 LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati
    umask 0077
    make_packages "$work/elsewhere/libfle" "$work/elsewhere/build" again
  )
  local deb name
  for deb in "$build"/packages/*.deb; do
    name=$(basename "$deb")
    cmp "$deb" "$work/elsewhere/build/packages/$name" || die "$name is not reproducible"
  done
  rm -rf "$work/elsewhere"
  say "equal bytes"
}

step_lintian() {
  say "lintian"
  local user=()
  # lintian does not like to be root, who may read and write too much.
  [[ $EUID -ne 0 ]] || user=(--allow-root)
  lintian "${user[@]}" --fail-on error --tag-display-limit 0 "$build"/packages/*.deb ||
    die "lintian has errors"
  say "lintian: no error"
}

# shared_libraries SOURCES BUILD FOLDER: builds them with debugging information, which is where types
# are described, and copies them to FOLDER by their sonames.
shared_libraries() {
  local log="$2.log"
  {
    cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=g++-12 \
      -DBUILD_SHARED_LIBS=ON -DFLE_TOOLS=OFF -DCMAKE_CXX_FLAGS=-g && cmake --build "$2" -j "$jobs"
  } >"$log" 2>&1 || die "could not build the libraries of $1: $log"
  rm -rf "$3"
  mkdir -p "$3"
  find "$2" -name 'libfle_*.so.*.*' -not -name '*.so.*.*.*' -exec cp -L -t "$3" {} +
}

step_abi() {
  local before="$against"
  [[ -n $before ]] || before=$(git describe --tags --abbrev=0 HEAD 2>/dev/null || true)
  if [[ -z $before ]]; then
    say "abi: there is no tag yet, so there is no interface to compare with"
    return
  fi
  say "abi: beside $before"
  rm -rf "$work/before"
  mkdir -p "$work/before/sources"
  git archive "$before" | tar -x -C "$work/before/sources"
  shared_libraries "$work/before/sources" "$work/before/build" "$work/abi-old"
  shared_libraries "$PWD" "$work/abi" "$work/abi-new"
  local old name status broken=()
  for old in "$work"/abi-old/*; do
    name=$(basename "$old")
    if [[ ! -e "$work/abi-new/$name" ]]; then
      say "abi: $name is gone, or has another soname"
      continue
    fi
    status=0
    abidiff --no-show-locs "$old" "$work/abi-new/$name" >"$work/$name.abidiff" || status=$?
    # 1 and 2: no comparison; 4: a change; 8: an incompatible one.
    [[ $((status & 3)) -eq 0 ]] || die "abidiff $name: see $work/$name.abidiff"
    if [[ $((status & 8)) -ne 0 ]]; then
      broken+=("$name")
    elif [[ $((status & 4)) -ne 0 ]]; then
      say "abi: $name has changed, compatibly as far as abidiff sees: $work/$name.abidiff"
    fi
  done
  [[ ${#broken[@]} -eq 0 ]] ||
    die "abi: not compatible with $before under the same soname: ${broken[*]} (*.abidiff in $work)"
  say "abi: compatible with $before, or under another soname"
}

step_root() {
  [[ $EUID -eq 0 ]] || die "the step root needs root, for debootstrap and chroot"
  packaging/debian/root_test.sh "$work" "$build/packages"
}

for step in "${steps[@]}"; do "step_$step"; done
