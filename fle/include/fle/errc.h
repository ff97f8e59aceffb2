#ifndef FLE_ERRC_H_
#define FLE_ERRC_H_

#include <cstdint>

namespace fle {

// clang-format off
/// What went wrong. Numbers and names are stable across releases: append, never renumber.
/// A code is for programs; the text beside it (`Failure::message`) is for people.
///
/// X(name, number, meaning): one line each; all that is known of a code is made from these.
#define FLE_ERRC_LIST(X) \
  /* Core, 1..99. */ \
  X(invalid_argument, 1, "The caller broke a documented precondition.") \
  X(buffer_too_small, 2, "An output span is shorter than the matching *_len() said.") \
  X(auth_failed, 3, "The ciphertext is not what this key wrote. Says no more on purpose.") \
  X(no_memory, 4, "An allocation failed.") \
  X(lock_failed, 5, "Pages could not be locked and the policy demanded it.") \
  X(random_failed, 6, "The operating system gave no randomness.") \
  X(malformed_payload, 7, "Not the layout of an encrypted value (subtype 6, type 1 or 2).") \
  X(key_not_inherited, 8, "Key memory is not carried into forked children; create the key anew.") \
  X(crypto_failed, 9, "libcrypto refused an operation that cannot fail on valid input.") \
  X(not_in_build, 10, "Valid, but this build lacks an optional package; the text names it.") \
  X(kernel_unavailable, 11, "FLE_KERNEL names no kernel that this CPU and build can run.") \
  X(work_limit, 12, "A call needed more steps than its budget allows; see fle/work.h.") \
  /* BSON documents, 100..199. */ \
  X(malformed_bson, 100, "Lengths, terminators or types do not add up.") \
  X(nesting_too_deep, 101, "Deeper than bson::Limits::max_depth.") \
  X(document_too_large, 102, "Larger than bson::Limits::max_bytes, before or after encryption.") \
  X(duplicate_field, 103, "The same encrypted field appears twice in one document.") \
  X(type_not_allowed, 104, "The value's BSON type is not one the schema or algorithm allows.") \
  X(already_encrypted, 105, "A field to encrypt already holds binary subtype 6.") \
  X(encrypted_below_array, 106, "An array stands where the schema has an object with encrypted fields.") \
  X(ambiguous_path, 107, "patternProperties give one field two different meanings.") \
  X(dotted_field_name, 108, "A literal \"a.b\" where the schema encrypts the path a.b.") \
  X(unresolved_key_pointer, 109, "A JSON-pointer keyId leads to no string in this document.") \
  X(missing_id, 110, "_id is encrypted and the document has none.") \
  X(timestamp_zero, 111, "Timestamp(0, 0) at top level: the server would replace it.") \
  X(not_an_object, 112, "A scalar stands where the schema has an object with encrypted fields.") \
  X(no_longer_encrypted, 113, "What is encrypted would stand in plaintext under the new schema.") \
  X(wrong_type, 114, "A value is asked for as another BSON type than it has.") \
  /* Schemas, 200..299. */ \
  X(schema_syntax, 200, "The text is not JSON, or the bytes are not BSON.") \
  X(schema_unknown_keyword, 201, "An unknown keyword or option, or one that is not allowed here.") \
  X(schema_type_mismatch, 202, "A keyword has a value of the wrong type.") \
  X(schema_bad_value, 203, "A keyword has a value that is not one of the allowed ones.") \
  X(schema_conflict, 204, "Keywords that may not stand together, or disagree.") \
  X(schema_incomplete, 205, "An encrypt keyword has no algorithm, key or type in the end.") \
  X(schema_bad_position, 206, "encrypt or encryptMetadata stands where it may not.") \
  X(schema_remote_only, 207, "A validation keyword in a local schema.") \
  X(schema_bad_pointer, 208, "A JSON-pointer keyId is malformed or not usable here.") \
  /* Keys, key vault, KMS, 300..399. */ \
  X(key_not_found, 300, "The key vault has no such data key.") \
  X(key_document_invalid, 301, "A data-key document breaks a rule of its format.") \
  X(key_unwrap_failed, 302, "The master key does not open this data key.") \
  X(key_duplicate, 303, "The id, a name or the key material is taken.") \
  X(kms_not_configured, 304, "A data key names a KMS provider that is not configured.") \
  X(kms_config_invalid, 305, "A KMS provider's options break a rule.") \
  X(kms_unsupported, 306, "A KMS provider that this build does not have.") \
  X(vault_failed, 307, "The key vault could not be read or written.") \
  X(vault_busy, 308, "Another process kept the key vault locked for too long.") \
  X(kms_unreachable, 309, "No connection to a KMS, or no answer in time; retries included.") \
  X(kms_refused, 310, "A KMS said no: permissions, an unknown key, a limit. Its status is given.") \
  X(kms_bad_answer, 311, "A KMS answered with something that is not in its protocol.") \
  X(kms_no_credentials, 312, "Credentials or a token for a KMS are unavailable.") \
  X(master_key_not_pinned, 313, "A master key that the options do not name was to be used.") \
  X(key_not_sealed, 314, "A data key without a seal where one is demanded.") \
  X(key_seal_broken, 315, "A data key's seal does not fit its id, material or names.") \
  X(vault_unreachable, 316, "No connection to the key vault's server, or no answer in time.") \
  X(kms_busy, 317, "A KMS said to come back later (HTTP 429, 5xx); retries included.") \
  /* Input and output of whole streams, 400..499. */ \
  X(io_failed, 400, "A file could not be read or written.") \
  X(json_invalid, 401, "A line is not one Extended JSON document.") \
  X(truncated_stream, 402, "The stream ends inside a document.") \
  X(nothing_encrypted, 403, "A run that must encrypt something met no field to encrypt.") \
  X(io_busy, 404, "A file could not be read or written for now: no space, too many open files.") \
  X(verification_failed, 405, "What was made, opened again, is not what it was made of.") \
  X(cannot_resume, 406, "A run cannot go on from where another ended.") \
  /* Query analysis, 500..599. The text says path, operator and rule. */ \
  X(command_not_supported, 500, "Neither analyzed nor known to be harmless.") \
  X(command_malformed, 501, "A part of a command has not the shape that it must have.") \
  X(operator_not_allowed, 502, "An operator that cannot work on an encrypted field.") \
  X(random_not_comparable, 503, "A comparison with a field encrypted with the random algorithm.") \
  X(comparison_not_possible, 504, "A value that an encrypted field cannot be compared with.") \
  X(update_not_allowed, 505, "An update that cannot be made on an encrypted field.") \
  X(stage_not_allowed, 506, "An aggregation stage that cannot work on encrypted fields.") \
  X(expression_not_allowed, 507, "An expression that cannot work on an encrypted field.") \
  X(encryption_unknown, 508, "Whether a path is encrypted is known at run time only.") \
  X(collation_not_allowed, 509, "A collation where encrypted strings are compared.") \
  X(pointer_key_not_allowed, 510, "A JSON-pointer keyId where there is no whole document.") \
  X(view_not_supported, 511, "The collection is a view.") \
  X(schema_missing, 512, "A command names a collection whose schema was not given.") \
  X(analysis_disordered, 513, "A fault in libfle: edits out of order. Nothing was written.") \
  /* MongoDB servers, 600..699 (libfle::mongoc). Failure::server_code has the server's own number. */ \
  X(server_unreachable, 600, "No server, no connection, or it was lost: a write may be done.") \
  X(server_refused, 601, "A server answered a command with an error.") \
  X(write_failed, 602, "A server did not do some of the writes of a command.") \
  X(server_bad_answer, 603, "A server's answer lacks what the protocol demands.")
// clang-format on

enum class Errc : std::uint16_t {
#define FLE_ERRC_ENUMERATOR(name, number, meaning) name = number,
  FLE_ERRC_LIST(FLE_ERRC_ENUMERATOR)
#undef FLE_ERRC_ENUMERATOR
};

/// The stable name of a code, e.g. "auth_failed". Never null; "unknown" for none of the list.
[[nodiscard]] constexpr const char* name(Errc code) noexcept {
  switch (code) {
#define FLE_ERRC_NAME(name, number, meaning) \
  case Errc::name:                           \
    return #name;
    FLE_ERRC_LIST(FLE_ERRC_NAME)
#undef FLE_ERRC_NAME
  }
  return "unknown";
}

/// What a code means, in one English sentence of the list. Never null; empty for none of it.
[[nodiscard]] constexpr const char* meaning(Errc code) noexcept {
  switch (code) {
#define FLE_ERRC_MEANING(name, number, meaning) \
  case Errc::name:                              \
    return meaning;
    FLE_ERRC_LIST(FLE_ERRC_MEANING)
#undef FLE_ERRC_MEANING
  }
  return "";
}

}  // namespace fle

#endif  // FLE_ERRC_H_
