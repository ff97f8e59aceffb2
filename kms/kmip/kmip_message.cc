#include "kmip_message.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "fle/bson/utf8.h"
#include "text/text.h"
#include "ttlv.h"

namespace fle::kms::kmip {
namespace {

using ttlv::Item;
using ttlv::Tag;
using ttlv::Type;
using ttlv::Writer;

struct Named {
  std::uint32_t value;
  std::string_view name;
};

std::string_view find_name(std::span<const Named> table, std::uint32_t value) noexcept {
  const auto it = std::ranges::find(table, value, &Named::value);
  return it == table.end() ? std::string_view{} : it->name;
}

// KMIP 1.2 specification, section 9.1.3.2: tables 266 (Object Type), 276 (State), 286 (Operation),
// 287 (Result Status), 288 (Result Reason).
constexpr std::uint32_t kSymmetricKey = 2;
constexpr std::uint32_t kSecretData = 7;
constexpr Named kObjectTypes[] = {{1, "Certificate"}, {2, "Symmetric Key"}, {3, "Public Key"},
                                  {4, "Private Key"}, {5, "Split Key"},     {6, "Template"},
                                  {7, "Secret Data"}, {8, "Opaque Object"}, {9, "PGP Key"}};
constexpr Named kStates[] = {{1, "Pre-Active"},  {2, "Active"},    {3, "Deactivated"},
                             {4, "Compromised"}, {5, "Destroyed"}, {6, "Destroyed Compromised"}};
constexpr Named kStatuses[] = {
    {0, "Success"}, {1, "Operation Failed"}, {2, "Operation Pending"}, {3, "Operation Undone"}};

constexpr std::uint32_t kCryptographicFailure = 0x0A;
struct Reason {
  std::uint32_t value;
  std::string_view name;
  std::string_view advice;
};
constexpr Reason kReasons[] = {
    {0x01, "Item Not Found", "check keyId and that this client may see the object"},
    {0x02, "Response Too Large", ""},
    {0x03, "Authentication Not Successful", "check the client certificate"},
    {0x04, "Invalid Message", "does the server speak KMIP 1.0 and 1.2?"},
    {0x05, "Operation Not Supported", "does the server speak KMIP 1.0 and 1.2?"},
    {0x06, "Missing Data", ""},
    {0x07, "Invalid Field", ""},
    {0x08, "Feature Not Supported", "does the server speak KMIP 1.0 and 1.2?"},
    {0x09, "Operation Canceled By Requester", ""},
    {kCryptographicFailure, "Cryptographic Failure", ""},
    {0x0B, "Illegal Operation", ""},
    {0x0C, "Permission Denied", "check the rights of this client and the state of the object"},
    {0x0D, "Object Archived", "have the object recovered"},
    {0x0E, "Index Out Of Bounds", ""},
    {0x0F, "Application Namespace Not Supported", ""},
    {0x10, "Key Format Type Not Supported", ""},
    {0x11, "Key Compression Type Not Supported", ""},
    {0x12, "Encoding Option Error", ""},
    {0x13, "Key Value Not Present", ""},
    {0x14, "Attestation Required", ""},
    {0x15, "Attestation Failed", ""},
    {0x100, "General Failure", "look into the log of the server"},
};

struct OperationRow {
  Operation operation;
  std::string_view name;
  std::int32_t minor_version;  // of KMIP 1: the oldest that has it, as libmongocrypt sends
};
constexpr OperationRow kOperations[] = {
    {Operation::create, "Create", 2},     {Operation::register_object, "Register", 0},
    {Operation::get, "Get", 0},           {Operation::get_attributes, "Get Attributes", 0},
    {Operation::activate, "Activate", 0}, {Operation::encrypt, "Encrypt", 2},
    {Operation::decrypt, "Decrypt", 2},
};

const OperationRow& row(Operation op) noexcept {
  return *std::ranges::find(kOperations, op, &OperationRow::operation);
}

Failure bad(std::string why) { return {Errc::kms_bad_answer, std::move(why)}; }

/// @param variable_len  of all texts and byte strings in the payload.
template <class Payload>
Outcome<Request> make(Operation op, std::size_t variable_len, LockPolicy policy, Payload payload) {
  constexpr std::size_t kFrame = 512;  // more than all that does not vary, whatever the operation
  FLE_TRY(SecretBytes memory, SecretBytes::create(kFrame + variable_len, policy));
  Writer w(memory.expose_mut());
  w.structure(Tag::request_message, [&] {
    w.structure(Tag::request_header, [&] {
      w.structure(Tag::protocol_version, [&] {
        w.integer(Tag::protocol_version_major, 1);
        w.integer(Tag::protocol_version_minor, row(op).minor_version);
      });
      w.integer(Tag::batch_count, 1);
    });
    w.structure(Tag::batch_item, [&] {
      w.enumeration(Tag::operation, static_cast<std::uint32_t>(op));
      w.structure(Tag::request_payload, [&] { payload(w); });
    });
  });
  if (!w.fits()) return Failure{Errc::invalid_argument, "a KMIP request is too long"};
  const std::size_t size = w.size();
  return Request{op, std::move(memory), size};
}

template <class Value>
void attribute(Writer& w, std::string_view name, Value value) {
  w.structure(Tag::attribute, [&] {
    w.text(Tag::attribute_name, name);
    value();
  });
}

Outcome<Request> about(Operation op, std::string_view key_id, LockPolicy policy) {
  return make(op, key_id.size(), policy,
              [&](Writer& w) { w.text(Tag::unique_identifier, key_id); });
}

enum class Iv : bool { given, chosen_by_server };

void cbc_parameters(Writer& w, Iv iv) {
  constexpr std::uint32_t kCbc = 1;
  constexpr std::uint32_t kPkcs5 = 3;
  constexpr std::uint32_t kAes = 3;
  w.structure(Tag::cryptographic_parameters, [&] {
    w.enumeration(Tag::block_cipher_mode, kCbc);
    w.enumeration(Tag::padding_method, kPkcs5);
    w.enumeration(Tag::cryptographic_algorithm, kAes);
    if (iv == Iv::chosen_by_server) w.boolean(Tag::random_iv, true);
  });
}

/// "Operation Failed (1)", or the number alone.
std::string named(std::string_view name, std::uint32_t value) {
  const std::string number = std::to_string(value);
  return name.empty() ? number : std::string(name) + " (" + number + ")";
}

Outcome<std::uint32_t> optional_enum(Bytes structure, Tag tag) {
  FLE_TRY(const std::optional<Item> item, ttlv::find(structure, tag, Type::enumeration));
  return item ? item->number() : 0U;
}

/// Why the server did not do `op`, in its own words.
Outcome<Bytes> refusal(Bytes batch_item, Operation op, std::uint32_t status) {
  FLE_TRY(const std::uint32_t reason, optional_enum(batch_item, Tag::result_reason));
  FLE_TRY(const std::optional<Item> message,
          ttlv::find(batch_item, Tag::result_message, Type::text));
  const auto* known = std::ranges::find(kReasons, reason, &Reason::value);
  const bool have_reason = known != std::end(kReasons);
  std::string why = std::string(name(op)) + " was refused: Result Status " +
                    named(find_name(kStatuses, status), status) + ", Result Reason " +
                    named(have_reason ? known->name : std::string_view{}, reason);
  if (message) why += ", Result Message " + quoted(message->text());
  if (have_reason && !known->advice.empty()) why += "; " + std::string(known->advice);
  const bool wrong_key = op == Operation::decrypt && reason == kCryptographicFailure;
  return Failure{wrong_key ? Errc::key_unwrap_failed : Errc::kms_refused, std::move(why)};
}

/// The size of a whole answer.
Outcome<std::size_t> framed_size(Bytes header) {
  constexpr std::uint8_t kStart[] = {0x42, 0x00, 0x7B,
                                     static_cast<std::uint8_t>(ttlv::Type::structure)};
  if (!std::ranges::equal(header.first(sizeof kStart), kStart))
    return Failure{Errc::kms_bad_answer,
                   "the answer is not a KMIP message: is this a KMIP server?"};
  std::size_t length = 0;
  for (const std::uint8_t b : header.subspan(sizeof kStart)) length = length << 8U | b;
  if (length > kMaxAnswerLen)
    return Failure{Errc::kms_bad_answer, "the answer is too large: " + std::to_string(length) +
                                             " bytes, at most " + std::to_string(kMaxAnswerLen)};
  return header.size() + length;
}

}  // namespace

std::string_view name(Operation op) noexcept { return row(op).name; }

Outcome<Request> register_request(Bytes secret, LockPolicy policy) {
  constexpr std::uint32_t kSeed = 2;
  constexpr std::uint32_t kOpaque = 2;
  return make(Operation::register_object, secret.size(), policy, [&](Writer& w) {
    w.enumeration(Tag::object_type, kSecretData);
    w.structure(Tag::template_attribute, [&] {
      attribute(w, "Cryptographic Usage Mask", [&] { w.integer(Tag::attribute_value, 0); });
    });
    w.structure(Tag::secret_data, [&] {
      w.enumeration(Tag::secret_data_type, kSeed);
      w.structure(Tag::key_block, [&] {
        w.enumeration(Tag::key_format_type, kOpaque);
        w.structure(Tag::key_value, [&] { w.bytes(Tag::key_material, secret); });
      });
    });
  });
}

Outcome<Request> activate_request(std::string_view key_id, LockPolicy policy) {
  return about(Operation::activate, key_id, policy);
}

Outcome<Request> get_request(std::string_view key_id, LockPolicy policy) {
  return about(Operation::get, key_id, policy);
}

Outcome<Request> state_request(std::string_view key_id, LockPolicy policy) {
  return make(Operation::get_attributes, key_id.size(), policy, [&](Writer& w) {
    w.text(Tag::unique_identifier, key_id);
    w.text(Tag::attribute_name, "State");
  });
}

Outcome<Request> create_request(LockPolicy policy) {
  constexpr std::uint32_t kAes = 3;
  constexpr std::int32_t kEncryptAndDecrypt = 4 | 8;
  return make(Operation::create, 0, policy, [&](Writer& w) {
    w.enumeration(Tag::object_type, kSymmetricKey);
    w.structure(Tag::template_attribute, [&] {
      attribute(w, "Cryptographic Algorithm", [&] { w.enumeration(Tag::attribute_value, kAes); });
      attribute(w, "Cryptographic Length", [&] { w.integer(Tag::attribute_value, 256); });
      attribute(w, "Cryptographic Usage Mask",
                [&] { w.integer(Tag::attribute_value, kEncryptAndDecrypt); });
    });
  });
}

Outcome<Request> encrypt_request(std::string_view key_id, Bytes data, LockPolicy policy) {
  return make(Operation::encrypt, key_id.size() + data.size(), policy, [&](Writer& w) {
    w.text(Tag::unique_identifier, key_id);
    cbc_parameters(w, Iv::chosen_by_server);
    w.bytes(Tag::data, data);
  });
}

Outcome<Request> decrypt_request(std::string_view key_id, Bytes data, Bytes iv, LockPolicy policy) {
  const std::size_t variable_len = key_id.size() + data.size() + iv.size();
  return make(Operation::decrypt, variable_len, policy, [&](Writer& w) {
    w.text(Tag::unique_identifier, key_id);
    cbc_parameters(w, Iv::given);
    w.bytes(Tag::data, data);
    w.bytes(Tag::iv_counter_nonce, iv);
  });
}

Outcome<Bytes> payload_of(Bytes message, Operation asked) {
  FLE_TRY(const Item answer, ttlv::need(message, Tag::response_message, Type::structure));
  FLE_TRY(const Item item, ttlv::need(answer.value, Tag::batch_item, Type::structure));
  FLE_TRY(const Item status, ttlv::need(item.value, Tag::result_status, Type::enumeration));
  if (status.number() != 0) return refusal(item.value, asked, status.number());
  FLE_TRY(const Item op, ttlv::need(item.value, Tag::operation, Type::enumeration));
  if (op.number() != static_cast<std::uint32_t>(asked))
    return bad("the answer is to another operation than " + std::string(name(asked)));
  FLE_TRY(const Item payload, ttlv::need(item.value, Tag::response_payload, Type::structure));
  return payload.value;
}

Outcome<std::string> key_id_in(Bytes payload) {
  FLE_TRY(const Item id, ttlv::need(payload, Tag::unique_identifier, Type::text));
  const std::string_view text = id.text();
  if (text.empty() || text.size() > kMaxKeyIdLen || text.find('\0') != std::string_view::npos ||
      !bson::is_utf8(text))
    return bad("a Unique Identifier that cannot be stored");
  return std::string(text);
}

Outcome<Bytes> secret_in(Bytes payload, std::string_view key_id) {
  FLE_TRY(const std::string id, key_id_in(payload));
  if (id != key_id) return bad("the answer is about another object, " + quoted(id));
  FLE_TRY(const Item type, ttlv::need(payload, Tag::object_type, Type::enumeration));
  if (type.number() != kSecretData)
    return Failure{Errc::kms_refused,
                   "keyId names an object of type " +
                       named(find_name(kObjectTypes, type.number()), type.number()) +
                       ", expected Secret Data"};
  FLE_TRY(const Item secret, ttlv::need(payload, Tag::secret_data, Type::structure));
  FLE_TRY(const Item block, ttlv::need(secret.value, Tag::key_block, Type::structure));
  FLE_TRY(const Item value, ttlv::need(block.value, Tag::key_value, Type::structure));
  FLE_TRY(const Item material, ttlv::need(value.value, Tag::key_material, Type::bytes));
  return material.value;
}

Outcome<Bytes> data_in(Bytes payload) {
  FLE_TRY(const Item data, ttlv::need(payload, Tag::data, Type::bytes));
  return data.value;
}

Outcome<Bytes> iv_in(Bytes payload) {
  FLE_TRY(const std::optional<Item> iv, ttlv::find(payload, Tag::iv_counter_nonce, Type::bytes));
  if (!iv || iv->value.size() != 16)
    return bad("the server did not return the IV of 16 bytes that it had to choose");
  return iv->value;
}

Outcome<std::string_view> state_in(Bytes payload) {
  FLE_TRY(const std::optional<Item> found, ttlv::find(payload, Tag::attribute, Type::structure));
  if (!found) return std::string_view{};
  FLE_TRY(const Item attribute_name, ttlv::need(found->value, Tag::attribute_name, Type::text));
  if (attribute_name.text() != "State") return bad("another attribute than the State asked for");
  FLE_TRY(const Item state, ttlv::need(found->value, Tag::attribute_value, Type::enumeration));
  const std::string_view text = find_name(kStates, state.number());
  if (text.empty()) return bad("a State that KMIP does not have");
  return text;
}

std::size_t AnswerReader::n_wanted() const noexcept {
  return (n_read_ < kHeaderLen ? kHeaderLen : answer_.size()) - n_read_;
}

MutBytes AnswerReader::room() noexcept {
  const bool in_header = n_read_ < kHeaderLen;
  return (in_header ? MutBytes(header_) : answer_.expose_mut()).subspan(n_read_);
}

Done AnswerReader::took(std::size_t n) {
  const bool in_header = n_read_ < kHeaderLen;
  n_read_ += n;
  if (!in_header || n_read_ < kHeaderLen) return ok;
  FLE_TRY(const std::size_t size, framed_size(header_));
  FLE_TRY(answer_, SecretBytes::create(size, policy_));
  std::ranges::copy(header_, answer_.expose_mut().begin());
  return ok;
}

}  // namespace fle::kms::kmip
