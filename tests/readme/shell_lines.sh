#!/bin/sh
# shell_lines.sh BIN SCRIPT WORK: runs the shell block of README.md with BIN first in PATH.
set -eu
PATH="$1:$PATH"
script="$2"
rm -rf "$3"
mkdir -p "$3"
cd "$3"
sh -eu "$script" >printed
cat printed
if grep -q 123456789 sealed.json; then
  echo "the number is still in sealed.json" >&2
  exit 1
fi
grep -q '"name" *: *"Jon Doe"' sealed.json
grep -q ssn printed
tail -n 1 printed | grep -q 123456789
