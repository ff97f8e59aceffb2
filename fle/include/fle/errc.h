#ifndef FLE_ERRC_H_
#define FLE_ERRC_H_

#include <cstdint>

namespace fle {

/// What went wrong. Numbers and names are stable across releases: append, never renumber.
/// A code is for programs; the text beside it (`Failure::message`) is for people.
enum class Errc : std::uint16_t {
  // Core, 1..99.
  invalid_argument = 1,   ///< The caller broke a documented precondition.
  buffer_too_small = 2,   ///< An output span is shorter than the matching `*_size()` said.
  auth_failed = 3,        ///< The ciphertext is not what this key wrote. Says no more on purpose.
  no_memory = 4,          ///< An allocation failed.
  lock_failed = 5,        ///< Pages could not be locked and the policy demanded it.
  random_failed = 6,      ///< The operating system gave no randomness.
  malformed_payload = 7,  ///< Not the layout of an encrypted value (subtype 6, type 1 or 2).
  key_not_inherited = 8,  ///< Key memory is not carried into forked children; create the key anew.
  crypto_failed = 9,      ///< libcrypto refused an operation that cannot fail on valid input.
  not_in_build = 10,      ///< Valid, but this build lacks an optional package; the text names it.
  kernel_unavailable = 11,  ///< FLE_KERNEL names no kernel that this CPU and build can run.
  work_limit = 12,          ///< A call needed more steps than its budget allows; see fle/work.h.

  // BSON documents, 100..199.
  malformed_bson = 100,      ///< Lengths, terminators or types do not add up.
  nesting_too_deep = 101,    ///< Deeper than `bson::Limits::max_depth`.
  document_too_large = 102,  ///< Larger than `bson::Limits::max_bytes`, before or after encryption.
  duplicate_field = 103,     ///< The same encrypted field stands twice in one document.
  type_not_allowed = 104,    ///< The value's BSON type is not one the schema or algorithm allows.
  already_encrypted = 105,   ///< A field to encrypt already holds binary subtype 6.
  encrypted_below_array =
      106,               ///< An array stands where the schema has an object with encrypted fields.
  ambiguous_path = 107,  ///< patternProperties give one field two different meanings.
  dotted_field_name = 108,       ///< A literal "a.b" where the schema encrypts the path a.b.
  unresolved_key_pointer = 109,  ///< A JSON-pointer keyId leads to no string in this document.
  missing_id = 110,              ///< `_id` is encrypted and the document has none.
  timestamp_zero = 111,          ///< Timestamp(0, 0) at top level: the server would replace it.
  not_an_object = 112,  ///< A scalar stands where the schema has an object with encrypted fields.

  // Schemas, 200..299.
  schema_syntax = 200,  ///< The text is not JSON, or the bytes are not BSON.
  schema_unknown_keyword = 201,
  schema_type_mismatch = 202,  ///< A keyword has a value of the wrong type.
  schema_bad_value = 203,      ///< A keyword has a value that is not one of the allowed ones.
  schema_conflict = 204,       ///< Keywords that may not stand together, or disagree.
  schema_incomplete = 205,     ///< An encrypt keyword has no algorithm, key or type in the end.
  schema_bad_position = 206,   ///< encrypt or encryptMetadata stands where it may not.
  schema_remote_only = 207,    ///< A validation keyword in a local schema.
  schema_bad_pointer = 208,    ///< A JSON-pointer keyId is malformed or not usable here.

  // Keys, key vault, KMS, 300..399.
  key_not_found = 300,         ///< The key vault has no such data key.
  key_document_invalid = 301,  ///< A data-key document breaks a rule of its format.
  key_unwrap_failed = 302,     ///< The master key does not open this data key.
  key_duplicate = 303,         ///< The id, a name or the key material is taken.
  kms_not_configured = 304,    ///< A data key names a KMS provider that is not configured.
  kms_config_invalid = 305,    ///< A KMS provider's options break a rule.
  kms_unsupported = 306,       ///< A KMS provider that this build does not have.
  vault_failed = 307,          ///< The key vault could not be read or written.
  vault_busy = 308,            ///< Another process kept the key vault locked for too long.
  kms_unreachable = 309,       ///< No connection to a KMS, or no answer in time; retries included.
  kms_refused = 310,  ///< A KMS said no: permissions, an unknown key, a limit. Its status is given.
  kms_bad_answer = 311,         ///< A KMS answered with something that is not in its protocol.
  kms_no_credentials = 312,     ///< Credentials or a token for a KMS could not be had.
  master_key_not_pinned = 313,  ///< A master key that the options do not name was to be used.
  key_not_sealed = 314,         ///< A data key without a seal where one is demanded.
  key_seal_broken = 315,        ///< A data key's seal does not fit its id, material or names.

  // Input and output of whole streams, 400..499.
  io_failed = 400,          ///< A file could not be read or written.
  json_invalid = 401,       ///< A line is not one Extended JSON document.
  truncated_stream = 402,   ///< The stream ends inside a document.
  nothing_encrypted = 403,  ///< A run that must encrypt something met no field to encrypt.

  // Query analysis, 500..599. The text says path, operator and rule.
  command_not_supported = 500,  ///< Neither analysed nor known to be harmless.
  command_malformed = 501,      ///< A part of a command has not the shape that it must have.
  operator_not_allowed = 502,   ///< An operator that cannot work on an encrypted field.
  random_not_comparable = 503,  ///< A comparison with a field encrypted with the random algorithm.
  comparison_not_possible = 504,  ///< A value that an encrypted field cannot be compared with.
  update_not_allowed = 505,       ///< An update that cannot be made on an encrypted field.
  stage_not_allowed = 506,        ///< An aggregation stage that cannot work on encrypted fields.
  expression_not_allowed = 507,   ///< An expression that cannot work on an encrypted field.
  encryption_unknown = 508,       ///< Whether a path is encrypted is known at run time only.
  collation_not_allowed = 509,    ///< A collation where encrypted strings are compared.
  pointer_key_not_allowed = 510,  ///< A JSON-pointer keyId where there is no whole document.
  view_not_supported = 511,       ///< The collection is a view.
  schema_missing = 512,           ///< A command names a collection whose schema was not given.
  analysis_disordered = 513,      ///< A fault in libfle: edits out of order. Nothing was written.

  // MongoDB servers, 600..699 (libfle::mongoc). Failure::server_code has the server's own number.
  server_unreachable = 600,  ///< No server, no connection, or it was lost: a write may be done.
  server_refused = 601,      ///< A server answered a command with an error.
  write_failed = 602,        ///< A server did not do some of the writes of a command.
  server_bad_answer = 603,   ///< A server's answer lacks what the protocol demands.
};

/// The stable name of a code, e.g. "auth_failed". Never null.
[[nodiscard]] constexpr const char* name(Errc code) noexcept {
  switch (code) {
#define FLE_ERRC_NAME(x) \
  case Errc::x:          \
    return #x;
    FLE_ERRC_NAME(invalid_argument)
    FLE_ERRC_NAME(buffer_too_small)
    FLE_ERRC_NAME(auth_failed)
    FLE_ERRC_NAME(no_memory)
    FLE_ERRC_NAME(lock_failed)
    FLE_ERRC_NAME(random_failed)
    FLE_ERRC_NAME(malformed_payload)
    FLE_ERRC_NAME(key_not_inherited)
    FLE_ERRC_NAME(crypto_failed)
    FLE_ERRC_NAME(not_in_build)
    FLE_ERRC_NAME(kernel_unavailable)
    FLE_ERRC_NAME(work_limit)
    FLE_ERRC_NAME(malformed_bson)
    FLE_ERRC_NAME(nesting_too_deep)
    FLE_ERRC_NAME(document_too_large)
    FLE_ERRC_NAME(duplicate_field)
    FLE_ERRC_NAME(type_not_allowed)
    FLE_ERRC_NAME(already_encrypted)
    FLE_ERRC_NAME(encrypted_below_array)
    FLE_ERRC_NAME(ambiguous_path)
    FLE_ERRC_NAME(dotted_field_name)
    FLE_ERRC_NAME(unresolved_key_pointer)
    FLE_ERRC_NAME(missing_id)
    FLE_ERRC_NAME(timestamp_zero)
    FLE_ERRC_NAME(not_an_object)
    FLE_ERRC_NAME(schema_syntax)
    FLE_ERRC_NAME(schema_unknown_keyword)
    FLE_ERRC_NAME(schema_type_mismatch)
    FLE_ERRC_NAME(schema_bad_value)
    FLE_ERRC_NAME(schema_conflict)
    FLE_ERRC_NAME(schema_incomplete)
    FLE_ERRC_NAME(schema_bad_position)
    FLE_ERRC_NAME(schema_remote_only)
    FLE_ERRC_NAME(schema_bad_pointer)
    FLE_ERRC_NAME(key_not_found)
    FLE_ERRC_NAME(key_document_invalid)
    FLE_ERRC_NAME(key_unwrap_failed)
    FLE_ERRC_NAME(key_duplicate)
    FLE_ERRC_NAME(kms_not_configured)
    FLE_ERRC_NAME(kms_config_invalid)
    FLE_ERRC_NAME(kms_unsupported)
    FLE_ERRC_NAME(vault_failed)
    FLE_ERRC_NAME(vault_busy)
    FLE_ERRC_NAME(kms_unreachable)
    FLE_ERRC_NAME(kms_refused)
    FLE_ERRC_NAME(kms_bad_answer)
    FLE_ERRC_NAME(kms_no_credentials)
    FLE_ERRC_NAME(master_key_not_pinned)
    FLE_ERRC_NAME(key_not_sealed)
    FLE_ERRC_NAME(key_seal_broken)
    FLE_ERRC_NAME(io_failed)
    FLE_ERRC_NAME(json_invalid)
    FLE_ERRC_NAME(truncated_stream)
    FLE_ERRC_NAME(nothing_encrypted)
    FLE_ERRC_NAME(command_not_supported)
    FLE_ERRC_NAME(command_malformed)
    FLE_ERRC_NAME(operator_not_allowed)
    FLE_ERRC_NAME(random_not_comparable)
    FLE_ERRC_NAME(comparison_not_possible)
    FLE_ERRC_NAME(update_not_allowed)
    FLE_ERRC_NAME(stage_not_allowed)
    FLE_ERRC_NAME(expression_not_allowed)
    FLE_ERRC_NAME(encryption_unknown)
    FLE_ERRC_NAME(collation_not_allowed)
    FLE_ERRC_NAME(pointer_key_not_allowed)
    FLE_ERRC_NAME(view_not_supported)
    FLE_ERRC_NAME(schema_missing)
    FLE_ERRC_NAME(analysis_disordered)
    FLE_ERRC_NAME(server_unreachable)
    FLE_ERRC_NAME(server_refused)
    FLE_ERRC_NAME(write_failed)
    FLE_ERRC_NAME(server_bad_answer)
#undef FLE_ERRC_NAME
  }
  return "unknown";
}

}  // namespace fle

#endif  // FLE_ERRC_H_
