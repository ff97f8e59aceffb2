#!/bin/sh
# shell_lines.sh BIN SCRIPT WORK: runs the shell blocks of README.md with BIN first in PATH.
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
grep -q '"ssn".*123456789' printed # decrypted
sent=$(grep '"find"' printed)
echo "$sent" | grep -q '\$eq.*\$binary'
if echo "$sent" | grep -q 123456789; then
  echo "the number is still in the command" >&2
  exit 1
fi
grep -q 'encrypted *filter.ssn *ssn' printed
