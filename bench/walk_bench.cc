// Walks over plain and encrypted documents, per element. Peers: libbson's iterator, recursive, and
// its validator. All must count the same elements before anything is timed.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <bson/bson.h>

#include "bench_main.h"
#include "fle/bson_walk/walk.h"
#include "fle/schema/compile.h"

namespace {

struct Document {
  std::vector<std::uint8_t> bytes;
  std::size_t n_elements = 0;
};

/// Appends one element whose type nobody can predict, the branch predictor included.
void append_any(bson_t* b, std::mt19937& rng) {
  static constexpr const char* kNames[] = {
      "id", "name", "weight", "visits", "bed", "admitted", "provider", "policyNumberOfThePatient"};
  static constexpr const char* kTexts[] = {"", "B2", "Jon Doe the Elder",
                                           "allergic to penicillin, see notes"};
  const char* const name = kNames[rng() % 8];
  switch (rng() % 8) {
    case 0:
    case 1:
      BSON_APPEND_INT32(b, name, 7);
      break;
    case 2:
    case 3:
      BSON_APPEND_UTF8(b, name, kTexts[rng() % 4]);
      break;
    case 4:
    case 5:
      BSON_APPEND_DOUBLE(b, name, 81.5);
      break;
    case 6:
      BSON_APPEND_BOOL(b, name, true);
      break;
    default:
      BSON_APPEND_DATE_TIME(b, name, 1700000000000);
  }
}

/// A nested document of mixed elements and an array; one ciphertext in it when `encrypted`.
void append_record(bson_t* parent, std::size_t i, bool encrypted, std::mt19937& rng) {
  static constexpr std::uint8_t kCipher[66] = {1};
  const std::string key = "r" + std::to_string(i);
  bson_t record;
  bson_t child;
  bson_append_document_begin(parent, key.c_str(), -1, &record);
  for (auto n = 3 + rng() % 6; n > 0; --n) append_any(&record, rng);
  if (encrypted)
    BSON_APPEND_BINARY(&record, "ssn", BSON_SUBTYPE_ENCRYPTED, kCipher, sizeof kCipher);
  BSON_APPEND_ARRAY_BEGIN(&record, "readings", &child);
  for (auto n = rng() % 6; n > 0; --n) append_any(&child, rng);
  bson_append_array_end(&record, &child);
  bson_append_document_end(parent, &record);
}

std::size_t count_elements(bson_iter_t* it) {
  std::size_t n = 0;
  while (bson_iter_next(it)) {
    ++n;
    bson_iter_t child;
    const bson_type_t type = bson_iter_type_unsafe(it);
    if ((type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY) && bson_iter_recurse(it, &child))
      n += count_elements(&child);
  }
  return n;
}

std::size_t count_elements(const Document& d) {
  bson_t b;
  bson_iter_t it;
  if (!bson_init_static(&b, d.bytes.data(), d.bytes.size()) || !bson_iter_init(&it, &b)) return 0;
  return count_elements(&it);
}

/// Records up to `size` bytes, and a top-level `ssn` for the plan to find.
Document make_document(std::size_t size, bool encrypted) {
  std::mt19937 rng(1);
  bson_t* b = bson_new();
  BSON_APPEND_INT32(b, "ssn", 1);
  for (std::size_t i = 0; b->len + 320 < size; ++i) append_record(b, i, encrypted, rng);
  Document d;
  d.bytes.assign(bson_get_data(b), bson_get_data(b) + b->len);
  bson_destroy(b);
  d.n_elements = count_elements(d);
  return d;
}

const fle::schema::Plan& plan() {
  static const auto compiled = fle::schema::compile_json(R"({
    "bsonType": "object",
    "encryptMetadata": {"keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]},
    "properties": {
      "ssn": {"encrypt": {"bsonType": "int",
              "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}},
      "insurance": {"bsonType": "object", "properties": {
        "policyNumber": {"encrypt": {"bsonType": "int",
                         "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"}}}}}})");
  return **compiled;
}

void report(benchmark::State& state, const Document& d) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(d.n_elements));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(d.bytes.size()));
}

void find_fields(benchmark::State& state, const Document& d) {
  fle::bson::Edits edits;
  for (auto _ : state)
    if (!fle::bson::find_fields(d.bytes, plan(), edits).has_value()) state.SkipWithError("refused");
  if (edits.marks().size() != 1) state.SkipWithError("expected one mark");
  report(state, d);
}

void find_ciphertexts(benchmark::State& state, const Document& d) {
  fle::bson::Edits edits;
  for (auto _ : state)
    if (!fle::bson::find_ciphertexts(d.bytes, edits).has_value()) state.SkipWithError("refused");
  state.counters["marks"] = static_cast<double>(edits.marks().size());
  report(state, d);
}

void check_value(benchmark::State& state, const Document& d) {
  for (auto _ : state)
    if (!fle::bson::check_value(fle::bson::Type::object, d.bytes).has_value())
      state.SkipWithError("refused");
  report(state, d);
}

void libbson_iterate(benchmark::State& state, const Document& d) {
  for (auto _ : state)
    if (count_elements(d) != d.n_elements) state.SkipWithError("refused");
  report(state, d);
}

void libbson_validate(benchmark::State& state, const Document& d) {
  for (auto _ : state) {
    bson_t b;
    std::size_t offset = 0;
    if (!bson_init_static(&b, d.bytes.data(), d.bytes.size()) ||
        !bson_validate(&b, BSON_VALIDATE_NONE, &offset))
      state.SkipWithError("refused");
  }
  report(state, d);
}

using Run = void (*)(benchmark::State&, const Document&);

void add(const std::string& op, const std::string& impl, Run run,
         const std::shared_ptr<const Document>& d) {
  benchmark::RegisterBenchmark(
      ("walk/op:" + op + "/impl:" + impl + "/bytes:" + std::to_string(d->bytes.size())).c_str(),
      [run, d](benchmark::State& state) { run(state, *d); });
}

void add_all() {
  for (const std::size_t size :
       {std::size_t{1} << 10, std::size_t{16} << 10, std::size_t{1} << 20}) {
    const auto plain = std::make_shared<const Document>(make_document(size, false));
    const auto encrypted = std::make_shared<const Document>(make_document(size, true));
    add("find_fields", "fle", find_fields, plain);
    add("find_ciphertexts", "fle", find_ciphertexts, plain);
    add("find_ciphertexts_dense", "fle", find_ciphertexts, encrypted);
    add("check", "fle", check_value, plain);
    add("iterate", "libbson", libbson_iterate, plain);
    add("validate", "libbson", libbson_validate, plain);
  }
}

}  // namespace

int main(int argc, char** argv) { return fle::bench::run(argc, argv, add_all); }
