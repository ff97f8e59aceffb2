#include "secret_json.h"

#include <algorithm>

#include <rapidjson/error/en.h>

#include "fle/bson/utf8.h"

namespace fle::kms {

std::optional<JsonFault> parse_in_place(rapidjson::Document& doc, MutBytes text) {
  char* const chars = reinterpret_cast<char*>(text.data());
  const std::string_view view(chars, text.size() - 1);
  // Checked here: RapidJSON reads past the end for a sequence that is cut off.
  if (!bson::is_utf8(view) || view.find('\0') != std::string_view::npos)
    return JsonFault{"not UTF-8, or with a NUL byte", JsonFault::kNowhere};
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
  doc.ParseInsitu<kFlags>(chars);
  if (!doc.HasParseError()) return std::nullopt;
  return JsonFault{rapidjson::GetParseError_En(doc.GetParseError()), doc.GetErrorOffset()};
}

Outcome<WipedBuffer> with_nul(std::string_view text) {
  WipedBuffer copy;
  FLE_CHECK(copy.reset(text.size() + 1));
  std::ranges::copy(text, copy.bytes().begin());
  copy.bytes().back() = 0;
  return copy;
}

}  // namespace fle::kms
