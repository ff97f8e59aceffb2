#include "wire.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "crc32c.h"
#include "fle/bson/cursor.h"
#include "fle/bson/little_endian.h"
#include "fle/bson/writer.h"

namespace fle::cryptd {
namespace {

enum Flag : std::uint32_t { kChecksumPresent = 1U << 0, kMoreToCome = 1U << 1 };
// OP_MSG: a receiver must refuse a message with an unknown bit among these; others are optional.
constexpr std::uint32_t kRequiredFlags = 0xffff;

// Codes and names are those of the server for the same mistake, where it has one.
constexpr WireError kBadLength{17, "ProtocolError", "message length outside 16 to 48000000 bytes"};
constexpr WireError kBadOpCode{17, "ProtocolError", "only OP_MSG and OP_QUERY are understood"};
constexpr WireError kTruncated{17, "ProtocolError", "a section ends beyond its message"};
constexpr WireError kBadFlags{223, "IllegalOpMsgFlag", "unknown flag among the required ones"};
constexpr WireError kBadChecksum{17, "ProtocolError", "OP_MSG checksum does not match contents"};
constexpr WireError kBadSection{40432, "Location40432", "unknown kind of section"};
constexpr WireError kTwoBodies{40430, "Location40430", "more than one body section in a message"};
constexpr WireError kNoBody{40587, "Location40587", "OP_MSG messages must have a body"};
constexpr WireError kSequenceTwice{40431, "Location40431", "duplicate document sequence"};
constexpr WireError kSequenceInBody{40433, "Location40433",
                                    "duplicate field between body and document sequence"};
constexpr WireError kBadSequence{17, "ProtocolError",
                                 "the identifier of a document sequence is not a plain field name"};
constexpr WireError kManySequences{17, "ProtocolError", "too many document sequences"};
constexpr WireError kTooLarge{10334, "BSONObjectTooLarge", "the command is too large"};
constexpr WireError kInvalidBson{22, "InvalidBSON", "a document is not valid BSON"};
constexpr WireError kBadQuery{352, "UnsupportedOpQueryCommand",
                              "OP_QUERY is understood for a handshake on $cmd only; use OP_MSG"};

constexpr std::size_t kSmallestDocument = 5;
// No command has more than two. The bound keeps the search for duplicates short.
constexpr std::size_t kMaxSequences = 16;

/// Takes bytes from the front, never more than there are.
class Reader {
 public:
  explicit Reader(Bytes b) : rest_(b) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }

  std::optional<Bytes> take(std::size_t n) noexcept {
    if (n > rest_.size()) return std::nullopt;
    const Bytes b = rest_.first(n);
    rest_ = rest_.subspan(n);
    return b;
  }
  std::optional<std::uint8_t> byte() noexcept {
    const auto b = take(1);
    return b ? std::optional((*b)[0]) : std::nullopt;
  }
  std::optional<std::uint32_t> u32() noexcept {
    const auto b = take(4);
    return b ? std::optional(bson::load32(b->data())) : std::nullopt;
  }
  std::optional<std::string_view> cstring() noexcept {
    const auto end = std::find(rest_.begin(), rest_.end(), std::uint8_t{0});
    if (end == rest_.end()) return std::nullopt;
    const auto b = take(static_cast<std::size_t>(end - rest_.begin()) + 1);
    return std::string_view(reinterpret_cast<const char*>(b->data()), b->size() - 1);
  }
  /// As many bytes as the length in front of them says, the length counted.
  std::optional<Bytes> sized(std::size_t at_least) noexcept {
    if (rest_.size() < 4) return std::nullopt;
    const std::uint32_t n = bson::load32(rest_.data());
    return n < at_least ? std::nullopt : take(n);  // negative lengths are huge ones
  }
  std::optional<Bytes> document() noexcept { return sized(kSmallestDocument); }

 private:
  Bytes rest_;
};

struct Sequence {
  std::string_view name;
  Bytes documents;  // one after the other
  std::size_t array_size = kSmallestDocument;
};

std::string_view index_key(std::size_t i, std::array<char, 20>& buffer) noexcept {
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), i).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

/// Calls f(key, document) for each; false when they are not documents up to the very end.
template <class F>
bool for_each_document(Bytes documents, F f) {
  Reader in(documents);
  std::array<char, 20> buffer{};
  for (std::size_t i = 0; !in.at_end(); ++i) {
    const auto document = in.document();
    if (!document) return false;
    f(index_key(i, buffer), *document);
  }
  return true;
}

Result<Sequence, WireError> read_sequence(Reader& in) {
  const auto section = in.sized(4 + 1);
  if (!section) return kTruncated;
  Reader inside(section->subspan(4));
  const auto name = inside.cstring();
  if (!name) return kTruncated;
  if (name->empty() || name->find_first_of(".$") != std::string_view::npos) return kBadSequence;
  Sequence s{*name, *inside.take(inside.size())};
  const bool whole = for_each_document(s.documents, [&s](std::string_view key, Bytes document) {
    s.array_size += 1 + key.size() + 1 + document.size();
  });
  if (!whole) return kTruncated;
  return s;
}

struct Sections {
  std::optional<Bytes> body;
  std::vector<Sequence> sequences;
};

Result<std::monostate, WireError> add_sequence(Reader& in, Sections& out) {
  if (out.sequences.size() == kMaxSequences) return kManySequences;
  FLE_TRY(const Sequence s, read_sequence(in));
  const auto same = [&s](const Sequence& other) { return other.name == s.name; };
  if (std::any_of(out.sequences.begin(), out.sequences.end(), same)) return kSequenceTwice;
  out.sequences.push_back(s);
  return ok;
}

Result<Sections, WireError> read_sections(Reader in) {
  Sections out;
  while (!in.at_end()) {
    switch (*in.byte()) {
      case 0: {
        if (out.body) return kTwoBodies;
        out.body = in.document();
        if (!out.body) return kTruncated;
        break;
      }
      case 1:
        FLE_CHECK(add_sequence(in, out));
        break;
      default:
        return kBadSection;
    }
  }
  if (!out.body) return kNoBody;
  return out;
}

Result<std::monostate, WireError> check_names_differ(Bytes body, std::span<const Sequence> with) {
  bson::Cursor fields(body);
  while (fields.next()) {
    const auto same = [&](const Sequence& s) { return s.name == fields.element().name; };
    if (std::any_of(with.begin(), with.end(), same)) return kSequenceInBody;
  }
  if (fields.malformed()) return kInvalidBson;
  return ok;
}

/// The body with each sequence as an array of its name at the end: what the sender would have
/// written without sequences.
Result<WipedBytes, WireError> fold(const Sections& sections) {
  const Bytes body = *sections.body;
  FLE_CHECK(check_names_differ(body, sections.sequences));
  // In 64 bits: keys may outweigh the documents, but only by a small factor.
  std::size_t size = body.size();
  for (const Sequence& s : sections.sequences) size += 1 + s.name.size() + 1 + s.array_size;
  if (size > kCommandLimits.max_bytes) return kTooLarge;
  WipedBytes out(size);
  bson::Writer w(out);
  w.append(body.subspan(4, body.size() - 5));
  for (const Sequence& s : sections.sequences) {
    w.begin_array(s.name);
    for_each_document(s.documents, [&w](std::string_view, Bytes d) { w.add_document({}, d); });
    w.end();
  }
  if (w.finish().size() != size) return kTooLarge;
  return out;
}

Result<std::monostate, WireError> check_command(Bytes command) {
  if (!bson::check_value(bson::Type::object, command, kCommandLimits)) return kInvalidBson;
  return ok;
}

/// Cuts off the checksum once it is found right.
Result<Bytes, WireError> verify_checksum(Bytes message) {
  if (message.size() < kHeaderSize + 4 + 4) return kTruncated;
  const Bytes content = message.first(message.size() - 4);
  if (crc32c(content) != bson::load32(content.data() + content.size())) return kBadChecksum;
  return content;
}

Result<Request, WireError> parse_msg(const Header& header, Bytes message) {
  if (message.size() < kHeaderSize + 4) return kTruncated;
  const std::uint32_t flags = bson::load32(message.data() + kHeaderSize);
  if ((flags & kRequiredFlags & ~(kChecksumPresent | kMoreToCome)) != 0) return kBadFlags;
  Request r;
  r.header = header;
  r.checksum = (flags & kChecksumPresent) != 0;
  r.more_to_come = (flags & kMoreToCome) != 0;
  Bytes content = message;
  if (r.checksum) {
    FLE_TRY(content, verify_checksum(message));
  }
  FLE_TRY(const Sections sections, read_sections(Reader(content.subspan(kHeaderSize + 4))));
  if (sections.sequences.empty()) {
    r.command = *sections.body;
  } else {
    FLE_TRY(r.folded, fold(sections));
    r.command = r.folded;
  }
  FLE_CHECK(check_command(r.command));
  return r;
}

/// The command inside {$query: ...}, where older drivers put it beside a read preference.
Bytes unwrap_query(Bytes query) {
  bson::Cursor fields(query);
  if (!fields.next()) return query;
  const bson::Element& first = fields.element();
  const bool wraps = first.name == "$query" || first.name == "query";
  return wraps && first.type == bson::Type::object ? value_of(query, first) : query;
}

Result<Request, WireError> parse_query(const Header& header, Bytes message) {
  Reader in(message.subspan(kHeaderSize));
  const auto flags = in.u32();
  const auto collection = flags ? in.cstring() : std::nullopt;
  const auto numbers = collection ? in.take(4 + 4) : std::nullopt;
  const auto query = numbers ? in.document() : std::nullopt;
  if (!query || (!in.at_end() && (!in.document() || !in.at_end()))) return kTruncated;
  if (collection->size() <= 5 || !collection->ends_with(".$cmd")) return kBadQuery;
  Request r;
  r.header = header;
  FLE_CHECK(check_command(*query));
  r.command = unwrap_query(*query);
  return r;
}

}  // namespace

Header read_header(std::span<const std::uint8_t, kHeaderSize> bytes) noexcept {
  const auto at = [&bytes](std::size_t i) {
    return std::bit_cast<std::int32_t>(bson::load32(bytes.data() + i));
  };
  return {at(0), at(4), at(8), at(12)};
}

Result<std::monostate, WireError> check_header(const Header& header) noexcept {
  if (header.length < static_cast<std::int32_t>(kHeaderSize) || header.length > kMaxMessageSize)
    return kBadLength;
  if (header.op_code != kOpMsg && header.op_code != kOpQuery) return kBadOpCode;
  return ok;
}

Result<Request, WireError> parse(Bytes message) {
  if (message.size() < kHeaderSize) return kBadLength;
  const Header header = read_header(message.first<kHeaderSize>());
  FLE_CHECK(check_header(header));
  if (static_cast<std::size_t>(header.length) != message.size()) return kBadLength;
  return header.op_code == kOpMsg ? parse_msg(header, message) : parse_query(header, message);
}

bool may_be_answered(Bytes message) noexcept {
  if (message.size() < kHeaderSize) return false;
  const std::int32_t op_code = read_header(message.first<kHeaderSize>()).op_code;
  if (op_code == kOpQuery) return true;
  if (op_code != kOpMsg) return false;
  // The flags may not have come yet.
  if (message.size() < kHeaderSize + 4) return true;
  return (bson::load32(message.data() + kHeaderSize) & kMoreToCome) == 0;
}

Frame make_frame(const Header& request, bool checksum, std::int32_t request_id,
                 std::vector<std::uint8_t> document) {
  Frame f;
  const bool reply = request.op_code == kOpQuery;
  // OP_REPLY: flags, cursor, starting point, number of documents. OP_MSG: flags, kind of section.
  f.head_size = kHeaderSize + (reply ? 4 + 8 + 4 + 4 : 4 + 1);
  f.tail_size = checksum ? 4 : 0;
  f.document = std::move(document);
  bson::store32(f.head.data(), static_cast<std::uint32_t>(f.size()));
  bson::store32(f.head.data() + 4, std::bit_cast<std::uint32_t>(request_id));
  bson::store32(f.head.data() + 8, std::bit_cast<std::uint32_t>(request.request_id));
  bson::store32(f.head.data() + 12, static_cast<std::uint32_t>(reply ? kOpReply : kOpMsg));
  if (reply) {
    bson::store32(f.head.data() + 32, 1);
  } else if (checksum) {
    bson::store32(f.head.data() + 16, kChecksumPresent);
    bson::store32(f.tail.data(), crc32c(f.document, crc32c({f.head.data(), f.head_size})));
  }
  return f;
}

}  // namespace fle::cryptd
