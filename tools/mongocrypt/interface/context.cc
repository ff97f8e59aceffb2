// Contexts, and their messages to key management services.
#include <exception>
#include <limits>
#include <new>

#include "handle/context_options.h"
#include "handles.h"
#include "work/operations.h"

namespace {

using fle::Bytes;
using fle::Done;
using fle::Errc;
using fle::Failure;
using fle::ok;
using fle::mongocrypt::bytes_of;
using fle::mongocrypt::Context;
using fle::mongocrypt::ContextOptions;
using fle::mongocrypt::hand_out;
using fle::mongocrypt::is_valid;
using fle::mongocrypt::KmsContext;
using fle::mongocrypt::not_a_handle;
using fle::mongocrypt::queryable_encryption;
using fle::mongocrypt::text_of;

/// Runs a call on a context, which a failure ends.
template <class Call>
bool on(mongocrypt_ctx_t* handle, Call call) noexcept {
  if (!is_valid(handle)) return false;
  Context& context = handle->context;
  if (!context.status.is_ok()) return false;  // which says what came first
  const auto checked = [&]() -> Done {
    FLE_CHECK(context.check_process());
    return call(context);
  };
  if (fle::mongocrypt::guarded(context.status, checked)) return true;
  context.end();
  return false;
}

/// The same with the bytes of a view.
template <class Call>
bool on(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary, Call call) noexcept {
  return on(handle, [&](Context& context) -> Done {
    const auto bytes = bytes_of(binary);
    if (!bytes) return not_a_handle("the binary");
    return call(context, *bytes);
  });
}

/// Sets an option.
template <class Set>
bool set(mongocrypt_ctx_t* handle, Set set_option) noexcept {
  return on(handle, [&](Context& context) -> Done {
    FLE_TRY(ContextOptions* const options, context.options_to_set());
    return set_option(*options);
  });
}
bool set(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary,
         Done (ContextOptions::*set_option)(Bytes)) noexcept {
  return set(handle, [&](ContextOptions& options) -> Done {
    const auto bytes = bytes_of(binary);
    if (!bytes) return not_a_handle("the binary");
    return (options.*set_option)(*bytes);
  });
}

bool refuse(mongocrypt_ctx_t* handle, const char* option) noexcept {
  return set(handle, [&](ContextOptions&) -> Done { return queryable_encryption(option); });
}

using MakeOfBytes = fle::mongocrypt::MadeOperation (*)(Context&, Bytes);
bool begin(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary, MakeOfBytes make) noexcept {
  return on(handle, binary, [&](Context& context, Bytes bytes) {
    return context.begin([&](Context& c) { return make(c, bytes); });
  });
}

/// Runs a call on a KMS context, which has a status of its own.
template <class Call>
bool on(mongocrypt_kms_ctx_t* kms, Call call) noexcept {
  if (!is_valid(kms)) return false;
  return fle::mongocrypt::guarded(kms->context.status, [&]() -> Done {
    FLE_CHECK(kms->context.check_process());
    return call(kms->context);
  });
}

/// By no exported name: the process may have another library with the same ones.
bool feed(mongocrypt_kms_ctx_t* kms, const mongocrypt_binary_t* bytes,
          bool* should_retry) noexcept {
  return on(kms, [&](KmsContext& context) -> Done {
    const auto fed = bytes_of(bytes);
    if (!fed || should_retry == nullptr) return not_a_handle("the binary, or should_retry,");
    *should_retry = false;
    FLE_TRY(*should_retry, context.feed(*fed));
    return ok;
  });
}

}  // namespace

extern "C" {

mongocrypt_ctx_t* mongocrypt_ctx_new(mongocrypt_t* crypt) {
  if (!is_valid(crypt)) return nullptr;
  if (!crypt->crypt->is_ready()) {
    (void)fle::mongocrypt::guarded(crypt->crypt->status, [] {
      return Done(Failure(Errc::invalid_argument,
                          "cannot create context from uninitialized crypt: mongocrypt_init must "
                          "be called first"));
    });
    return nullptr;
  }
  return fle::mongocrypt::create<mongocrypt_ctx_t>(crypt->crypt);
}

bool mongocrypt_ctx_status(mongocrypt_ctx_t* ctx, mongocrypt_status_t* status) {
  if (!is_valid(ctx) || !is_valid(status)) return false;
  return fle::mongocrypt::copy_status(ctx->context.status, *status);
}

bool mongocrypt_ctx_setopt_key_id(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_id) {
  return set(ctx, key_id, &ContextOptions::set_key_id);
}

bool mongocrypt_ctx_setopt_key_alt_name(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_alt_name) {
  return set(ctx, key_alt_name, &ContextOptions::add_alt_name);
}

bool mongocrypt_ctx_setopt_key_material(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_material) {
  return set(ctx, key_material, &ContextOptions::set_key_material);
}

bool mongocrypt_ctx_setopt_algorithm(mongocrypt_ctx_t* ctx, const char* algorithm, int len) {
  return set(ctx, [&](ContextOptions& options) -> Done {
    const auto name = text_of(algorithm, len);
    if (!name) return Failure(Errc::invalid_argument, "passed null algorithm");
    return options.set_algorithm(*name);
  });
}

bool mongocrypt_ctx_setopt_masterkey_aws(mongocrypt_ctx_t* ctx, const char* region,
                                         int32_t region_len, const char* cmk, int32_t cmk_len) {
  return set(ctx, [&](ContextOptions& options) -> Done {
    const auto in = text_of(region, region_len);
    const auto key = text_of(cmk, cmk_len);
    if (!in || !key) return Failure(Errc::invalid_argument, "invalid region or cmk");
    return options.set_aws_master_key(*in, *key);
  });
}

bool mongocrypt_ctx_setopt_masterkey_aws_endpoint(mongocrypt_ctx_t* ctx, const char* endpoint,
                                                  int32_t endpoint_len) {
  return set(ctx, [&](ContextOptions& options) -> Done {
    const auto text = text_of(endpoint, endpoint_len);
    if (!text) return Failure(Errc::invalid_argument, "invalid endpoint");
    return options.set_aws_endpoint(*text);
  });
}

bool mongocrypt_ctx_setopt_masterkey_local(mongocrypt_ctx_t* ctx) {
  return set(ctx, [](ContextOptions& options) { return options.set_local_master_key(); });
}

bool mongocrypt_ctx_setopt_key_encryption_key(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* bin) {
  return set(ctx, bin, &ContextOptions::set_master_key);
}

bool mongocrypt_ctx_setopt_contention_factor(mongocrypt_ctx_t* ctx, int64_t) {
  return refuse(ctx, "a contention factor");
}

bool mongocrypt_ctx_setopt_index_key_id(mongocrypt_ctx_t* ctx, mongocrypt_binary_t*) {
  return refuse(ctx, "an index key id");
}

bool mongocrypt_ctx_setopt_query_type(mongocrypt_ctx_t* ctx, const char*, int) {
  return refuse(ctx, "a query type");
}

bool mongocrypt_ctx_setopt_algorithm_range(mongocrypt_ctx_t* ctx, mongocrypt_binary_t*) {
  return refuse(ctx, "a range option");
}

bool mongocrypt_ctx_setopt_algorithm_text(mongocrypt_ctx_t* ctx, mongocrypt_binary_t*) {
  return refuse(ctx, "a text option");
}

bool mongocrypt_ctx_datakey_init(mongocrypt_ctx_t* ctx) {
  return on(ctx, [](Context& context) { return context.begin(fle::mongocrypt::create_data_key); });
}

bool mongocrypt_ctx_encrypt_init(mongocrypt_ctx_t* ctx, const char* db, int32_t db_len,
                                 mongocrypt_binary_t* cmd) {
  return on(ctx, cmd, [&](Context& context, Bytes command) -> Done {
    const auto name = text_of(db, db_len);
    if (!name) return Failure(Errc::invalid_argument, "invalid db");
    return context.begin(
        [&](Context& c) { return fle::mongocrypt::encrypt_command(c, *name, command); });
  });
}

bool mongocrypt_ctx_decrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* doc) {
  return begin(ctx, doc, fle::mongocrypt::decrypt_reply);
}

bool mongocrypt_ctx_explicit_encrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* msg) {
  return begin(ctx, msg, fle::mongocrypt::encrypt_value);
}

bool mongocrypt_ctx_explicit_encrypt_expression_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t*) {
  return refuse(ctx, "encryptExpression");
}

bool mongocrypt_ctx_explicit_decrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* msg) {
  return begin(ctx, msg, fle::mongocrypt::decrypt_value);
}

bool mongocrypt_ctx_rewrap_many_datakey_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* filter) {
  return begin(ctx, filter, fle::mongocrypt::rewrap_data_keys);
}

mongocrypt_ctx_state_t mongocrypt_ctx_state(mongocrypt_ctx_t* ctx) {
  return is_valid(ctx) ? ctx->context.state() : MONGOCRYPT_CTX_ERROR;
}

bool mongocrypt_ctx_mongo_op(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* op_bson) {
  return on(ctx, [&](Context& context) -> Done {
    if (!is_valid(op_bson)) return not_a_handle("the binary");
    FLE_TRY(const Bytes question, context.mongo_op());
    hand_out(op_bson, question);
    return ok;
  });
}

const char* mongocrypt_ctx_mongo_db(mongocrypt_ctx_t* ctx) {
  return is_valid(ctx) ? ctx->context.mongo_db() : nullptr;
}

bool mongocrypt_ctx_mongo_feed(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* reply) {
  return on(ctx, reply, [](Context& context, Bytes bytes) { return context.mongo_feed(bytes); });
}

bool mongocrypt_ctx_mongo_done(mongocrypt_ctx_t* ctx) {
  return on(ctx, [](Context& context) { return context.mongo_done(); });
}

bool mongocrypt_ctx_provide_kms_providers(mongocrypt_ctx_t* ctx,
                                          mongocrypt_binary_t* kms_providers_definition) {
  return on(ctx, kms_providers_definition,
            [](Context& context, Bytes bytes) { return context.provide_credentials(bytes); });
}

bool mongocrypt_ctx_finalize(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* out) {
  return on(ctx, [&](Context& context) -> Done {
    if (!is_valid(out)) return not_a_handle("the binary");
    FLE_TRY(const Bytes result, context.finalize());
    hand_out(out, result);
    return ok;
  });
}

void mongocrypt_ctx_destroy(mongocrypt_ctx_t* ctx) { fle::mongocrypt::destroy(ctx); }

mongocrypt_kms_ctx_t* mongocrypt_ctx_next_kms_ctx(mongocrypt_ctx_t* ctx) {
  mongocrypt_kms_ctx_t* next = nullptr;
  (void)on(ctx, [&](Context& context) -> Done {
    next = context.next_kms_context();
    return ok;
  });
  return next;
}

bool mongocrypt_ctx_kms_done(mongocrypt_ctx_t* ctx) {
  return on(ctx, [](Context& context) { return context.kms_done(); });
}

bool mongocrypt_kms_ctx_message(mongocrypt_kms_ctx_t* kms, mongocrypt_binary_t* msg) {
  return on(kms, [&](KmsContext& context) -> Done {
    if (!is_valid(msg)) return not_a_handle("the binary");
    hand_out(msg, context.message());
    return ok;
  });
}

bool mongocrypt_kms_ctx_endpoint(mongocrypt_kms_ctx_t* kms, const char** endpoint) {
  return on(kms, [&](KmsContext& context) -> Done {
    if (endpoint == nullptr) return not_a_handle("the endpoint");
    *endpoint = context.endpoint().c_str();
    return ok;
  });
}

uint32_t mongocrypt_kms_ctx_bytes_needed(mongocrypt_kms_ctx_t* kms) {
  uint32_t needed = 0;
  (void)on(kms, [&](KmsContext& context) -> Done {
    needed = context.bytes_needed();
    return ok;
  });
  return needed;
}

int64_t mongocrypt_kms_ctx_usleep(mongocrypt_kms_ctx_t* kms) {
  return is_valid(kms) ? kms->context.microseconds_to_wait() : 0;
}

bool mongocrypt_kms_ctx_feed(mongocrypt_kms_ctx_t* kms, mongocrypt_binary_t* bytes) {
  bool again = false;
  return feed(kms, bytes, &again);
}

bool mongocrypt_kms_ctx_feed_with_retry(mongocrypt_kms_ctx_t* kms, mongocrypt_binary_t* bytes,
                                        bool* should_retry) {
  return feed(kms, bytes, should_retry);
}

bool mongocrypt_kms_ctx_fail(mongocrypt_kms_ctx_t* kms) {
  bool again = false;
  (void)on(kms, [&](KmsContext& context) -> Done {
    again = context.lost();
    return ok;
  });
  return again;
}

bool mongocrypt_kms_ctx_status(mongocrypt_kms_ctx_t* kms, mongocrypt_status_t* status) {
  if (!is_valid(kms) || !is_valid(status)) return false;
  return fle::mongocrypt::copy_status(kms->context.status, *status);
}

const char* mongocrypt_kms_ctx_get_kms_provider(mongocrypt_kms_ctx_t* kms, uint32_t* len) {
  if (len != nullptr) *len = 0;
  if (!is_valid(kms)) return nullptr;
  const std::string& id = kms->context.provider_id();
  if (len != nullptr) *len = static_cast<uint32_t>(id.size());
  return id.c_str();
}

}  // extern "C"
