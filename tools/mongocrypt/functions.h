#ifndef FLE_TOOLS_MONGOCRYPT_FUNCTIONS_H_
#define FLE_TOOLS_MONGOCRYPT_FUNCTIONS_H_

/// Every function of the interface: X(name, newer, what it does here), where
/// `newer` says that libmongocrypt 1.7.2 lacks it. The table in docs/libmongocrypt.md is made of
/// this, and a test compares it with what the header declares and the library exports.
// clang-format off
#define FLE_MONGOCRYPT_FUNCTIONS(X) \
  X(mongocrypt_version, false, "\"1.21.0+libfle.VERSION\"") \
  X(mongocrypt_is_crypto_available, true, "true: cryptography never has to come from hooks") \
  X(mongocrypt_binary_new, false, "as documented") \
  X(mongocrypt_binary_new_from_data, false, "as documented") \
  X(mongocrypt_binary_data, false, "as documented; null for what is no view") \
  X(mongocrypt_binary_len, false, "as documented; 0 for what is no view") \
  X(mongocrypt_binary_destroy, false, "as documented; what is no view is left alone") \
  X(mongocrypt_status_new, false, "as documented") \
  X(mongocrypt_status_set, false, "as documented") \
  X(mongocrypt_status_type, false, "query analysis and schemas: 3 (CRYPT_SHARED); what a KMS says: 2 (KMS); all else, values that cannot be encrypted among it: 1") \
  X(mongocrypt_status_code, false, "query analysis and schemas: MongoDB's number where it is public, else 51999; all else 1") \
  X(mongocrypt_status_message, false, "field, code and reason, then what to do; never a value or a key") \
  X(mongocrypt_status_ok, false, "as documented") \
  X(mongocrypt_status_destroy, false, "as documented") \
  X(mongocrypt_new, false, "as documented") \
  X(mongocrypt_setopt_log_handler, false, "as documented; without one nothing is logged") \
  X(mongocrypt_setopt_kms_provider_aws, false, "as setopt_kms_providers") \
  X(mongocrypt_setopt_kms_provider_local, false, "as setopt_kms_providers") \
  X(mongocrypt_setopt_kms_providers, false, "checked at once; an empty document: credentials are asked for when a key needs them; may be called again for other providers") \
  X(mongocrypt_setopt_schema_map, false, "each schema is compiled when a command first needs it") \
  X(mongocrypt_setopt_encrypted_field_config_map, false, "an empty map is taken; any other is handed over (FLE_MONGOCRYPT_QE) or refused: Queryable Encryption") \
  X(mongocrypt_setopt_append_crypt_shared_lib_search_path, false, "nothing is loaded, but by the original that is named; a log line at mongocrypt_init") \
  X(mongocrypt_setopt_set_crypt_shared_lib_path_override, false, "nothing is loaded, but by the original that is named; a log line at mongocrypt_init") \
  X(mongocrypt_setopt_use_need_kms_credentials_state, false, "as documented") \
  X(mongocrypt_setopt_use_need_mongo_collinfo_with_db_state, true, "as documented") \
  X(mongocrypt_setopt_enable_multiple_collinfo, true, "several collections are asked for in one filter; without it one after the other") \
  X(mongocrypt_setopt_retry_kms, true, "as documented") \
  X(mongocrypt_setopt_key_expiration, true, "as documented") \
  X(mongocrypt_setopt_bypass_query_analysis, false, "commands pass as they are") \
  X(mongocrypt_setopt_use_range_v2, true, "taken; for the original that is named, else without effect") \
  X(mongocrypt_setopt_crypto_hooks, false, "taken and not called, but by the original that is named: the kernels of libfle do the work; a log line at mongocrypt_init") \
  X(mongocrypt_setopt_aes_256_ctr, false, "as setopt_crypto_hooks") \
  X(mongocrypt_setopt_aes_256_ecb, false, "as setopt_crypto_hooks") \
  X(mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5, false, "as setopt_crypto_hooks") \
  X(mongocrypt_init, false, "as documented; fails without a KMS provider") \
  X(mongocrypt_status, false, "as documented") \
  X(mongocrypt_destroy, false, "as documented; contexts that are left go on working") \
  X(mongocrypt_crypt_shared_lib_version_string, false, "\"mongo_crypt_v1-libfle-VERSION-inside\": drivers spawn nothing and load nothing; null where an original is to be brought markings") \
  X(mongocrypt_crypt_shared_lib_version, false, "8.1.0: the rules that the analysis follows") \
  X(mongocrypt_ctx_new, false, "as documented; in a forked child keys are fetched and unwrapped again") \
  X(mongocrypt_ctx_status, false, "as documented; the first failure stays") \
  X(mongocrypt_ctx_setopt_key_id, false, "as documented") \
  X(mongocrypt_ctx_setopt_key_alt_name, false, "as documented") \
  X(mongocrypt_ctx_setopt_key_material, false, "as documented") \
  X(mongocrypt_ctx_setopt_algorithm, false, "the two algorithms of client-side field level encryption; those of Queryable Encryption are handed over or refused") \
  X(mongocrypt_ctx_setopt_masterkey_aws, false, "as documented") \
  X(mongocrypt_ctx_setopt_masterkey_aws_endpoint, false, "as documented") \
  X(mongocrypt_ctx_setopt_masterkey_local, false, "as documented") \
  X(mongocrypt_ctx_setopt_key_encryption_key, false, "as documented") \
  X(mongocrypt_ctx_setopt_contention_factor, false, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_setopt_index_key_id, false, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_setopt_query_type, false, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_setopt_algorithm_range, false, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_setopt_algorithm_text, true, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_datakey_init, false, "as documented") \
  X(mongocrypt_ctx_encrypt_init, false, "analyzed in the library: NEED_MONGO_MARKINGS never comes but from the original") \
  X(mongocrypt_ctx_decrypt_init, false, "as documented; values of Queryable Encryption are handed over, or stay as they are, with a log line") \
  X(mongocrypt_ctx_explicit_encrypt_init, false, "as documented") \
  X(mongocrypt_ctx_explicit_encrypt_expression_init, false, "handed over, or refused: Queryable Encryption") \
  X(mongocrypt_ctx_explicit_decrypt_init, false, "as documented; a value of Queryable Encryption is handed over or refused") \
  X(mongocrypt_ctx_rewrap_many_datakey_init, false, "as documented") \
  X(mongocrypt_ctx_state, false, "as documented") \
  X(mongocrypt_ctx_mongo_op, false, "as documented") \
  X(mongocrypt_ctx_mongo_db, true, "as documented") \
  X(mongocrypt_ctx_mongo_feed, false, "as documented") \
  X(mongocrypt_ctx_mongo_done, false, "as documented") \
  X(mongocrypt_ctx_provide_kms_providers, false, "as documented; for this context only") \
  X(mongocrypt_ctx_finalize, false, "as documented") \
  X(mongocrypt_ctx_destroy, false, "as documented") \
  X(mongocrypt_ctx_next_kms_ctx, false, "as documented; one that waits for another attempt comes again") \
  X(mongocrypt_ctx_kms_done, false, "as documented") \
  X(mongocrypt_kms_ctx_message, false, "as documented") \
  X(mongocrypt_kms_ctx_endpoint, false, "as documented") \
  X(mongocrypt_kms_ctx_bytes_needed, false, "as documented") \
  X(mongocrypt_kms_ctx_usleep, true, "as documented") \
  X(mongocrypt_kms_ctx_feed, false, "as documented") \
  X(mongocrypt_kms_ctx_feed_with_retry, true, "as documented") \
  X(mongocrypt_kms_ctx_fail, true, "as documented") \
  X(mongocrypt_kms_ctx_status, false, "as documented") \
  X(mongocrypt_kms_ctx_get_kms_provider, false, "as documented; with the provider's name where it has one")
// clang-format on

#endif  // FLE_TOOLS_MONGOCRYPT_FUNCTIONS_H_
