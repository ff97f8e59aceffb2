#!/usr/bin/env bash
# MedcoMD: a clinic whose patient records are encrypted field by field, played with the fle command.
# FLE names the command; it is looked for on PATH otherwise. Everything happens in a temporary folder,
# every claim is checked, and the script fails if one does not hold.
set -euo pipefail

fle=${FLE:-fle}
case $fle in */*) fle=$(realpath "$fle") ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '    $ %s\n' "$*"; }
expect() {  # expect WHAT COMMAND...: stops the demo unless the command succeeds
  local what=$1
  shift
  if "$@"; then
    printf '    ok: %s\n' "$what"
  else
    printf '    FAILED: %s\n' "$what" >&2
    exit 1
  fi
}
lines() { wc -l < "$1"; }
refused() { ! "$@" 2> refused.txt; }

say '1. The doctor makes a master key: 96 random bytes that only the owner may read.'
show 'fle keygen --out master.key'
"$fle" keygen --out master.key
expect 'the key file has mode 0600' test "$(stat -c %a master.key)" = 600
expect 'a second keygen does not overwrite it' refused "$fle" keygen --out master.key

say '2. One data key for all patients, wrapped by the master key and kept in the key vault.'
show 'fle key create --vault keys.vault --local-key master.key --alt-name patients'
"$fle" key create --vault keys.vault --local-key master.key --alt-name patients | tee key.json
uuid=$(sed 's/.*"uuid": *"\([^"]*\)".*/\1/' key.json)
show 'fle key list --vault keys.vault'
"$fle" key list --vault keys.vault

say '3. The schema: ssn and policy number can be searched (deterministic), the rest cannot (random).'
cat > patients.schema.json <<JSON
{ "bsonType": "object",
  "encryptMetadata": { "keyId": [ { "\$uuid": "$uuid" } ],
                       "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random" },
  "properties": {
    "name": { "bsonType": "string" },
    "ssn": { "encrypt": { "bsonType": "int",
                          "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic" } },
    "bloodType": { "encrypt": { "bsonType": "string" } },
    "medicalRecords": { "encrypt": { "bsonType": "array" } },
    "insurance": {
      "bsonType": "object",
      "properties": {
        "policyNumber": { "encrypt": { "bsonType": "int",
                                       "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic" } },
        "provider": { "bsonType": "string" } } } } }
JSON
show 'fle schema patients.schema.json'
"$fle" schema patients.schema.json
sed 's/"encrypt":/"encrpyt":/' patients.schema.json > typo.schema.json
expect 'a typo in a schema is refused' refused "$fle" schema typo.schema.json
sed 's/^/    /' refused.txt

say '4. Three patients arrive and are encrypted before they go anywhere.'
cat > patients.json <<'JSON'
{"_id": 1, "name": "Jon Doe", "ssn": 241014209, "bloodType": "AB+", "medicalRecords": [{"weight": 180, "bloodPressure": "120/80"}], "insurance": {"policyNumber": 123142, "provider": "MaestCare"}}
{"_id": 2, "name": "Ada Poe", "ssn": 307221118, "bloodType": "0-", "medicalRecords": [], "insurance": {"policyNumber": 900017, "provider": "MaestCare"}}
{"_id": 3, "name": "Max Roe", "ssn": 518330941, "bloodType": "B+", "medicalRecords": [{"weight": 92}], "insurance": {"policyNumber": 430991, "provider": "HealthCo"}}
JSON
keys=(--vault keys.vault --local-key master.key)
show 'fle encrypt --schema patients.schema.json --vault keys.vault --local-key master.key \'
show '      --format json --in patients.json --out stored.json'
"$fle" encrypt --schema patients.schema.json "${keys[@]}" --format json --in patients.json --out stored.json
head -n 1 stored.json | cut -c 1-180 | sed 's/^/    /; s/$/ .../'
expect 'no ssn, blood type or policy number is left in what is stored' \
  refused grep -qE '241014209|307221118|518330941|"AB\+"|123142|900017|430991' stored.json
expect 'names and providers are still readable' grep -q 'MaestCare' stored.json

say '5. Anyone can see what is encrypted, and under which key. Nobody needs a key for that.'
show 'fle inspect --format json --in stored.json'
"$fle" inspect --format json --in stored.json

say '6. The doctor holds the master key and reads everything.'
show 'fle decrypt --vault keys.vault --local-key master.key --format json --relaxed --in stored.json'
"$fle" decrypt "${keys[@]}" --format json --relaxed --in stored.json | tee doctor.json
"$fle" encrypt --schema patients.schema.json "${keys[@]}" --format json --in doctor.json --out again.json
"$fle" decrypt "${keys[@]}" --format json --relaxed --in again.json --out doctor2.json
expect 'encrypting and decrypting again gives the same documents' cmp -s doctor.json doctor2.json

say '7. The receptionist holds no master key: the sensitive fields stay ciphertext.'
show 'fle decrypt --vault keys.vault --format json --relaxed --missing-keys keep --in stored.json'
"$fle" decrypt --vault keys.vault --format json --relaxed --missing-keys keep --in stored.json \
  --out receptionist.json 2> left.txt
cut -c 1-120 receptionist.json | sed 's/^/    /; s/$/ .../'
tail -n 1 left.txt | sed 's/^/    /'
expect 'the receptionist sees no ssn' refused grep -q '241014209' receptionist.json
expect 'without "keep" the whole run is refused' \
  refused "$fle" decrypt --vault keys.vault --format json --in stored.json

say '8. The doctor searches by ssn: an equal value has an equal ciphertext.'
search() {  # search KEY-FILE...: lines of stored.json whose ssn is 307221118 under these keys
  echo '{"ssn": 307221118}' | "$fle" encrypt --schema patients.schema.json "$@" --format json |
    grep -o '"base64" : "[^"]*"' > wanted.txt
  grep -F -f wanted.txt stored.json > found.json || true
}
search "${keys[@]}"
"$fle" decrypt "${keys[@]}" --format json --relaxed --in found.json
expect 'exactly one patient is found' test "$(lines found.json)" = 1
expect 'the search without the key finds nothing: there is nothing to search with' \
  refused "$fle" encrypt --schema patients.schema.json --vault keys.vault --format json --in patients.json

say '9. Somebody changes one bit of what is stored.'
# One base64 character of the ssn's ciphertext becomes another.
forge() { sed -n 1p stored.json | sed "s/\(\"ssn\" : { \"\$binary\" : { \"base64\" : \".\{60\}\)./\1$1/"; }
forge A > forged.json
if sed -n 1p stored.json | cmp -s - forged.json; then forge B > forged.json; fi
expect 'it is refused, and says where' refused "$fle" decrypt "${keys[@]}" --format json --in forged.json
sed 's/^/    /' refused.txt

say 'MedcoMD works: every check above passed.'
