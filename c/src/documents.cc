#include <utility>

#include "edge.h"
#include "fle/schema/compile.h"

using fle::client::Batch;
using fle::client::DocumentCipher;

namespace {

using Run = Done (DocumentCipher::*)(Batch&) const;

int run_documents(Run run, const fle_cipher* cipher, fle_buffer* out, const void* documents,
                  std::size_t size, fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(cipher, "cipher"));
    FLE_TRY(const Bytes all, bytes_of(documents, size, "documents"));
    Batch& batch = out->batch ? *out->batch : out->batch.emplace();
    batch.clear();
    FLE_CHECK(fle::c::each_document(all, cipher->limits, [&](Bytes document) -> Done {
      batch.add(document);
      return ok;
    }));
    FLE_CHECK((cipher->cipher.*run)(batch));
    fle::c::append(*out, batch);
    batch.clear();
    return ok;
  });
}

int run_batch(Run run, const fle_cipher* cipher, fle_batch* batch, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(cipher, "cipher"));
    FLE_CHECK(need(batch, "batch"));
    return (cipher->cipher.*run)(batch->batch);
  });
}

Outcome<std::unique_ptr<fle_schema>> schema_of(
    Outcome<std::shared_ptr<const fle::schema::Plan>> plan) {
  if (!plan) return plan.error();
  return std::make_unique<fle_schema>(fle_schema{std::move(*plan)});
}

}  // namespace

fle_schema* fle_schema_create(const char* json, std::size_t size, const char* ns,
                              std::size_t ns_size, fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_schema>> {
    FLE_TRY(const std::string_view text, text_of(json, size, "json"));
    std::string_view collection;
    if (ns != nullptr) {
      FLE_TRY(collection, text_of(ns, ns_size, "ns"));
    }
    return schema_of(
        fle::schema::compile_wrapped_json(text, fle::schema::Origin::local, collection));
  });
}

fle_schema* fle_schema_create_bson(const void* document, std::size_t size, fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_schema>> {
    FLE_TRY(const Bytes bytes, bytes_of(document, size, "document"));
    return schema_of(fle::schema::compile_bson(bytes));
  });
}

void fle_schema_destroy(fle_schema* schema) { delete schema; }

fle_cipher* fle_cipher_create(fle_keys* keys, const fle_schema* schema, unsigned flags,
                              fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_cipher>> {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(fle::c::check_flags(flags, FLE_KEEP_MISSING_KEYS | FLE_KEEP_ENCRYPTED | FLE_VERIFY |
                                             FLE_KEEP_NULLS | FLE_OMIT_NULLS));
    DocumentCipher::Options options;
    if ((flags & FLE_KEEP_MISSING_KEYS) != 0) options.missing_keys = fle::client::MissingKeys::keep;
    if ((flags & FLE_KEEP_ENCRYPTED) != 0)
      options.encrypted_already = fle::client::EncryptedAlready::keep;
    options.verify = (flags & FLE_VERIFY) != 0;
    if ((flags & FLE_KEEP_NULLS) != 0) options.limits.nulls = fle::bson::Nulls::keep;
    if ((flags & FLE_OMIT_NULLS) != 0) {
      if ((flags & FLE_KEEP_NULLS) != 0)
        return Failure(Errc::invalid_argument,
                       "FLE_KEEP_NULLS and FLE_OMIT_NULLS exclude each other");
      options.limits.nulls = fle::bson::Nulls::omit;
    }
    return std::make_unique<fle_cipher>(
        fle_cipher{DocumentCipher(schema == nullptr ? nullptr : schema->plan,
                                  keys->encryption.keys(), options),
                   options.limits});
  });
}

void fle_cipher_destroy(fle_cipher* cipher) { delete cipher; }

int fle_encrypt_documents(const fle_cipher* cipher, fle_buffer* out, const void* documents,
                          std::size_t size, fle_error* error) {
  return run_documents(&DocumentCipher::encrypt, cipher, out, documents, size, error);
}

int fle_decrypt_documents(const fle_cipher* cipher, fle_buffer* out, const void* documents,
                          std::size_t size, fle_error* error) {
  return run_documents(&DocumentCipher::decrypt, cipher, out, documents, size, error);
}

fle_batch* fle_batch_create(fle_error* error) {
  return make(
      error, []() -> Outcome<std::unique_ptr<fle_batch>> { return std::make_unique<fle_batch>(); });
}

void fle_batch_destroy(fle_batch* batch) { delete batch; }

void fle_batch_clear(fle_batch* batch) {
  if (batch != nullptr) batch->batch.clear();
}

int fle_batch_add(fle_batch* batch, const void* document, std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(batch, "batch"));
    FLE_TRY(const Bytes bytes, bytes_of(document, size, "document"));
    batch->batch.add(bytes);
    return ok;
  });
}

int fle_encrypt_batch(const fle_cipher* cipher, fle_batch* batch, fle_error* error) {
  return run_batch(&DocumentCipher::encrypt, cipher, batch, error);
}

int fle_decrypt_batch(const fle_cipher* cipher, fle_batch* batch, fle_error* error) {
  return run_batch(&DocumentCipher::decrypt, cipher, batch, error);
}

const std::uint8_t* fle_batch_output(const fle_batch* batch, std::size_t index, std::size_t* size) {
  const Bytes output = batch == nullptr ? Bytes() : batch->batch.output(index);
  if (size != nullptr) *size = output.size();
  return output.empty() ? nullptr : output.data();
}

std::uint64_t fle_batch_fields(const fle_batch* batch) {
  return batch == nullptr ? 0 : batch->batch.fields();
}

std::uint64_t fle_batch_kept(const fle_batch* batch) {
  return batch == nullptr ? 0 : batch->batch.kept().size();
}
