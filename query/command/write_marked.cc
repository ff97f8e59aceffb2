#include <cstring>

#include "fle/bson/little_endian.h"
#include "fle/bson/writer.h"
#include "fle/query/analysis.h"
#include "fle/query/form.h"

namespace fle::query {
namespace {

constexpr std::uint8_t kPlaceholder = 0;

constexpr std::size_t kAlgorithmSize = 1 + 2 + 4;   // a: int32
constexpr std::size_t kKeyIdSize = 1 + 3 + 5 + 16;  // ki: binary
constexpr std::size_t kValueName = 1 + 2;           // v, without the value
constexpr std::size_t kEmptyDocument = 5;

std::size_t key_size(const Rewrite& r) noexcept {
  return r.alt_name.data() == nullptr ? kKeyIdSize : 1 + 3 + 4 + r.alt_name.size() + 1;
}

std::size_t document_size(const Rewrite& r, const bson::Mark& m) noexcept {
  return kEmptyDocument + kAlgorithmSize + key_size(r) + kValueName + m.value_size;
}

/// Of the binary: length, subtype, type 0, document.
std::size_t placeholder_size(const Rewrite& r, const bson::Mark& m) noexcept {
  return 4 + 1 + 1 + document_size(r, m);
}

void write_placeholder(const Rewrite& r, const bson::Mark& m, Bytes value, MutBytes room) {
  bson::store32(room.data(), static_cast<std::uint32_t>(1 + document_size(r, m)));
  room[4] = bson::kSubtypeEncrypted;
  room[5] = kPlaceholder;
  bson::Writer w(room.subspan(6));
  w.add_int32("a", static_cast<std::int32_t>(r.leaf->algorithm));
  if (r.alt_name.data() == nullptr) {
    w.add_binary("ki", bson::kSubtypeUuid, key_id(r).bytes);
  } else {
    w.add_string("ka", r.alt_name);
  }
  w.add(m.type, "v", value).finish();
}

}  // namespace

void Analysis::clear() noexcept {
  edits.clear();
  rewrites.clear();
  findings.clear();
  findings_left_out = 0;
  refused_by = {};
  n_encrypted = 0;
  schema_encrypts = false;
  work.clear();
}

Outcome<std::vector<std::uint8_t>> write_marked(Bytes command, Analysis& analysis) {
  if (analysis.edits.empty()) return std::vector<std::uint8_t>(command.begin(), command.end());
  FLE_TRY(const std::size_t size, lay_out(command, analysis, placeholder_size));
  std::vector<std::uint8_t> out(size);
  write_out(out, command, analysis, write_placeholder);
  return out;
}

}  // namespace fle::query
