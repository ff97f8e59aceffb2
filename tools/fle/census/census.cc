// The way of a Census through a document.
#include "census.h"

#include <cstring>

#include "fle/bson/little_endian.h"
#include "fle/bson_walk/walk.h"
#include "fle/payload.h"
#include "ground/value.h"

namespace fle::tools {
namespace {

using bson::Type;
using bson::internal::Rule;

constexpr bson::Limits kLimits{180, 16 * 1024 * 1024 + 16 * 1024};

constexpr std::ptrdiff_t kSmallest = 5;  // value that begins with its length and ends with NUL

/// Whether other elements stand in it.
bool holds_elements(Type type) noexcept {
  return is_container(type) || type == Type::javascript_with_scope;
}

}  // namespace

/// Whether ciphertext of the cell, and nothing else, stands at `at.value`.
inline bool Census::is_ciphertext(const Cell& cell, Place& at, std::ptrdiff_t avail) noexcept {
  constexpr std::size_t kHeader = 5;  // int32 length, subtype
  constexpr std::size_t kShortest = payload_len(0);
  if (avail < static_cast<std::ptrdiff_t>(kHeader + kShortest)) return false;
  const std::uint8_t* const payload = at.value + kHeader;
  const std::size_t size = bson::load32(at.value);
  at.size = kHeader + size;
  const Look& look = cell.look;
  return at.size <= static_cast<std::size_t>(avail) &&
         (cell.fixed_size != 0 ? size == cell.fixed_size
                               : size >= kShortest && (size - kShortest) % kBlockLen == 0) &&
         payload[-1] == bson::kSubtypeEncrypted &&
         payload[0] == static_cast<std::uint8_t>(look.algorithm) &&
         payload[kPayloadHeaderLen - 1] == static_cast<std::uint8_t>(look.type) &&
         ((bson::load64(payload + 1) ^ bson::load64(look.key.bytes.data())) |
          (bson::load64(payload + 9) ^ bson::load64(look.key.bytes.data() + 8))) == 0;
}

/// Whether the element at `at` is of the cell, and nothing is wrong with it; if so, says where its
/// value is. Of what is rare or needs more than a glance, it says no.
/// @param level  what it stands in
inline bool Census::is_plainly(const Cell& cell, Place& at, const Level& level,
                               const std::uint8_t* doc_end) noexcept {
  const std::uint8_t* const p = at.p;
  if (cell.measure == Measure::any || static_cast<std::size_t>(doc_end - p) < sizeof cell.head ||
      (((bson::load64(p) ^ cell.head[0]) & cell.head_mask[0]) |
       ((bson::load64(p + 8) ^ cell.head[1]) & cell.head_mask[1])) != 0)
    return false;
  if (cell.head_size != 0) {
    at.value = p + cell.head_size;
  } else {  // of an array: its number
    at.value = bson::internal::find_nul(p + 1, doc_end) + 1;
  }
  const std::ptrdiff_t avail = level.end - at.value;
  if (cell.measure == Measure::fixed) {
    at.size = cell.fixed_size;
    return avail >= static_cast<std::ptrdiff_t>(at.size);
  }
  if (cell.measure == Measure::ciphertext) return !level.in_scope && is_ciphertext(cell, at, avail);
  if (avail < kSmallest) return false;
  at.size = bson::load32(at.value) + std::size_t{cell.measure == Measure::text ? 4U : 0U};
  return at.size >= kSmallest && at.size <= static_cast<std::size_t>(avail) &&
         at.value[at.size - 1] == 0;
}

/// Whether the element at `at` has the type and the name of the cell; says where its value is.
inline bool Census::begins(const Cell& cell, Place& at,
                           const std::uint8_t* doc_end) const noexcept {
  const std::uint8_t* const p = at.p;
  if (*p != cell.type) return false;
  if (cell.head_size == 0) {
    at.value = bson::internal::find_nul(p + 1, doc_end) + 1;
    return true;
  }
  const auto left = static_cast<std::size_t>(doc_end - p);
  const bool fits = left >= sizeof cell.head;
  if (fits && (((bson::load64(p) ^ cell.head[0]) & cell.head_mask[0]) |
               ((bson::load64(p + 8) ^ cell.head[1]) & cell.head_mask[1])) != 0)
    return false;
  if (!fits || cell.head_size > sizeof cell.head) {
    const Path& path = paths_[cell.path];
    if (left < cell.head_size ||
        std::memcmp(p + 1, names_.data() + path.name, cell.head_size - 1U) != 0)
      return false;
  }
  at.value = p + cell.head_size;
  return true;
}

/// The cell of what came behind an element last time, and behind what stands in it.
Census::Id Census::behind(Id id) const noexcept {
  const Look& look = cells_[id].look;
  const bool holds = look.state == State::plain && holds_elements(look.type);
  return cells_[id].next[holds ? 1 : 0];
}

/// The cell of an element that is not the one that was expected.
/// @param guess  what was expected
/// @param begun  whether its name is as expected
Census::Id Census::unexpected(Id guess, bool begun, const Level& level, const Place& at,
                              const std::uint8_t* doc_end) {
  const auto type = static_cast<Type>(*at.p);
  Look look = look_at(type, {at.value, at.size});
  // Nobody decrypts what stands in a scope.
  if (level.in_scope && look.state != State::plain)
    look = {State::foreign, type, {}, Look::kInScope};
  if (begun) return cell_of(cells_[guess].path, look);
  if (guess != kNone) {
    // Perhaps it is missing here.
    Place there = at;
    if (const Id id = behind(guess); cells_[id].look == look && begins(cells_[id], there, doc_end))
      return id;
  }
  const std::string_view name(reinterpret_cast<const char*>(at.p + 1),
                              static_cast<std::size_t>(at.value - at.p - 2));
  return cell_of(path_of(level.path, level.array, name), look);
}

inline void Census::count(Id id, const Place& at, std::uint64_t number, Watcher& watcher) {
  Cell& cell = cells_[id];
  ++cell.values;
  Presence& seen = presence_[cell.path];
  if (seen.last_document != number) {
    seen.last_document = number;
    ++seen.documents;
  }
  if (cell.look.state == State::plain) return;
  cell.bytes += at.size;
  if (cell.look.state != State::encrypted) return;
  const bool known = !cell.look.other_key;
  if (known && cell.look.algorithm != Algorithm::deterministic) return;
  const Bytes value(at.value, at.size);
  watcher.encrypted(*this, cell.path, known ? cell.look : look_at(Type::bin_data, value), value,
                    known);
}

/// Measures the element at `at` and finds its cell.
/// @param id      what is expected; afterwards, what it is
/// @param before  the cell behind which it stands: where, as Cell::next has it
/// @return        whether it is well-formed
bool Census::measure(Id& id, Id before, std::size_t where, const Level& level, Place& at,
                     const std::uint8_t* doc_end, std::uint64_t number) {
  const Id guess = id;
  const bool begun = begins(cells_[guess], at, doc_end);
  if (!begun) at.value = bson::internal::find_nul(at.p + 1, doc_end) + 1;
  if (at.value > level.end) return false;
  const auto avail = static_cast<std::size_t>(level.end - at.value);
  const bson::internal::Shape shape = bson::internal::kShapes[*at.p];
  at.size = bson::internal::value_size(shape, at.value, avail,
                                       static_cast<std::size_t>(doc_end - at.value));
  if (at.size > avail) return false;
  // What a binary in a scope is depends on that, too.
  if (begun && (shape.rule != Rule::binary ||
                (!level.in_scope && is_like(cells_[guess].look, at.value, at.size))))
    return true;
  id = unexpected(guess, begun, level, at, doc_end);
  if (cells_[id].values == 0) cells_[id].first_document = number;
  // One that is missing now and then is still what comes next.
  if (before != kNone && (guess == kNone || begun || id != behind(guess)))
    cells_[before].next[where] = id;
  return true;
}

/// @return  whether the document is well-formed
bool Census::count_all(Bytes document, Id collection, std::uint64_t number, Watcher& watcher) {
  if (document.size() > kLimits.max_bytes ||
      bson::internal::shallow_document_size(document.data(), document.size()) != document.size())
    return false;
  const std::uint8_t* const doc_end = document.data() + document.size();
  Place at{document.data() + 4, nullptr, 0};
  Id before = paths_[collection].first_cell;
  std::size_t where = 0;  // 1: behind the end of `before`
  std::size_t depth = 1;
  Level* level = levels_.data();
  *level = {doc_end - 1, collection, before, false, false};
  for (;;) {
    if (*at.p == 0) {
      if (at.p != level->end) return false;
      if (--depth == 0) return true;
      before = level->cell;
      where = 1;
      --level;
      ++at.p;
      continue;
    }
    Id id = cells_[before].next[where];
    if (!is_plainly(cells_[id], at, *level, doc_end) &&
        !measure(id, before, where, *level, at, doc_end, number))
      return false;
    count(id, at, number, watcher);
    before = id;
    where = 0;
    const auto type = static_cast<Type>(*at.p);
    if (!holds_elements(type)) {
      at.p = at.value + at.size;
      continue;
    }
    if (depth == kMostDepth) return false;
    // Code with scope: int32 size of all, string, document.
    const bool scope = type == Type::javascript_with_scope;
    const std::uint8_t* const inner = scope ? at.value + 8 + bson::load32(at.value + 4) : at.value;
    const Level next{inner + bson::load32(inner) - 1, cells_[id].path, id, type == Type::array,
                     level->in_scope || scope};
    ++depth;
    *++level = next;
    at.p = inner + 4;
  }
}

Done Census::add(Bytes document, Id collection, std::uint64_t number, Watcher& watcher) {
  if (!count_all(document, collection, number, watcher)) {
    // It says what is wrong, and where.
    bson::Edits edits;
    FLE_CHECK(bson::find_ciphertexts(document, edits, kLimits));
    return Failure(Errc::malformed_bson, {});
  }
  ++presence_[collection].documents;
  return ok;
}

}  // namespace fle::tools
