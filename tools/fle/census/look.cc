#include "look.h"

#include <array>
#include <cstring>
#include <string_view>

#include "fle/bson/little_endian.h"
#include "fle/payload.h"

namespace fle::tools {
namespace {

using bson::Type;

constexpr std::size_t kBinaryHeader = 5;  // int32 length, subtype

/// Bytes of a value of `type`; 0: they differ.
constexpr std::size_t fixed_size(Type type) noexcept {
  switch (type) {
    case Type::bool_:
      return 1;
    case Type::int_:
      return 4;
    case Type::double_:
    case Type::date:
    case Type::timestamp:
    case Type::long_:
      return 8;
    case Type::object_id:
      return 12;
    case Type::decimal:
      return 16;
    default:
      return 0;
  }
}

/// Whether a payload may be that of a value of `type`.
bool has_size_of(Type type, std::size_t payload) noexcept {
  const std::size_t fixed = fixed_size(type);
  return fixed != 0 ? payload == payload_len(fixed)
                    : payload >= payload_len(0) && (payload - payload_len(0)) % kBlockLen == 0;
}

}  // namespace

std::size_t payload_size(Type type) noexcept {
  const std::size_t fixed = fixed_size(type);
  return fixed == 0 ? 0 : payload_len(fixed);
}

Look look_at(Type type, Bytes value) noexcept {
  Look look;
  look.type = type;
  if (type != Type::bin_data || value.size() < kBinaryHeader ||
      value[kBinaryHeader - 1] != bson::kSubtypeEncrypted)
    return look;
  const Bytes payload = value.subspan(kBinaryHeader);
  if (payload.empty() || (payload[0] != 1 && payload[0] != 2)) {
    look.state = State::foreign;
    look.kind = payload.empty() ? Look::kEmpty : payload[0];
    return look;
  }
  const auto header = parse_payload(payload);
  const Type of = header ? static_cast<Type>(header->bson_type) : Type::null;
  if (!header || !bson::encryptable(of, header->algorithm) || !has_size_of(of, payload.size())) {
    look.state = State::damaged;
    return look;
  }
  look.state = State::encrypted;
  look.type = of;
  look.algorithm = header->algorithm;
  look.key = header->key_id;
  return look;
}

bool is_like(const Look& look, const std::uint8_t* value, std::size_t size) noexcept {
  const bool is_encrypted = value[kBinaryHeader - 1] == bson::kSubtypeEncrypted;
  if (look.state != State::encrypted) return look.state == State::plain && !is_encrypted;
  const std::uint8_t* const payload = value + kBinaryHeader;
  return is_encrypted && has_size_of(look.type, size - kBinaryHeader) &&
         payload[0] == static_cast<std::uint8_t>(look.algorithm) &&
         payload[kPayloadHeaderLen - 1] == static_cast<std::uint8_t>(look.type) &&
         (look.other_key ||
          std::memcmp(payload + 1, look.key.bytes.data(), look.key.bytes.size()) == 0);
}

std::uint64_t fingerprint(Bytes value) noexcept {
  return bson::load64(value.data() + value.size() - 8) * 0x9e3779b97f4a7c15ULL;
}

Added added_by(Type type) noexcept {
  if (const std::size_t n = fixed_size(type); n != 0) {
    const auto added = static_cast<std::uint32_t>(kBinaryHeader + payload_len(n) - n);
    return {added, added};
  }
  // PKCS#7 padding hides how long the last block was.
  constexpr auto kMost = static_cast<std::uint32_t>(kBinaryHeader + payload_len(0));
  return {kMost - (kBlockLen - 1), kMost};
}

bool holds_plaintext(std::uint8_t kind) noexcept { return kind == 0 || kind == 3; }

std::string name_of_kind(std::uint8_t kind) {
  // MongoDB's src/mongo/crypto/fle_field_schema.idl, EncryptedBinDataType.
  struct Row {
    std::uint8_t kind;
    std::string_view name;
  };
  static constexpr std::array kRows{
      Row{0, "placeholder with plaintext, not encrypted yet"},
      Row{3, "Queryable Encryption: placeholder with plaintext, not encrypted yet"},
      Row{4, "Queryable Encryption: insert or update payload, version 1"},
      Row{5, "Queryable Encryption: search for equality, version 1"},
      Row{6, "Queryable Encryption: without an index, version 1"},
      Row{7, "Queryable Encryption: indexed for equality, version 1"},
      Row{8, "Queryable Encryption: transient"},
      Row{9, "Queryable Encryption: indexed for ranges, version 1"},
      Row{10, "Queryable Encryption: search in a range, version 1"},
      Row{11, "Queryable Encryption: insert or update payload"},
      Row{12, "Queryable Encryption: search for equality"},
      Row{13, "Queryable Encryption: search in a range"},
      Row{14, "Queryable Encryption: indexed for equality"},
      Row{15, "Queryable Encryption: indexed for ranges"},
      Row{16, "Queryable Encryption: without an index"},
      Row{17, "Queryable Encryption: indexed for text"},
      Row{Look::kInScope, "in the scope of code, where nobody decrypts"},
      Row{Look::kEmpty, "binary of subtype 6 without content"},
  };
  for (const Row& r : kRows)
    if (r.kind == kind) return std::string(r.name);
  return "binary of subtype 6 of unknown kind " + std::to_string(kind);
}

}  // namespace fle::tools
