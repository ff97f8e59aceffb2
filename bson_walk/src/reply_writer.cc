#include "fle/bson_walk/reply_writer.h"

#include <bit>
#include <utility>

namespace fle::bson {

ReplyWriter::ReplyWriter(std::size_t size_hint) {
  out_.reserve(size_hint);
  out_.resize(4);
}

template <class Word>
void ReplyWriter::word(Word w) {  // little-endian, as all numbers of BSON
  for (std::size_t i = 0; i < sizeof w; ++i)
    out_.push_back(static_cast<std::uint8_t>(w >> (8 * i)));
}

void ReplyWriter::bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }

void ReplyWriter::name(Type type, std::string_view name) {
  out_.push_back(static_cast<std::uint8_t>(type));
  out_.insert(out_.end(), name.begin(), name.end());
  out_.push_back(0);
}

void ReplyWriter::add_bool(std::string_view n, bool value) {
  name(Type::bool_, n);
  out_.push_back(value ? 1 : 0);
}

void ReplyWriter::add_double(std::string_view n, double value) {
  name(Type::double_, n);
  word(std::bit_cast<std::uint64_t>(value));
}

void ReplyWriter::add_int32(std::string_view n, std::int32_t value) {
  name(Type::int_, n);
  word(static_cast<std::uint32_t>(value));
}

void ReplyWriter::add_int64(std::string_view n, std::int64_t value) {
  name(Type::long_, n);
  word(static_cast<std::uint64_t>(value));
}

void ReplyWriter::add_date(std::string_view n, std::int64_t since_epoch) {
  name(Type::date, n);
  word(static_cast<std::uint64_t>(since_epoch));
}

void ReplyWriter::add_string(std::string_view n, std::string_view text) {
  name(Type::string, n);
  word(static_cast<std::uint32_t>(text.size() + 1));
  out_.insert(out_.end(), text.begin(), text.end());
  out_.push_back(0);
}

void ReplyWriter::add_document(std::string_view n, Bytes document) {
  name(Type::object, n);
  bytes(document);
}

void ReplyWriter::add_array(std::string_view n, Bytes array) {
  name(Type::array, n);
  bytes(array);
}

std::vector<std::uint8_t> ReplyWriter::finish() && {
  out_.push_back(0);
  const auto size = static_cast<std::uint32_t>(out_.size());
  for (unsigned i = 0; i < 4; ++i) out_[i] = static_cast<std::uint8_t>(size >> (8 * i));
  return std::move(out_);
}

}  // namespace fle::bson
