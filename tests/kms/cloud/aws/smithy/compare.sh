#!/bin/sh
# compare.sh SIGNER WORK: installs @smithy/signature-v4 in the folder WORK and compares what the
# program SIGNER prints with it. Exits with 77, "skipped", where that cannot be had.
set -eu
signer=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)

skip() {
  echo "skipped: $*"
  exit 77
}
command -v node >/dev/null || skip "no node here (Debian: nodejs)"
mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/package-lock.json" || [ ! -d "$work/node_modules" ]; then
  command -v npm >/dev/null || skip "no npm here (Debian: npm)"
  rm -f "$work/package-lock.json"
  cp "$here/package.json" "$work/package.json"
  cp "$here/package-lock.json" "$work/lock"
  mv "$work/lock" "$work/package-lock.json"
  if ! (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1); then
    rm -f "$work/package-lock.json" # to be tried anew the next time
    cat "$work/npm.log"
    skip "npm could not install @smithy/signature-v4: is there a network?"
  fi
fi
"$signer" >"$work/requests"
cd "$work" && node "$here/compare.mjs" <"$work/requests"
