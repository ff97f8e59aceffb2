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
using fle::WipedBytes;
using fle::mongocrypt::bytes_of;
using fle::mongocrypt::Context;
using fle::mongocrypt::ContextOptions;
using fle::mongocrypt::hand_out;
using fle::mongocrypt::is_valid;
using fle::mongocrypt::KmsMessage;
using fle::mongocrypt::not_a_handle;
using fle::mongocrypt::text_of;
using fle::mongocrypt::original::Library;
using fle::mongocrypt::original::Setting;
using Original = fle::mongocrypt::original::Context;
using BytesFunction = Original::Function<mongocrypt_binary_t*>;

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

/// The same option of the original's; owns what it was given.
Setting of_bytes(BytesFunction theirs, Bytes bytes) {
  return [theirs, own = WipedBytes(bytes.begin(), bytes.end())](Original& original) {
    return original.set_bytes(theirs, own);
  };
}

/// Sets an option: here, or, where the context is handed over, there.
/// @param make_theirs  makes the Setting for the original.
template <class Ours, class MakeTheirs>
Done set(Context& context, Ours ours, MakeTheirs make_theirs) {
  if (context.is_handed_over()) return make_theirs()(context.handed());
  FLE_TRY(ContextOptions* const options, context.options_to_set());
  FLE_CHECK(ours(*options));
  context.note_option(make_theirs);
  return ok;
}
bool set(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary,
         Done (ContextOptions::*set_option)(Bytes), BytesFunction theirs) noexcept {
  return on(handle, binary, [&](Context& context, Bytes bytes) {
    return set(
        context, [&](ContextOptions& options) { return (options.*set_option)(bytes); },
        [&] { return of_bytes(theirs, bytes); });
  });
}

/// Sets an option that only Queryable Encryption has.
/// @param what  the option, for the text that it is refused with
template <class Theirs>
Done set_queryable(Context& context, const std::string& what, const Theirs& theirs) {
  if (!context.is_handed_over()) {
    FLE_CHECK(context.options_to_set());
    FLE_CHECK(context.hand_over(what, {}));
  }
  return theirs(context.handed());
}
bool set_queryable(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary, const char* what,
                   BytesFunction theirs) noexcept {
  return on(handle, [&](Context& context) {
    return set_queryable(context, what, [&](Original& original) -> Done {
      const auto bytes = bytes_of(binary);
      if (!bytes) return not_a_handle("the binary");
      return original.set_bytes(theirs, *bytes);
    });
  });
}

using MakeOfBytes = fle::mongocrypt::MadeOperation (*)(Context&, Bytes);
bool begin(mongocrypt_ctx_t* handle, const mongocrypt_binary_t* binary, MakeOfBytes make,
           BytesFunction theirs) noexcept {
  return on(handle, binary, [&](Context& context, Bytes bytes) {
    if (context.is_handed_over())
      return context.begin_handed([&](Original& o) { return o.begin(theirs, bytes); });
    return context.begin([&](Context& c) { return make(c, bytes); });
  });
}

/// Runs a call on a KMS context, which has a status of its own.
template <class Call>
bool on(mongocrypt_kms_ctx_t* kms, Call call) noexcept {
  if (!is_valid(kms)) return false;
  KmsMessage& message = kms->message;
  const auto checked = [&]() -> Done {
    FLE_CHECK(message.check_process());
    return call(message);
  };
  if (fle::mongocrypt::guarded(message.status, checked)) return true;
  message.failed();
  return false;
}

/// By no exported name: the process may have another library with the same ones.
bool feed(mongocrypt_kms_ctx_t* kms, const mongocrypt_binary_t* bytes,
          bool* should_retry) noexcept {
  return on(kms, [&](KmsMessage& message) -> Done {
    const auto fed = bytes_of(bytes);
    if (!fed || should_retry == nullptr) return not_a_handle("the binary, or should_retry,");
    *should_retry = false;
    FLE_TRY(*should_retry, message.feed(*fed));
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
  return set(ctx, key_id, &ContextOptions::set_key_id, &Library::mongocrypt_ctx_setopt_key_id);
}

bool mongocrypt_ctx_setopt_key_alt_name(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_alt_name) {
  return set(ctx, key_alt_name, &ContextOptions::add_alt_name,
             &Library::mongocrypt_ctx_setopt_key_alt_name);
}

bool mongocrypt_ctx_setopt_key_material(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_material) {
  return set(ctx, key_material, &ContextOptions::set_key_material,
             &Library::mongocrypt_ctx_setopt_key_material);
}

bool mongocrypt_ctx_setopt_algorithm(mongocrypt_ctx_t* ctx, const char* algorithm, int len) {
  return on(ctx, [&](Context& context) -> Done {
    const auto name = text_of(algorithm, len);
    if (!name) return Failure(Errc::invalid_argument, "passed null algorithm");
    const auto make_theirs = [&] {
      return Setting([own = std::string(*name)](Original& original) {
        return original.set(&Library::mongocrypt_ctx_setopt_algorithm, own.c_str(),
                            static_cast<int>(own.size()));
      });
    };
    if (!context.options().algorithm && ContextOptions::is_queryable(*name))
      return set_queryable(context, "algorithm '" + std::string(*name) + "'", make_theirs());
    return set(
        context, [&](ContextOptions& options) { return options.set_algorithm(*name); },
        make_theirs);
  });
}

bool mongocrypt_ctx_setopt_masterkey_aws(mongocrypt_ctx_t* ctx, const char* region,
                                         int32_t region_len, const char* cmk, int32_t cmk_len) {
  return on(ctx, [&](Context& context) -> Done {
    const auto in = text_of(region, region_len);
    const auto key = text_of(cmk, cmk_len);
    if (!in || !key) return Failure(Errc::invalid_argument, "invalid region or cmk");
    return set(
        context, [&](ContextOptions& options) { return options.set_aws_master_key(*in, *key); },
        [&] {
          return Setting([own_in = std::string(*in), own = std::string(*key)](Original& original) {
            return original.set(&Library::mongocrypt_ctx_setopt_masterkey_aws, own_in.c_str(),
                                static_cast<int32_t>(own_in.size()), own.c_str(),
                                static_cast<int32_t>(own.size()));
          });
        });
  });
}

bool mongocrypt_ctx_setopt_masterkey_aws_endpoint(mongocrypt_ctx_t* ctx, const char* endpoint,
                                                  int32_t endpoint_len) {
  return on(ctx, [&](Context& context) -> Done {
    const auto text = text_of(endpoint, endpoint_len);
    if (!text) return Failure(Errc::invalid_argument, "invalid endpoint");
    return set(
        context, [&](ContextOptions& options) { return options.set_aws_endpoint(*text); },
        [&] {
          return Setting([own = std::string(*text)](Original& original) {
            return original.set(&Library::mongocrypt_ctx_setopt_masterkey_aws_endpoint, own.c_str(),
                                static_cast<int32_t>(own.size()));
          });
        });
  });
}

bool mongocrypt_ctx_setopt_masterkey_local(mongocrypt_ctx_t* ctx) {
  return on(ctx, [](Context& context) {
    return set(
        context, [](ContextOptions& options) { return options.set_local_master_key(); },
        [] {
          return Setting([](Original& original) {
            return original.set(&Library::mongocrypt_ctx_setopt_masterkey_local);
          });
        });
  });
}

bool mongocrypt_ctx_setopt_key_encryption_key(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* bin) {
  return set(ctx, bin, &ContextOptions::set_master_key,
             &Library::mongocrypt_ctx_setopt_key_encryption_key);
}

bool mongocrypt_ctx_setopt_contention_factor(mongocrypt_ctx_t* ctx, int64_t contention_factor) {
  return on(ctx, [&](Context& context) {
    return set_queryable(context, "a contention factor", [&](Original& original) {
      return original.set(&Library::mongocrypt_ctx_setopt_contention_factor, contention_factor);
    });
  });
}

bool mongocrypt_ctx_setopt_index_key_id(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* key_id) {
  return set_queryable(ctx, key_id, "an index key id",
                       &Library::mongocrypt_ctx_setopt_index_key_id);
}

bool mongocrypt_ctx_setopt_query_type(mongocrypt_ctx_t* ctx, const char* query_type, int len) {
  return on(ctx, [&](Context& context) {
    return set_queryable(context, "a query type", [&](Original& original) -> Done {
      const auto name = text_of(query_type, len);
      if (!name) return Failure(Errc::invalid_argument, "passed null query type");
      return original.set(&Library::mongocrypt_ctx_setopt_query_type, name->data(),
                          static_cast<int>(name->size()));
    });
  });
}

bool mongocrypt_ctx_setopt_algorithm_range(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* opts) {
  return set_queryable(ctx, opts, "a range option",
                       &Library::mongocrypt_ctx_setopt_algorithm_range);
}

bool mongocrypt_ctx_setopt_algorithm_text(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* opts) {
  return set_queryable(ctx, opts, "a text option", &Library::mongocrypt_ctx_setopt_algorithm_text);
}

bool mongocrypt_ctx_datakey_init(mongocrypt_ctx_t* ctx) {
  return on(ctx, [](Context& context) {
    if (context.is_handed_over())
      return context.begin_handed(
          [](Original& o) { return o.begin(&Library::mongocrypt_ctx_datakey_init); });
    return context.begin(fle::mongocrypt::create_data_key);
  });
}

bool mongocrypt_ctx_encrypt_init(mongocrypt_ctx_t* ctx, const char* db, int32_t db_len,
                                 mongocrypt_binary_t* cmd) {
  return on(ctx, cmd, [&](Context& context, Bytes command) -> Done {
    const auto name = text_of(db, db_len);
    if (!name) return Failure(Errc::invalid_argument, "invalid db");
    if (context.is_handed_over())
      return context.begin_handed([&](Original& o) { return o.begin_command(*name, command); });
    return context.begin(
        [&](Context& c) { return fle::mongocrypt::encrypt_command(c, *name, command); });
  });
}

bool mongocrypt_ctx_decrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* doc) {
  return begin(ctx, doc, fle::mongocrypt::decrypt_reply, &Library::mongocrypt_ctx_decrypt_init);
}

bool mongocrypt_ctx_explicit_encrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* msg) {
  return begin(ctx, msg, fle::mongocrypt::encrypt_value,
               &Library::mongocrypt_ctx_explicit_encrypt_init);
}

bool mongocrypt_ctx_explicit_encrypt_expression_init(mongocrypt_ctx_t* ctx,
                                                     mongocrypt_binary_t* msg) {
  return on(ctx, [&](Context& context) {
    return set_queryable(context, "encryptExpression", [&](Original&) -> Done {
      const auto bytes = bytes_of(msg);
      if (!bytes) return not_a_handle("the binary");
      return context.begin_handed([&](Original& o) {
        return o.begin(&Library::mongocrypt_ctx_explicit_encrypt_expression_init, *bytes);
      });
    });
  });
}

bool mongocrypt_ctx_explicit_decrypt_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* msg) {
  return begin(ctx, msg, fle::mongocrypt::decrypt_value,
               &Library::mongocrypt_ctx_explicit_decrypt_init);
}

bool mongocrypt_ctx_rewrap_many_datakey_init(mongocrypt_ctx_t* ctx, mongocrypt_binary_t* filter) {
  return begin(ctx, filter, fle::mongocrypt::rewrap_data_keys,
               &Library::mongocrypt_ctx_rewrap_many_datakey_init);
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
  return on(kms, [&](KmsMessage& message) -> Done {
    if (!is_valid(msg)) return not_a_handle("the binary");
    FLE_TRY(const Bytes bytes, message.message());
    hand_out(msg, bytes);
    return ok;
  });
}

bool mongocrypt_kms_ctx_endpoint(mongocrypt_kms_ctx_t* kms, const char** endpoint) {
  return on(kms, [&](KmsMessage& message) -> Done {
    if (endpoint == nullptr) return not_a_handle("the endpoint");
    *endpoint = message.endpoint().c_str();
    return ok;
  });
}

uint32_t mongocrypt_kms_ctx_bytes_needed(mongocrypt_kms_ctx_t* kms) {
  uint32_t needed = 0;
  (void)on(kms, [&](KmsMessage& message) -> Done {
    needed = message.bytes_needed();
    return ok;
  });
  return needed;
}

int64_t mongocrypt_kms_ctx_usleep(mongocrypt_kms_ctx_t* kms) {
  return is_valid(kms) ? kms->message.microseconds_to_wait() : 0;
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
  (void)on(kms, [&](KmsMessage& message) -> Done {
    again = message.lost();
    return ok;
  });
  return again;
}

bool mongocrypt_kms_ctx_status(mongocrypt_kms_ctx_t* kms, mongocrypt_status_t* status) {
  if (!is_valid(kms) || !is_valid(status)) return false;
  return fle::mongocrypt::copy_status(kms->message.status, *status);
}

const char* mongocrypt_kms_ctx_get_kms_provider(mongocrypt_kms_ctx_t* kms, uint32_t* len) {
  if (len != nullptr) *len = 0;
  if (!is_valid(kms)) return nullptr;
  const std::string& id = kms->message.provider_id();
  if (len != nullptr) *len = static_cast<uint32_t>(id.size());
  return id.c_str();
}

}  // extern "C"
