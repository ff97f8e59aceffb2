#include "fle/bson/writer.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include <string.h>  // explicit_bzero

#include "value.h"

namespace fle::bson {
namespace {

void wipe(MutBytes bytes) noexcept {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace

Writer::Writer(std::size_t size_hint) : own_memory_(true) {
  own_.reserve(std::min(size_hint, internal::kMaxDocument));
  open(false);
}

Writer::Writer(MutBytes room) : room_(room), own_memory_(false) { open(false); }

Writer::~Writer() { wipe(own_); }

void Writer::refuse() noexcept {
  refused_ = true;
  wipe({data(), size_});
  size_ = 0;
}

bool Writer::make_room(std::size_t n) {
  if (refused_) return false;
  if (n > (own_memory_ ? internal::kMaxDocument : room_.size()) - size_) {
    refuse();
    return false;
  }
  if (!own_memory_ || n <= own_.capacity() - size_) return true;
  std::vector<std::uint8_t> larger;
  larger.reserve(std::max(size_ + n, 2 * own_.capacity()));
  larger.assign(own_.begin(), own_.end());
  own_.swap(larger);
  wipe(larger);
  return true;
}

void Writer::put(const void* bytes, std::size_t n) {
  if (!make_room(n) || n == 0) return;
  if (own_memory_) {
    const auto* const p = static_cast<const std::uint8_t*>(bytes);
    own_.insert(own_.end(), p, p + n);
  } else {
    std::memcpy(room_.data() + size_, bytes, n);
  }
  size_ += n;
}

void Writer::open(bool numbered) {
  const Level opened{static_cast<std::uint32_t>(size_), 0, numbered};
  if (n_levels_ < first_levels_.size()) {
    first_levels_[n_levels_] = opened;
  } else {
    further_levels_.push_back(opened);
  }
  ++n_levels_;
  constexpr std::uint8_t kLength[4] = {};  // known at the end
  put(kLength, sizeof kLength);
}

/// @param value_size  bytes that come next: looked at now, so that no half of an element is left.
void Writer::element(Type type, std::string_view name, std::size_t value_size) {
  char digits[10];
  if (n_levels_ == 0) return refuse();
  Level& level = this->level();
  if (level.numbered)
    name = {digits, std::to_chars(std::begin(digits), std::end(digits), level.n++).ptr};
  if (name.find('\0') != std::string_view::npos) return refuse();
  if (value_size > internal::kMaxDocument) return refuse();
  if (!make_room(1 + name.size() + 1 + value_size)) return;
  put_byte(static_cast<std::uint8_t>(type));
  put(name.data(), name.size());
  put_byte(0);
}

Writer& Writer::add(Type type, std::string_view name, Bytes value) {
  element(type, name, value.size());
  put(value.data(), value.size());
  return *this;
}

Writer& Writer::add_bool(std::string_view name, bool value) {
  element(Type::bool_, name, 1);
  put_byte(value ? 1 : 0);
  return *this;
}

Writer& Writer::add_double(std::string_view name, double value) {
  std::uint8_t bytes[8];
  store64(bytes, std::bit_cast<std::uint64_t>(value));
  return add(Type::double_, name, bytes);
}

Writer& Writer::add_int32(std::string_view name, std::int32_t value) {
  std::uint8_t bytes[4];
  store32(bytes, static_cast<std::uint32_t>(value));
  return add(Type::int_, name, bytes);
}

Writer& Writer::add_int64(std::string_view name, std::int64_t value) {
  std::uint8_t bytes[8];
  store64(bytes, static_cast<std::uint64_t>(value));
  return add(Type::long_, name, bytes);
}

Writer& Writer::add_date(std::string_view name, std::int64_t since_epoch) {
  std::uint8_t bytes[8];
  store64(bytes, static_cast<std::uint64_t>(since_epoch));
  return add(Type::date, name, bytes);
}

Writer& Writer::add_string(std::string_view name, std::string_view text) {
  std::uint8_t length[4];
  store32(length, static_cast<std::uint32_t>(text.size() + 1));
  element(Type::string, name, sizeof length + text.size() + 1);
  put(length, sizeof length);
  put(text.data(), text.size());
  put_byte(0);
  return *this;
}

Writer& Writer::add_binary(std::string_view name, std::uint8_t subtype, Bytes content) {
  std::uint8_t header[internal::kOldBinaryHeader];
  const std::size_t n = subtype == kSubtypeOld ? sizeof header : internal::kBinaryHeader;
  store32(header, static_cast<std::uint32_t>(n - internal::kBinaryHeader + content.size()));
  header[4] = subtype;
  store32(header + internal::kBinaryHeader, static_cast<std::uint32_t>(content.size()));
  element(Type::bin_data, name, n + content.size());
  put(header, n);
  put(content.data(), content.size());
  return *this;
}

Writer& Writer::append(Bytes elements) {
  if (n_levels_ == 0) refuse();
  put(elements.data(), elements.size());
  return *this;
}

Writer& Writer::begin(Type type, std::string_view name, bool numbered) {
  element(type, name, internal::kMinDocument);
  open(numbered);
  return *this;
}

Writer& Writer::end() {
  if (n_levels_ == 0) {
    refuse();
    return *this;
  }
  put_byte(0);
  const std::uint32_t start = level().start;
  if (!refused_) store32(data() + start, static_cast<std::uint32_t>(size_ - start));
  if (n_levels_-- > first_levels_.size()) further_levels_.pop_back();
  return *this;
}

Bytes Writer::finish() {
  while (n_levels_ != 0) end();
  return refused_ ? Bytes() : Bytes(data(), size_);
}

std::vector<std::uint8_t> Writer::take() && {
  if (finish().empty()) return {};
  std::vector<std::uint8_t> taken = std::exchange(own_, {});
  refused_ = true;  // nothing is here any more
  size_ = 0;
  return taken;
}

}  // namespace fle::bson
