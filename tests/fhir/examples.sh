#!/bin/sh
# examples.sh FLE WORK: fetches the examples of FHIR R4 (npm hl7.fhir.r4.examples, CC0) into the folder WORK, once, and takes
# their clinical resources through the command FLE. Exits with 77, "skipped", where they cannot be had.
set -eu
fle=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
package=hl7.fhir.r4.examples version=4.0.1
sha512=DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw==
archive=$work/$package-$version.tgz

skip() {
  echo "skipped: $*"
  exit 77
}
command -v node >/dev/null || skip "no node here (Debian: nodejs)"
mkdir -p "$work"
if [ ! -f "$archive" ]; then
  command -v npm >/dev/null || skip "no npm here (Debian: npm)"
  rm -rf "$work/new"
  mkdir "$work/new"
  (cd "$work/new" && npm pack "$package@$version" --silent >npm.log 2>&1) || {
    cat "$work/new/npm.log"
    skip "npm could not fetch $package (19 MB): is there a network?"
  }
  mv "$work/new/$package-$version.tgz" "$archive"
fi
if ! node -e 'const [file, want] = process.argv.slice(1);
    const hash = require("crypto").createHash("sha512").update(require("fs").readFileSync(file));
    process.exit(hash.digest("base64") === want ? 0 : 1)' "$archive" "$sha512"; then
  rm -f "$archive"
  echo "$package-$version.tgz is not what it was when this test was written" >&2
  exit 1
fi
# Not those that describe FHIR itself, which are most: they know no person.
rm -rf "$work/package"
tar -xzf "$archive" -C "$work" --wildcards --exclude='package/SearchParameter-*' \
  --exclude='package/ValueSet-*' --exclude='package/CodeSystem-*' \
  --exclude='package/StructureDefinition-*' --exclude='package/ConceptMap-*' \
  --exclude='package/OperationDefinition-*' --exclude='package/Bundle-*' 'package/*-*.json'
rm -f "$work/package/ig-r4.json"
exec node "$here/examples.mjs" "$fle" "$work"
