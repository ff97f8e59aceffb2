#ifndef FLE_KMS_HTTP_MESSAGE_H_
#define FLE_KMS_HTTP_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/result.h"
#include "http_endpoint.h"
#include "http_text.h"

// HTTP/1.1 messages (RFC 9112), as far as KMS servers need them. libcurl connects and speaks TLS;
// the messages are read and written here, because libcurl's own HTTP code leaves copies of headers
// (tokens, that is) and bodies (keys, that is) in buffers that it frees without wiping.
namespace fle::kms {

struct HttpHeader {
  std::string name;
  WipedText value;
};

struct HttpRequest {
  HttpEndpoint to;
  std::string method = "POST";
  std::string target = "/";  ///< Path with query.
  std::vector<HttpHeader> headers;
  WipedText body;
  /// What stands in this request that no error text may repeat, even if the server does.
  std::vector<WipedText> secrets;
};

/// A POST with the headers Host, Content-Type and Content-Length.
[[nodiscard]] HttpRequest http_post(const HttpEndpoint& to, std::string target,
                                    std::string_view content_type, WipedText body);

/// The bytes that go over the connection.
/// @param closes  asks the server to close the connection after its answer.
[[nodiscard]] WipedText serialize(const HttpRequest& request, bool closes = false);

struct HttpResponse {
  int status = 0;
  WipedText request_id;  ///< The server's name for this exchange, for its support; may be empty.
  WipedText body;
};

/// Why nothing came back from a server.
struct HttpFault {
  enum class Kind : std::uint8_t {
    transient,  ///< Another attempt may succeed.
    permanent,  ///< It will not: certificates, settings.
    no_http,    ///< The server answered, but not in HTTP.
  };
  std::string why;
  Kind kind;
};
template <class T>
using HttpResult = Result<T, HttpFault>;

/// Reads one answer from bytes as they arrive. The bytes are hostile: every length is bounded, and
/// whatever two readers could understand differently is refused.
class HttpResponseReader {
 public:
  /// Answers hold one wrapped key, one token or one error: a few KiB. The rest is room for what
  /// gateways like to say. (libmongocrypt allows 16 MiB.)
  static constexpr std::size_t kMaxBody = 256UL * 1024;
  /// Status line, headers, chunk sizes and trailers together.
  static constexpr std::size_t kMaxHead = 32UL * 1024;

  /// Takes the next bytes. Returns null, or what is wrong with them: then nothing else may be
  /// called. Bytes after the end of the answer are wrong.
  [[nodiscard]] const char* feed(Bytes data);
  /// The peer closed the connection. Likewise; afterwards complete() unless something was wrong.
  [[nodiscard]] const char* end_of_stream();
  [[nodiscard]] bool complete() const noexcept { return step_ == Step::complete; }
  /// True when nothing has arrived yet.
  [[nodiscard]] bool untouched() const noexcept { return untouched_; }
  /// True if the connection may carry another request. Only once complete.
  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  [[nodiscard]] HttpResponse& response() noexcept { return response_; }
  /// How many bytes to read at most before the next feed(): never more than are still to come of a
  /// body whose length is known. 0 once complete.
  [[nodiscard]] std::size_t wanted() const noexcept;

 private:
  enum class Step : std::uint8_t {
    status_line,
    header,
    body,          // remaining_ bytes are left
    until_closed,  // neither a length nor chunks (RFC 9112 section 6.3, rule 8)
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    complete
  };

  const char* on_line(std::string_view line);
  const char* on_status_line(std::string_view line);
  const char* on_header(std::string_view line);
  const char* on_headers_end();
  const char* on_chunk_size(std::string_view line);
  const char* take_line(Bytes& data);
  const char* take_body(Bytes& data);
  const char* on_content_length(std::string_view value);

  Step step_ = Step::status_line;
  bool untouched_ = true;
  bool keeps_alive_ = true;
  bool chunked_ = false;
  bool length_given_ = false;
  std::size_t remaining_ = 0;
  std::size_t head_bytes_ = 0;
  WipedText line_;
  HttpResponse response_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_HTTP_MESSAGE_H_
