#ifndef FLE_KMS_HTTP_TEXT_H_
#define FLE_KMS_HTTP_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/secret.h"
#include "fle/wiped.h"

namespace fle::kms {

/// Text that grows and may hold secrets: requests, answers, tokens. No byte of it is left in freed
/// memory. A vector and not a string: short strings live inside the object, where nothing wipes.
///
/// Not locked: a request is gone after milliseconds, and what lives longer is in SecretBytes.
class WipedText {
 public:
  WipedText() = default;
  explicit WipedText(std::string_view s) { append(s); }

  [[nodiscard]] std::string_view view() const noexcept { return {v_.data(), v_.size()}; }
  [[nodiscard]] Bytes bytes() const noexcept {
    return {reinterpret_cast<const std::uint8_t*>(v_.data()), v_.size()};
  }
  [[nodiscard]] char* data() noexcept { return v_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return v_.size(); }
  [[nodiscard]] bool empty() const noexcept { return v_.empty(); }
  /// Drops and wipes everything.
  void clear() noexcept { WipedChars().swap(v_); }

  WipedText& append(std::string_view s) {
    v_.insert(v_.end(), s.begin(), s.end());
    return *this;
  }
  WipedText& append(Bytes b) {
    return append(std::string_view(reinterpret_cast<const char*>(b.data()), b.size()));
  }
  WipedText& append(char c) {
    v_.push_back(c);
    return *this;
  }
  /// RFC 4648 section 4, padded. Which bytes stand in `b` decides no branch and no address.
  WipedText& append_base64(Bytes b);
  /// RFC 4648 section 5, without padding. Likewise.
  WipedText& append_base64url(Bytes b);
  /// Percent-encoded but for the unreserved characters of RFC 3986 section 2.3.
  WipedText& append_percent_encoded(std::string_view s);
  /// A JSON string with its quotes (RFC 8259 section 7). `s` is UTF-8.
  WipedText& append_json(std::string_view s);

 private:
  WipedChars v_;
};

/// A-Z a-z 0-9 - . _ ~ (RFC 3986 section 2.3), whatever the locale.
[[nodiscard]] bool is_unreserved(char c) noexcept;

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_TEXT_H_
