#ifndef FLE_KMS_JSON_ANSWER_H_
#define FLE_KMS_JSON_ANSWER_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "fle/failure.h"
#include "fle/secret.h"
#include "http_text.h"

namespace fle::kms {

/// A JSON object out of an HTTP answer. Hostile input is fine: nothing recurses, and memory stays
/// in proportion to the text. The text may be secret: it is parsed where it lies, and wiped.
class JsonAnswer {
 public:
  /// Nothing if `text` is not one JSON object in UTF-8.
  [[nodiscard]] static std::optional<JsonAnswer> parse(WipedText text);
  JsonAnswer(JsonAnswer&&) noexcept;
  JsonAnswer& operator=(JsonAnswer&&) noexcept;
  ~JsonAnswer();

  using Path = std::span<const std::string_view>;
  /// The string at the end of a path of names; nothing if there is none, or a name appears twice.
  [[nodiscard]] std::optional<std::string_view> text(Path path) const;
  [[nodiscard]] std::optional<std::string_view> text(
      std::initializer_list<std::string_view> path) const {
    return text(Path(path.begin(), path.size()));
  }
  /// The number at the end of a path.
  [[nodiscard]] std::optional<double> number(Path path) const;
  /// The names and the texts of the object at the end of a path, all of them strings; else nothing.
  [[nodiscard]] std::optional<std::vector<std::pair<std::string_view, std::string_view>>> texts(
      Path path) const;
  /// Whether anything but null is there.
  [[nodiscard]] bool has(Path path) const;
  /// A non-negative integer, also as decimal string (Azure's metadata service writes that).
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view name) const;

 private:
  struct Tree;
  explicit JsonAnswer(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

/// What a server says of its refusal, in the forms of AWS, Azure, GCP and OAuth (RFC 6749 section
/// 5.2). Views into the answer, as hostile as it is; empty where it says nothing.
struct Refusal {
  std::string_view code;
  std::string_view message;
};
[[nodiscard]] Refusal refusal_of(const JsonAnswer& answer);

/// Bytes given in base64: padded standard alphabet, or unpadded or padded URL alphabet.
enum class Base64Alphabet : std::uint8_t { standard, url };
/// Nothing if `text` is not base64 of at least one byte.
[[nodiscard]] Outcome<std::optional<SecretBytes>> decode_base64(std::string_view text,
                                                                Base64Alphabet alphabet,
                                                                LockPolicy policy);

}  // namespace fle::kms

#endif  // FLE_KMS_JSON_ANSWER_H_
