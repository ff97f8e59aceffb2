#include "samples.h"

#include "fle/bson/cursor.h"
#include "fle/payload.h"

namespace fle::tools {
namespace {

using bson::Type;

constexpr std::uint64_t kListed = 1000;     // documents whose names are remembered
constexpr std::size_t kMostKnown = 10'000;  // paths
constexpr unsigned kDeepest = 16;

std::string join(const std::vector<std::string>& names, std::size_t n) {
  std::string s;
  for (std::size_t i = 0; i < n; ++i) s += (i == 0 ? "" : ".") + names[i];
  return s;
}

void count_value(SamplePath& p, const SeededHash& hash, Type type, Bytes value) {
  ++p.n_values;
  ++p.types[type];
  if (p.algorithm != Algorithm::deterministic || p.many_values) return;
  const std::string_view bytes(reinterpret_cast<const char*>(value.data()), value.size());
  ++p.values[hash(bytes) + static_cast<std::uint64_t>(type)];
  if (p.values.size() <= SamplePath::kFewValues) return;
  p.many_values = true;
  p.values = {};
}

void look_at(SamplePath& p, const SeededHash& hash, Bytes document, const bson::Element& e) {
  const Bytes value = bson::value_of(document, e);
  if (e.type == Type::null) {
    ++p.n_null;
    return;
  }
  constexpr std::size_t kHead = 5;  // length and subtype
  if (e.type != Type::bin_data || value.size() < kHead ||
      value[kHead - 1] != bson::kSubtypeEncrypted)
    return count_value(p, hash, e.type, value);
  const auto header = parse_payload(value.subspan(kHead));
  if (!header) {
    ++p.n_foreign;
    return;
  }
  ++p.n_ciphertexts;
  count_value(p, hash, static_cast<Type>(header->bson_type), value);
}

/// Of all paths; what is encrypted already has its key in it.
std::uint64_t values_to_encrypt(const std::vector<SamplePath>& paths) {
  std::uint64_t n = 0;
  for (const SamplePath& p : paths) n += p.n_values - p.n_ciphertexts;
  return n;
}

void look(SamplePath& p, const SeededHash& hash, Bytes document) {
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < p.names.size(); ++i) {
    const auto e = bson::find(document, p.names[i], offset);
    if (!e) return;
    if (i + 1 == p.names.size()) return look_at(p, hash, document, *e);
    if (e->type == Type::object) {
      offset = e->value_offset;
      continue;
    }
    const bool array = e->type == Type::array;
    std::uint64_t& n = array ? p.n_arrays : p.n_scalars;
    if (e->type == Type::null) return;
    if (n++ == 0) (array ? p.array : p.scalar) = join(p.names, i + 1);
    return;
  }
}

}  // namespace

Done Samples::add(Bytes document) {
  // Malformed ones end here.
  FLE_CHECK(bson::find_ciphertexts(document, edits_, {180, 16 * 1024 * 1024 + 16 * 1024}));
  if (documents_ < kListed) list_names(document, 0, {}, 0);
  const std::uint64_t before = values_to_encrypt(paths_);
  for (SamplePath& p : paths_) look(p, hash_, document);
  if (values_to_encrypt(paths_) != before) {
    ++n_with_values_;
    if (key_ && !bson::resolve_pointer(document, *key_)) ++n_nameless_;
  }
  ++documents_;
  return ok;
}

void Samples::list_names(Bytes whole, std::uint32_t offset, const std::string& above,
                         unsigned depth) {
  bson::Cursor cursor(whole, offset);
  while (cursor.next() && known_.size() < kMostKnown) {
    const bson::Element& e = cursor.element();
    const std::string path = above + std::string(e.name);
    known_.insert(path);
    if (e.type == Type::object && depth < kDeepest)
      list_names(whole, e.value_offset, path + ".", depth + 1);
  }
}

}  // namespace fle::tools
