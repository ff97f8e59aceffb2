#!/bin/sh
# shell_lines.sh BIN SCRIPT WORK CONFIGURATION: runs the shell blocks of README.md with BIN first in PATH, then commands with
# its configuration.
set -eu
PATH="$1:$PATH"
script="$2"
rm -rf "$3"
mkdir -p "$3"
cd "$3"
configuration="$4"
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

# The configuration names keys.db and kms.json, beside it.
cp "$configuration" fle.toml
cp keys.vault keys.db
printf '{"local": {"key": {"$binary": {"base64": "%s", "subType": "00"}}}}' "$(base64 -w0 master.key)" >kms.json
chmod 600 kms.json
fle key list --config fle.toml --field uuid | grep -q '^[0-9a-f-]\{36\}$'
fle encrypt --config fle.toml --schema schema.json --in patients.json --quiet | cmp - sealed.json
