#include <algorithm>
#include <cstring>

#include "edits_builder.h"

namespace fle::bson {
namespace {

/// What stands between two values is short, and in documents that are alike equally long: a call
/// of memcpy costs more than the copy.
void copy_short(std::uint8_t* out, const std::uint8_t* in, std::size_t n) noexcept {
  constexpr std::size_t kBlock = 16;
  constexpr std::size_t kShort = 8 * kBlock;
  if (n > kShort) {
    std::memcpy(out, in, n);
  } else if (n >= kBlock) {  // the last block may overlap the one before it
    for (std::size_t i = 0; i + kBlock < n; i += kBlock) std::memcpy(out + i, in + i, kBlock);
    std::memcpy(out + n - kBlock, in + n - kBlock, kBlock);
  } else if (n >= 8) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::memcpy(&first, in, 8);
    std::memcpy(&last, in + n - 8, 8);
    std::memcpy(out, &first, 8);
    std::memcpy(out + n - 8, &last, 8);
  } else {
    for (std::size_t i = 0; i < n; ++i) out[i] = in[i];
  }
}

}  // namespace

Outcome<std::size_t> Edits::layout(Bytes in, const Limits& limits) {
  if (in.size() != walked_size_)
    return Failure(Errc::invalid_argument, "not the document that was walked");
  if (empty()) return in.size();

  for (Enclosing& e : enclosing_) e.growth = 0;
  for (std::size_t i = 0; i < marks_.size(); ++i)
    enclosing_[inside_of_[i]].growth +=
        std::int64_t{marks_[i].new_size} - std::int64_t{marks_[i].value_size};
  for (const Omission& o : omitted_) enclosing_[o.inside_of].growth -= o.size;
  for (std::size_t i = enclosing_.size() - 1; i > 0; --i)
    enclosing_[enclosing_[i].parent].growth += enclosing_[i].growth;

  const auto total =
      static_cast<std::uint64_t>(static_cast<std::int64_t>(in.size()) + enclosing_.front().growth);
  const std::uint64_t most = std::min<std::uint64_t>(limits.max_bytes, internal::kMaxDocument);
  if (total > most)
    return Failure(Errc::document_too_large, "the document would get " + std::to_string(total) +
                                                 " bytes, allowed are " + std::to_string(most));

  // All lists are in document order: one merge gives every new place. `shift` is how much longer
  // the output is up to here; every place is at most `total`, so nothing wraps.
  std::int64_t shift = 0;
  auto mark = marks_.begin();
  auto omission = omitted_.begin();
  const auto omit_before = [&](std::size_t end) {
    for (; omission != omitted_.end() && omission->type_offset < end; ++omission)
      shift -= omission->size;
  };
  const auto place_marks_before = [&](std::size_t end) {
    for (; mark != marks_.end() && mark->value_offset < end; ++mark) {
      omit_before(mark->type_offset);
      mark->new_offset = static_cast<std::uint32_t>(mark->value_offset + shift);
      shift += std::int64_t{mark->new_size} - std::int64_t{mark->value_size};
    }
    omit_before(end);
  };
  for (Enclosing& e : enclosing_) {
    place_marks_before(e.offset);
    e.new_offset = static_cast<std::uint32_t>(e.offset + shift);
    e.new_size = static_cast<std::uint32_t>(load32(in.data() + e.offset) + e.growth);
  }
  place_marks_before(in.size());
  return static_cast<std::size_t>(total);
}

std::size_t Edits::copy_run(MutBytes out, Bytes in, std::size_t from, std::size_t to,
                            std::size_t& omission) const noexcept {
  std::size_t written = 0;
  for (; omission != omitted_.size() && omitted_[omission].type_offset < to; ++omission) {
    const Omission& o = omitted_[omission];
    std::memcpy(out.data() + written, in.data() + from, o.type_offset - from);
    written += o.type_offset - from;
    from = std::size_t{o.type_offset} + o.size;
  }
  copy_short(out.data() + written, in.data() + from, to - from);
  return written + (to - from);
}

void Edits::write(MutBytes out, Bytes in) const noexcept {
  std::size_t read = 0;
  std::size_t written = 0;
  std::size_t omission = 0;
  for (const Mark& m : marks_) {
    copy_run(out.subspan(written), in, read, m.value_offset, omission);
    out[m.new_offset - (m.value_offset - m.type_offset)] = static_cast<std::uint8_t>(m.new_type);
    written = std::size_t{m.new_offset} + m.new_size;
    read = std::size_t{m.value_offset} + m.value_size;
  }
  copy_run(out.subspan(written), in, read, in.size(), omission);
  for (const Enclosing& e : enclosing_) store32(out.data() + e.new_offset, e.new_size);
}

void Edits::clear() noexcept {
  marks_.clear();
  inside_of_.clear();
  enclosing_.clear();
  omitted_.clear();
  nulls_.clear();
  names_.clear();
  walked_size_ = 0;
  unmarked_ = {};
}

void Edits::reserve(std::size_t n) {
  marks_.reserve(n);
  inside_of_.reserve(n);
}

void Edits::shrink_to_fit() {
  marks_.shrink_to_fit();
  inside_of_.shrink_to_fit();
  names_ = {};  // which a walk alone reads
}

namespace internal {

std::uint32_t EditsBuilder::take_duplicate(Bytes doc, std::uint32_t first) {
  const std::span<Edits::Name> names = std::span(edits_.names_).subspan(first);
  if (names.size() < 2) {
    edits_.names_.resize(first);
    return kNone;
  }
  const auto text = [&](const Edits::Name& n) {
    return std::string_view(reinterpret_cast<const char*>(doc.data()) + n.type_offset + 1, n.size);
  };
  const auto same = [&](const Edits::Name& a, const Edits::Name& b) {
    return a.size == b.size && text(a) == text(b);
  };
  std::uint32_t found = kNone;
  if (constexpr std::size_t kFew = 16; names.size() <= kFew) {
    for (std::size_t i = 1; i < names.size() && found == kNone; ++i)
      for (std::size_t k = 0; k < i && found == kNone; ++k)
        if (same(names[k], names[i])) found = names[i].type_offset;
  } else {
    // Sorting, unlike hashing, has no inputs that make it slow.
    std::sort(names.begin(), names.end(), [&](const Edits::Name& a, const Edits::Name& b) {
      return a.size != b.size ? a.size < b.size : text(a) < text(b);
    });
    const auto pair = std::adjacent_find(names.begin(), names.end(), same);
    if (pair != names.end()) found = pair->type_offset;
  }
  edits_.names_.resize(first);
  return found;
}

}  // namespace internal
}  // namespace fle::bson
