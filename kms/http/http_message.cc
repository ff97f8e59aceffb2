#include "http_message.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "text/text.h"

namespace fle::kms {
namespace {

constexpr const char* kTooLarge = "an answer of more than 256 KiB";

template <class T>
std::optional<T> number(std::string_view digits, int base = 10) noexcept {
  T n = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n, base);
  if (ec != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

std::string_view trimmed(std::string_view s) noexcept {
  const std::size_t first = s.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t") - first + 1);
}

bool is_token(std::string_view name) noexcept {
  constexpr std::string_view kOthers = "!#$%&'*+^`|";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return is_unreserved(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) noexcept {
  return std::ranges::none_of(value, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7f;
  });
}

bool lists_close(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    if (equal_ignoring_case(trimmed(value.substr(0, comma)), "close")) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

// AWS, Azure Key Vault, Azure's token service.
bool names_request_id(std::string_view header) noexcept {
  return equal_ignoring_case(header, "x-amzn-requestid") ||
         equal_ignoring_case(header, "x-ms-request-id");
}

}  // namespace

HttpRequest http_post(const HttpEndpoint& to, std::string target, std::string_view content_type,
                      WipedText body) {
  HttpRequest r;
  r.to = to;
  r.target = std::move(target);
  r.headers.push_back({"Host", WipedText(to.authority())});
  r.headers.push_back({"Content-Type", WipedText(content_type)});
  r.headers.push_back({"Content-Length", WipedText(std::to_string(body.size()))});
  r.body = std::move(body);
  return r;
}

WipedText serialize(const HttpRequest& request, bool closes) {
  WipedText out;
  out.append(request.method).append(' ').append(request.target).append(" HTTP/1.1\r\n");
  for (const HttpHeader& h : request.headers)
    out.append(h.name).append(": ").append(h.value.view()).append("\r\n");
  if (closes) out.append("Connection: close\r\n");
  return std::move(out.append("\r\n").append(request.body.view()));
}

const char* HttpResponseReader::feed(Bytes data) {
  untouched_ = untouched_ && data.empty();
  while (!data.empty()) {
    if (complete()) return "bytes after the end of the answer";
    const bool in_body = step_ == Step::body || step_ == Step::until_closed || step_ == Step::chunk;
    if (const char* wrong = in_body ? take_body(data) : take_line(data)) return wrong;
  }
  return nullptr;
}

std::size_t HttpResponseReader::wanted() const noexcept {
  constexpr std::size_t kSome = 1024;
  if (complete()) return 0;
  return step_ == Step::body || step_ == Step::chunk ? remaining_ : kSome;
}

const char* HttpResponseReader::end_of_stream() {
  if (step_ == Step::until_closed) step_ = Step::complete;
  keeps_alive_ = false;
  return complete() ? nullptr : "the connection was closed before the end of the answer";
}

const char* HttpResponseReader::take_line(Bytes& data) {
  const auto end = std::ranges::find(data, std::uint8_t{'\n'});
  const auto n = static_cast<std::size_t>(end - data.begin());
  head_bytes_ += n + 1;
  if (head_bytes_ > kMaxHead) return "headers of more than 32 KiB";
  line_.append(data.first(n));
  if (end == data.end()) {
    data = {};
    return nullptr;
  }
  data = data.subspan(n + 1);
  const WipedText line = std::exchange(line_, {});
  if (!line.view().ends_with('\r')) return "a line that does not end in CRLF";
  return on_line(line.view().substr(0, line.size() - 1));
}

const char* HttpResponseReader::take_body(Bytes& data) {
  const std::size_t n =
      step_ == Step::until_closed ? data.size() : std::min(remaining_, data.size());
  if (response_.body.size() + n > kMaxBody) return kTooLarge;
  response_.body.append(data.first(n));
  data = data.subspan(n);
  if (step_ == Step::until_closed) return nullptr;
  remaining_ -= n;
  if (remaining_ == 0) step_ = step_ == Step::body ? Step::complete : Step::chunk_end;
  return nullptr;
}

const char* HttpResponseReader::on_line(std::string_view line) {
  switch (step_) {
    case Step::status_line:
      return on_status_line(line);
    case Step::header:
      return line.empty() ? on_headers_end() : on_header(line);
    case Step::chunk_size:
      return on_chunk_size(line);
    case Step::chunk_end:
      step_ = Step::chunk_size;
      return line.empty() ? nullptr : "a chunk that is longer than its length";
    case Step::trailer:
      if (line.empty()) step_ = Step::complete;
      return nullptr;
    default:
      return "an answer out of order";
  }
}

const char* HttpResponseReader::on_status_line(std::string_view line) {
  constexpr const char* kWrong = "not an HTTP/1.1 answer";
  // "HTTP/1.1 200 OK"; the reason may be missing, and with it the space before it.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return kWrong;
  if (line[7] != '0' && line[7] != '1') return kWrong;
  if (line.size() > 12 && line[12] != ' ') return kWrong;
  const auto status = number<int>(line.substr(9, 3));
  if (!status || *status < 100) return kWrong;
  response_.status = *status;
  keeps_alive_ = line[7] == '1';
  step_ = Step::header;
  return nullptr;
}

const char* HttpResponseReader::on_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) return "a malformed header";
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return "a malformed header";
  if (equal_ignoring_case(name, "content-length")) return on_content_length(value);
  if (equal_ignoring_case(name, "transfer-encoding")) {
    if (chunked_ || !equal_ignoring_case(value, "chunked")) return "an unknown transfer coding";
    chunked_ = true;
  }
  if (equal_ignoring_case(name, "content-encoding") && !equal_ignoring_case(value, "identity"))
    return "a content coding that was not asked for";
  if (equal_ignoring_case(name, "connection") && lists_close(value)) keeps_alive_ = false;
  if (names_request_id(name)) response_.request_id = WipedText(value);
  return nullptr;
}

const char* HttpResponseReader::on_content_length(std::string_view value) {
  const auto length = number<std::size_t>(value);
  if (!length || (length_given_ && *length != remaining_)) return "a malformed Content-Length";
  if (*length > kMaxBody) return kTooLarge;
  length_given_ = true;
  remaining_ = *length;
  return nullptr;
}

const char* HttpResponseReader::on_headers_end() {
  // Where both stand, somebody may be smuggling (RFC 9112 section 6.3, rule 3).
  if (chunked_ && length_given_) return "both a Content-Length and a transfer coding";
  const int status = response_.status;
  if (status == 101) return "a switch of protocols that was not asked for";
  if (status < 200) {  // interim: the answer is still to come
    if (chunked_ || length_given_) return "an interim answer with a body";
    step_ = Step::status_line;
    return nullptr;
  }
  if (status == 204 || status == 304 || (length_given_ && remaining_ == 0)) {
    step_ = Step::complete;
  } else if (chunked_) {
    step_ = Step::chunk_size;
  } else {
    step_ = length_given_ ? Step::body : Step::until_closed;
  }
  return nullptr;
}

const char* HttpResponseReader::on_chunk_size(std::string_view line) {
  const auto size = number<std::size_t>(trimmed(line.substr(0, line.find(';'))), 16);
  if (!size) return "a malformed chunk length";
  if (*size > kMaxBody) return kTooLarge;
  remaining_ = *size;
  step_ = *size == 0 ? Step::trailer : Step::chunk;
  return nullptr;
}

}  // namespace fle::kms
