#include <utility>

#include "edge.h"
#include "fle/batch.h"
#include "fle/bson/value.h"
#include "fle/bson/writer.h"
#include "fle/client/value_cipher.h"
#include "fle/overlap.h"

using fle::Algorithm;
using fle::MutBytes;
using fle::bson::Value;

namespace {

Outcome<Algorithm> algorithm_of(int number) {
  if (number == FLE_DETERMINISTIC || number == FLE_RANDOM) return static_cast<Algorithm>(number);
  return Failure(Errc::invalid_argument, "algorithm is neither FLE_DETERMINISTIC nor FLE_RANDOM");
}

Outcome<fle::bson::Type> type_of(int number) {
  if (number >= 0 && number <= 0xff) return static_cast<fle::bson::Type>(number);
  return Failure(Errc::invalid_argument, "type is no BSON type");
}

/// Writes a document with the one element of another, its value replaced by `replace`, a function
/// of a Value that returns an Outcome of one.
template <class Replace>
Done replace_value(fle_buffer& out, const void* document, std::size_t size, Replace replace) {
  FLE_TRY(const Bytes whole, bytes_of(document, size, "document"));
  FLE_TRY(const std::size_t document_size, fle::bson::document_size(whole, {}));
  fle::bson::Cursor cursor(whole);
  if (document_size != whole.size() || !cursor.next())
    return Failure(Errc::malformed_bson, "this is not one document with one element");
  const fle::bson::Element element = cursor.element();
  if (cursor.next() || cursor.malformed())
    return Failure(Errc::malformed_bson, "this is not one document with one element");
  FLE_TRY(const Value value, replace(Value::of(whole, element)));
  fle::bson::Writer writer(whole.size() + value.bytes().size());
  fle::c::append(out, writer.add(element.name, value).finish());
  out.fields = 1;
  return ok;
}

/// Asks for memory of the caller's, or looks whether there is enough.
/// @return  whether there is some.
/// @retval Errc::buffer_too_small  and `out_size` says what is needed
Outcome<bool> room(const void* out, std::size_t* out_size, std::size_t needed) {
  const std::size_t has = std::exchange(*out_size, needed);
  if (out == nullptr) return false;
  if (has < needed)
    return Failure(Errc::buffer_too_small, "out has fewer bytes than out_size says now");
  return true;
}

/// Runs `body` on a part of the caller's memory, which holds nothing if it fails.
/// @retval Errc::invalid_argument  it is not apart from `in`; nothing was done
template <class Body>
Done wiped_on_failure(MutBytes out, Bytes in, Body body) {
  if (fle::overlap(out, in)) return Failure(Errc::invalid_argument, "out overlaps what is read");
  Done done = body();
  if (!done) fle::wipe(out);
  return done;
}

}  // namespace

int fle_encrypt_value(fle_keys* keys, fle_buffer* out, int algorithm, const std::uint8_t key_id[16],
                      const void* document, std::size_t size, fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_TRY(const Algorithm how, algorithm_of(algorithm));
    FLE_TRY(const KeyId id, key_id_of(key_id));
    return replace_value(*out, document, size, [&](const Value& value) {
      return keys->encryption.encrypt(value, how, id);
    });
  });
}

int fle_decrypt_value(fle_keys* keys, fle_buffer* out, const void* document, std::size_t size,
                      fle_error* error) {
  return fill(out, error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    return replace_value(*out, document, size,
                         [&](const Value& value) { return keys->encryption.decrypt(value); });
  });
}

int fle_encrypt_value_into(fle_keys* keys, void* out, std::size_t* out_size, int algorithm,
                           const std::uint8_t key_id[16], int type, const void* value,
                           std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(need(out_size, "out_size"));
    FLE_TRY(const Algorithm how, algorithm_of(algorithm));
    FLE_TRY(const KeyId id, key_id_of(key_id));
    FLE_TRY(const fle::bson::Type bson_type, type_of(type));
    FLE_TRY(const Bytes plain, bytes_of(value, size, "value"));
    FLE_CHECK(fle::client::check_encryptable(bson_type, plain, how));
    const std::size_t needed = fle::payload_len(plain.size());
    FLE_TRY(const bool has_room, room(out, out_size, needed));
    if (!has_room) return ok;
    const MutBytes payload(static_cast<std::uint8_t*>(out), needed);
    return wiped_on_failure(payload, plain, [&]() -> Done {
      FLE_TRY(const fle::kms::KeyHandle key, keys->encryption.keys()->by_id(id));
      FLE_CHECK(fle::client::encrypt_value(payload, bson_type, plain, how, *key));
      return ok;
    });
  });
}

int fle_decrypt_value_into(fle_keys* keys, void* out, std::size_t* out_size, int* type,
                           const void* payload, std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> Done {
    FLE_CHECK(need(keys, "keys"));
    FLE_CHECK(need(out_size, "out_size"));
    FLE_CHECK(need(type, "type"));
    FLE_TRY(const Bytes sealed, bytes_of(payload, size, "payload"));
    const std::size_t needed = fle::open_capacity(sealed.size());
    FLE_TRY(const bool has_room, room(out, out_size, needed));
    if (!has_room) return ok;
    const MutBytes plain(static_cast<std::uint8_t*>(out), needed);
    return wiped_on_failure(plain, sealed, [&]() -> Done {
      FLE_TRY(const fle::client::ValueInPlace value,
              fle::client::decrypt_value(plain, sealed, *keys->encryption.keys()));
      fle::wipe(plain.subspan(value.size));  // the padding is nobody's
      *out_size = value.size;
      *type = static_cast<int>(value.type);
      return ok;
    });
  });
}
