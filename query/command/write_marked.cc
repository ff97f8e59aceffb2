#include <cstring>

#include "fle/query/analysis.h"
#include "fle/query/form.h"

namespace fle::query {
namespace {

using bson::Type;

constexpr std::uint8_t kEncryptedSubtype = 6;
constexpr std::uint8_t kUuidSubtype = 4;
constexpr std::uint8_t kPlaceholder = 0;

/// Writes bytes behind each other; the caller has measured.
class Writer {
 public:
  explicit Writer(MutBytes out) noexcept : out_(out) {}
  void byte(std::uint8_t b) noexcept { out_[at_++] = b; }
  void type(Type t) noexcept { byte(static_cast<std::uint8_t>(t)); }
  void int32(std::size_t v) noexcept {
    for (int i = 0; i < 4; ++i) byte(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  void bytes(const void* data, std::size_t n) noexcept {
    if (n != 0) std::memcpy(out_.data() + at_, data, n);
    at_ += n;
  }
  /// With its NUL.
  void name(std::string_view s) noexcept {
    bytes(s.data(), s.size());
    byte(0);
  }

 private:
  MutBytes out_;
  std::size_t at_ = 0;
};

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

void write_placeholder(const Rewrite& r, const bson::Mark& m, Bytes value, MutBytes room) noexcept {
  Writer w(room);
  w.int32(1 + document_size(r, m));
  w.byte(kEncryptedSubtype);
  w.byte(kPlaceholder);
  w.int32(document_size(r, m));
  w.type(Type::int_);
  w.name("a");
  w.int32(static_cast<std::size_t>(r.leaf->algorithm));
  if (r.alt_name.data() == nullptr) {
    const KeyId& id = key_id(r);
    w.type(Type::bin_data);
    w.name("ki");
    w.int32(id.bytes.size());
    w.byte(kUuidSubtype);
    w.bytes(id.bytes.data(), id.bytes.size());
  } else {
    w.type(Type::string);
    w.name("ka");
    w.int32(r.alt_name.size() + 1);
    w.name(r.alt_name);
  }
  w.type(m.type);
  w.name("v");
  w.bytes(value.data(), value.size());
  w.byte(0);
}

}  // namespace

void Analysis::clear() noexcept {
  edits.clear();
  rewrites.clear();
  findings.clear();
  findings_left_out = 0;
  plans.clear();
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
