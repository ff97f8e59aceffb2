// Extended JSON both ways. One input is used twice: as BSON, which is written and read back, and as
// text, which is read, written and read back, by the scanner and by RapidJSON, whole and in pieces.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bson/json/in_pieces.h"
#include "bson/json/two_readers.h"
#include "fle/bson/extended_json.h"
#include "fle/bson_walk/walk.h"

namespace {

using fle::Bytes;
using fle::WipedBytes;
using fle::WipedChars;
using fle::bson::JsonForm;
using fle::bson::read_extended_json;
using fle::bson::write_extended_json;

constexpr fle::bson::Limits kLimits{1024, 0x7fffffff};

void require(bool condition) {
  if (!condition) std::abort();
}

std::string_view view(const WipedChars& text) { return {text.data(), text.size()}; }

bool is_well_formed(Bytes document) {
  return fle::bson::check_value(fle::bson::Type::object, document, kLimits).has_value();
}

/// What was read from a text comes back from every text that is written of it.
void comes_back(const WipedBytes& document) {
  require(is_well_formed(document));
  WipedChars canonical;
  require(write_extended_json(canonical, document, JsonForm::canonical).has_value());
  WipedBytes again;
  require(read_extended_json(again, view(canonical)).has_value());
  require(again == document);
  WipedChars relaxed;
  require(write_extended_json(relaxed, document, JsonForm::relaxed).has_value());
  again.clear();
  require(read_extended_json(again, view(relaxed)).has_value());
  WipedChars relaxed_again;
  require(write_extended_json(relaxed_again, again, JsonForm::relaxed).has_value());
  require(relaxed_again == relaxed);
}

/// Both readers have the same to say.
void agree(std::string_view text) {
  const auto texts = fle::test::two_texts(text);
  if (!texts) return;
  WipedBytes scanned;
  WipedBytes parsed;
  const fle::Done by_scanner = read_extended_json(scanned, texts->scanned);
  const fle::Done by_parser = read_extended_json(parsed, texts->parsed);
  require(by_scanner.has_value() == by_parser.has_value());
  require(scanned == parsed);
  if (!by_scanner) require(by_scanner.error().to_string() == by_parser.error().to_string());
}

/// A text in pieces is the same text.
void agree_in_pieces(std::string_view text) {
  WipedBytes whole;
  WipedBytes in_pieces;
  const fle::Done of_whole = read_extended_json(whole, text);
  fle::test::InPieces pieces(text, 1 + text.size() % 7);
  const fle::Done of_pieces = read_extended_json(in_pieces, pieces);
  require(of_whole.has_value() == of_pieces.has_value());
  require(whole == in_pieces);
  if (!of_whole) require(of_whole.error().to_string() == of_pieces.error().to_string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  WipedChars text;
  if (write_extended_json(text, input, JsonForm::canonical)) {
    require(is_well_formed(input));
    WipedBytes document;
    require(read_extended_json(document, view(text)).has_value());
    WipedChars again;
    require(write_extended_json(again, document, JsonForm::canonical).has_value());
    require(again == text);
    comes_back(document);
  } else {
    require(text.empty());
  }
  agree({reinterpret_cast<const char*>(data), size});
  agree_in_pieces({reinterpret_cast<const char*>(data), size});
  WipedBytes document;
  if (read_extended_json(document, {reinterpret_cast<const char*>(data), size})) {
    comes_back(document);
  } else {
    require(document.empty());
  }
  return 0;
}
