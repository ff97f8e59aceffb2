// What a KMS answers comes over a network: reading it never crashes, ends, is bounded, and does not
// depend on how the bytes were cut on their way. The first byte says how they are.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "http/http_message.h"
#include "http/json_answer.h"
#include "text/text.h"

namespace {

using fle::kms::HttpResponseReader;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Read {
  bool complete = false;
  bool keeps_alive = false;
  int status = 0;
  std::string body;
  bool operator==(const Read&) const = default;
};

Read read(fle::Bytes bytes, std::size_t cut) {
  HttpResponseReader r;
  while (!bytes.empty()) {
    const std::size_t n = std::min(cut, bytes.size());
    if (r.feed(bytes.first(n)) != nullptr) return {};
    bytes = bytes.subspan(n);
    require(r.complete() == (r.wanted() == 0));
  }
  const bool reusable = r.complete() && r.keeps_alive();
  if (r.end_of_stream() != nullptr) return {};
  const auto& response = r.response();
  require(response.status >= 200 && response.status <= 999);
  require(response.body.size() <= HttpResponseReader::kMaxBody);
  return {true, reusable, response.status, std::string(response.body.view())};
}

void json(const std::string& body) {
  const auto answer = fle::kms::JsonAnswer::parse(fle::kms::WipedText(body));
  if (!answer) return;
  const fle::kms::Refusal refusal = fle::kms::refusal_of(*answer);
  const std::string shown = fle::kms::words(refusal.message, 100);
  require(shown.size() <= 103 && std::ranges::all_of(shown, [](char c) { return c >= 0x20; }));
  require(refusal.code.find('#') == std::string_view::npos);
  if (const auto n = answer->count("expires_in")) require(*n >= 0);
  using fle::kms::Base64Alphabet;
  for (const auto& [field, alphabet] : {std::pair("Plaintext", Base64Alphabet::standard),
                                        std::pair("value", Base64Alphabet::url)}) {
    const auto text = answer->text({field});
    if (!text) continue;
    const auto bytes = fle::kms::decode_base64(*text, alphabet, fle::LockPolicy::best_effort);
    require(bytes.has_value());
    // One value has one spelling, but for the padding of base64url.
    fle::kms::WipedText again;
    if (!bytes->has_value()) continue;
    if (alphabet == Base64Alphabet::url) {
      again.append_base64url((*bytes)->expose());
      require(text->starts_with(again.view()));
    } else {
      again.append_base64((*bytes)->expose());
      require(*text == again.view());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fle::Bytes bytes(data + 1, size - 1);
  const Read whole = read(bytes, bytes.size() + 1);
  require(whole == read(bytes, 1 + std::size_t{data[0]} % 16));
  if (whole.complete) json(whole.body);
  json(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return 0;
}
