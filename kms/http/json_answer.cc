#include "json_answer.h"

#include <charconv>
#include <utility>

#include <rapidjson/document.h>

#include "text/base64.h"
#include "text/secret_json.h"

namespace fle::kms {
namespace {

using Names = std::initializer_list<std::string_view>;

std::string_view text_of(const rapidjson::Value& v) noexcept {
  return {v.GetString(), v.GetStringLength()};
}

// Null, too, for a name that appears twice: two readers would disagree about it.
const rapidjson::Value* only_member(const rapidjson::Value& v, std::string_view name) {
  const rapidjson::Value* found = nullptr;
  if (!v.IsObject()) return nullptr;
  for (const auto& m : v.GetObject()) {
    if (text_of(m.name) != name) continue;
    if (found != nullptr) return nullptr;
    found = &m.value;
  }
  return found;
}

const rapidjson::Value* at_end_of(const rapidjson::Value& root, JsonAnswer::Path path) {
  const rapidjson::Value* v = &root;
  for (const std::string_view name : path)
    if (v = only_member(*v, name); v == nullptr) return nullptr;
  return v;
}

// Where servers put the code of an error, and the text. The first that is there counts.
const Names kCodes[] = {{"__type"}, {"error", "status"}, {"error", "code"}, {"error"},
                        {"code"},   {"Error", "Code"}};
const Names kMessages[] = {
    {"message"}, {"Message"}, {"error", "message"}, {"error_description"}, {"Error", "Message"}};

template <std::size_t n>
std::string_view first_of(const JsonAnswer& answer, const Names (&paths)[n]) {
  for (const Names& path : paths)
    if (const auto text = answer.text(path)) return *text;
  return {};
}

}  // namespace

struct JsonAnswer::Tree {
  WipedText text;
  rapidjson::Document doc;  // points into `text`
};

JsonAnswer::JsonAnswer(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
JsonAnswer::JsonAnswer(JsonAnswer&&) noexcept = default;
JsonAnswer& JsonAnswer::operator=(JsonAnswer&&) noexcept = default;
JsonAnswer::~JsonAnswer() = default;

std::optional<JsonAnswer> JsonAnswer::parse(WipedText text) {
  auto tree = std::make_unique<Tree>();
  tree->text = std::move(text.append('\0'));
  const MutBytes bytes(reinterpret_cast<std::uint8_t*>(tree->text.data()), tree->text.size());
  if (parse_in_place(tree->doc, bytes) || !tree->doc.IsObject()) return std::nullopt;
  return JsonAnswer(std::move(tree));
}

std::optional<std::string_view> JsonAnswer::text(Path path) const {
  const rapidjson::Value* const v = at_end_of(tree_->doc, path);
  if (v == nullptr || !v->IsString()) return std::nullopt;
  return text_of(*v);
}

std::optional<double> JsonAnswer::number(Path path) const {
  const rapidjson::Value* const v = at_end_of(tree_->doc, path);
  if (v == nullptr || !v->IsNumber()) return std::nullopt;
  return v->GetDouble();
}

std::optional<std::vector<std::pair<std::string_view, std::string_view>>> JsonAnswer::texts(
    Path path) const {
  const rapidjson::Value* const v = at_end_of(tree_->doc, path);
  if (v == nullptr || !v->IsObject()) return std::nullopt;
  std::vector<std::pair<std::string_view, std::string_view>> out;
  for (const auto& m : v->GetObject()) {
    if (!m.value.IsString()) return std::nullopt;
    out.emplace_back(text_of(m.name), text_of(m.value));
  }
  return out;
}

bool JsonAnswer::has(Path path) const {
  const rapidjson::Value* const v = at_end_of(tree_->doc, path);
  return v != nullptr && !v->IsNull();
}

std::optional<std::int64_t> JsonAnswer::count(std::string_view name) const {
  const rapidjson::Value* v = only_member(tree_->doc, name);
  if (v == nullptr) return std::nullopt;
  std::int64_t n = -1;
  if (v->IsInt64()) n = v->GetInt64();
  if (v->IsString()) {
    const std::string_view s = text_of(*v);
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (ec != std::errc() || end != s.data() + s.size()) return std::nullopt;
  }
  if (n < 0) return std::nullopt;
  return n;
}

Refusal refusal_of(const JsonAnswer& answer) {
  // AWS: "com.amazonaws.kms#AccessDeniedException".
  std::string_view code = first_of(answer, kCodes);
  code.remove_prefix(code.rfind('#') + 1);
  return {code, first_of(answer, kMessages)};
}

Outcome<std::optional<SecretBytes>> decode_base64(std::string_view text, Base64Alphabet alphabet,
                                                  LockPolicy policy) {
  using Nothing = std::optional<SecretBytes>;
  WipedText standard(text);
  if (alphabet == Base64Alphabet::url) {
    for (std::size_t i = 0; i < standard.size(); ++i) {
      char& c = standard.data()[i];
      if (c == '+' || c == '/') return Nothing();
      c = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (standard.size() % 4 != 0) standard.append('=');
  }
  const auto size = base64_decoded_size(standard.view());
  if (!size || *size == 0) return Nothing();
  FLE_TRY(SecretBytes out, SecretBytes::create(*size, policy));
  if (!base64_decode(out.expose_mut(), standard.view())) return Nothing();
  return Nothing(std::move(out));
}

}  // namespace fle::kms
