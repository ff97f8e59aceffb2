// Hostile commands for query analysis: any answer, no crash. What is refused leaves no edits and
// says why; what is accepted is well formed, before and after it is marked, and so is what is
// searched for while a key is changed.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/query/analysis.h"
#include "fle/schema/compile.h"

namespace {

using fle::Bytes;
using fle::bson::Type;
using fle::query::Analysis;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kSchema = R"({"bsonType": "object",
  "encryptMetadata": {"keyId": [{"$uuid": "00000000-0000-0000-0000-000000000000"}],
                      "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"},
  "properties": {
    "s": {"encrypt": {"bsonType": "string"}},
    "n": {"encrypt": {"bsonType": "int"}},
    "r": {"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}},
    "p": {"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": "/k"}},
    "o": {"bsonType": "object", "properties": {
      "s": {"encrypt": {"bsonType": "string"}},
      "o": {"bsonType": "object", "additionalProperties": {"encrypt": {"bsonType": "string"}}}}}}})";

const std::shared_ptr<const fle::schema::Plan>& plan() {
  static const auto compiled = [] {
    auto p = fle::schema::compile_json(kSchema);
    require(p.has_value());
    return *p;
  }();
  return compiled;
}

void require_well_formed(Bytes command) {
  require(fle::bson::check_value(Type::object, command, fle::query::kCommandLimits).has_value());
}

void check_refusal(const fle::Failure& f, const Analysis& analysis) {
  require(analysis.edits.empty() && analysis.rewrites.empty());
  require(f.code != fle::Errc::analysis_disordered);
  require(!f.message.empty());
}

void check(Bytes command, bool changes_key) {
  const auto target = fle::query::read_target(command);
  if (!target) return;
  std::vector<fle::query::CollectionSchema> schemas;
  for (const std::string_view name : target->collections) schemas.push_back({name, plan()});
  for (const auto& name : target->elsewhere) schemas.push_back({name.collection, plan(), name.db});
  static const fle::query::PreviousKeys previous{{fle::KeyId{}, {fle::KeyId{{1}}}}};
  Analysis analysis;
  fle::query::AnalysisOptions options;
  options.explain = changes_key;
  if (changes_key) options.previous_keys = &previous;
  const fle::Done done = fle::query::analyze(command, "db", schemas, analysis, options);
  if (!done) return check_refusal(done.error(), analysis);
  require(analysis.rewrites.size() == analysis.edits.marks().size());
  if (target->command_class == fle::query::CommandClass::bypassed) return;
  require_well_formed(command);
  std::vector<std::uint8_t> rolled;
  if (changes_key) {
    auto both = fle::query::roll_over(command, "db", schemas, analysis, options);
    require(both.has_value());
    rolled = *both;
    if (!rolled.empty()) command = rolled;
  }
  const auto marked = fle::query::write_marked(command, analysis);
  require(marked.has_value());
  require_well_formed(*marked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Longer ones are for the limits' own tests.
  if (size > 65'536) return 0;
  for (const bool changes_key : {false, true}) check({data, size}, changes_key);
  return 0;
}
