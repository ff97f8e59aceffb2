#include "analyzer_reply.h"

#include <bit>

#include "fle/schema/bson_type.h"

namespace fle::query::internal {
namespace {

constexpr std::uint8_t code(bson::Type t) noexcept { return static_cast<std::uint8_t>(t); }

}  // namespace

ReplyWriter::ReplyWriter(std::size_t size_hint) {
  out_.reserve(size_hint);
  out_.resize(4);
}

template <class Word>
void ReplyWriter::word(Word w) {  // little-endian, as all numbers of BSON
  for (std::size_t i = 0; i < sizeof w; ++i)
    out_.push_back(static_cast<std::uint8_t>(w >> (8 * i)));
}

void ReplyWriter::name(std::uint8_t type, std::string_view name) {
  out_.push_back(type);
  out_.insert(out_.end(), name.begin(), name.end());
  out_.push_back(0);
}

void ReplyWriter::add_bool(std::string_view n, bool value) {
  name(code(bson::Type::bool_), n);
  out_.push_back(value ? 1 : 0);
}

void ReplyWriter::add_double(std::string_view n, double value) {
  name(code(bson::Type::double_), n);
  word(std::bit_cast<std::uint64_t>(value));
}

void ReplyWriter::add_int32(std::string_view n, std::int32_t value) {
  name(code(bson::Type::int_), n);
  word(static_cast<std::uint32_t>(value));
}

void ReplyWriter::add_string(std::string_view n, std::string_view text) {
  name(code(bson::Type::string), n);
  word(static_cast<std::uint32_t>(text.size() + 1));
  out_.insert(out_.end(), text.begin(), text.end());
  out_.push_back(0);
}

void ReplyWriter::add_document(std::string_view n, Bytes document) {
  name(code(bson::Type::object), n);
  out_.insert(out_.end(), document.begin(), document.end());
}

std::vector<std::uint8_t> ReplyWriter::finish() && {
  out_.push_back(0);
  const auto size = static_cast<std::uint32_t>(out_.size());
  for (unsigned i = 0; i < 4; ++i) out_[i] = static_cast<std::uint8_t>(size >> (8 * i));
  return std::move(out_);
}

}  // namespace fle::query::internal
