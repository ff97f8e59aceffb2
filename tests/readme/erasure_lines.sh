#!/bin/sh
# erasure_lines.sh BIN SCRIPT WORK: runs the shell blocks of docs/erasure.md with BIN first in PATH.
set -eu
PATH="$1:$PATH"
script="$2"
rm -rf "$3"
mkdir -p "$3"
cd "$3"
sh -eu "$script" >printed 2>told
cat printed told
if grep -q -e 'Ada Moss' -e 'Ben Hale' -e 'J45' sealed.json; then
  echo "plaintext is still in sealed.json" >&2
  exit 1
fi
uuid=$(grep -x '[0-9a-f-]\{36\}' printed) # of key show
grep -q "^diagnosis	$uuid\$" printed      # of inspect
grep -q "^$uuid  deleted\$" printed
grep -q 'Ben Hale' printed # who stays can be read
if grep -q 'Ada Moss' printed; then
  echo "what was erased was decrypted" >&2
  exit 1
fi
grep -q '^fle: .*key_not_found' told
