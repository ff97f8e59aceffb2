#ifndef FLE_C_SRC_EDGE_H_
#define FLE_C_SRC_EDGE_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "fle/bson_walk/walk.h"
#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/try.h"
#include "handles.h"

namespace fle::c {

// The edge between C and C++: what comes in is checked here, and no exception goes out.

/// Notes how a call ended.
/// @param error  may be null.
/// @return       what the call returns.
int succeeded(fle_error* error) noexcept;
int failed(fle_error* error, Failure&& why) noexcept;

/// Runs `body`, which returns a Done.
template <class Body>
int guarded(fle_error* error, Body&& body) noexcept {
  try {
    Done done = body();
    return done ? succeeded(error) : failed(error, std::move(done.error()));
  } catch (const std::bad_alloc&) {
    return failed(error, {Errc::no_memory, {}});  // a text would need some
  } catch (const std::exception&) {
    // Of the standard library: what is too long for a container, a mutex that does not work.
    return failed(error, {Errc::no_memory, {}});
  }
}

/// Empties a buffer, and its scratch, where a call may have left what it has decrypted when memory
/// for the result was lacking. May be null.
inline void abandon(fle_buffer* buffer) noexcept {
  fle_buffer_clear(buffer);
  if (buffer == nullptr) return;
  if (buffer->batch) buffer->batch->clear();
  if (buffer->message) buffer->message->drop_held();
}

/// Empties `out`, and leaves it empty if `body`, which returns a Done, fails.
template <class Body>
int fill(fle_buffer* out, fle_error* error, Body&& body) noexcept {
  fle_buffer_clear(out);
  const int code = guarded(error, [&]() -> Done {
    if (out == nullptr) return Failure(Errc::invalid_argument, "out is NULL");
    return body();
  });
  if (code != FLE_OK) abandon(out);
  return code;
}

/// The handle that `body` makes, which returns an Outcome of a std::unique_ptr; null if it fails.
template <class Body>
auto make(fle_error* error, Body&& body) noexcept -> decltype(body()->release()) {
  decltype(body()->release()) made = nullptr;
  guarded(error, [&]() -> Done {
    auto handle = body();
    if (!handle) return std::move(handle.error());
    made = handle->release();
    return ok;
  });
  return made;
}

/// @retval Errc::invalid_argument  `pointer` is null; says so of `name`
Done need(const void* pointer, const char* name);
/// @retval Errc::invalid_argument  `flags` has others than `known`
Done check_flags(unsigned flags, unsigned known);
/// The bytes of a pointer and a size.
/// @retval Errc::invalid_argument  null, but not empty; longer than memory can be
Outcome<Bytes> bytes_of(const void* data, std::size_t size, const char* name);
/// A text of a pointer and a size, which may be FLE_NUL.
/// @retval as bytes_of
Outcome<std::string_view> text_of(const char* text, std::size_t size, const char* name);
/// One that goes where C strings go: a path, a connection string.
/// @retval Errc::invalid_argument  it is empty or has a NUL
Outcome<std::string_view> path_of(const char* text, std::size_t size, const char* name);
/// @retval Errc::invalid_argument  null
Outcome<KeyId> key_id_of(const std::uint8_t* id);

[[nodiscard]] constexpr LockPolicy lock_policy(unsigned flags) noexcept {
  return (flags & FLE_LOCK_BEST_EFFORT) != 0 ? LockPolicy::best_effort : LockPolicy::required;
}

/// Appends to a result.
void append(fle_buffer& out, Bytes bytes);
/// The results of a call, and what they count.
void append(fle_buffer& out, const client::Batch& batch);

/// Calls `use`, which takes Bytes and returns a Done, for each of some documents that stand one
/// behind the other. A failure says which one it is of, from 1.
/// @retval Errc::malformed_bson, Errc::document_too_large  no document stands there
template <class Use>
Done each_document(Bytes documents, const bson::Limits& limits, Use&& use) {
  for (std::uint64_t n = 1; !documents.empty(); ++n) {
    const Done done = [&]() -> Done {
      FLE_TRY(const std::size_t size, bson::document_size(documents, limits));
      FLE_CHECK(use(documents.first(size)));
      documents = documents.subspan(size);
      return ok;
    }();
    if (done) continue;
    Failure why = done.error();
    why.document = n;
    return why;
  }
  return ok;
}

/// How long the next document of a stream is: nothing where its end has not come yet.
/// @retval Errc::malformed_bson, Errc::document_too_large  no document begins here
Outcome<std::optional<std::size_t>> next_document(Bytes rest, const bson::Limits& limits);

}  // namespace fle::c

// The functions of fle.h stand in no namespace. What most of their files name:
using fle::Bytes;
using fle::Done;
using fle::Errc;
using fle::Failure;
using fle::KeyId;
using fle::ok;
using fle::Outcome;
using fle::c::bytes_of;
using fle::c::fill;
using fle::c::guarded;
using fle::c::key_id_of;
using fle::c::make;
using fle::c::need;
using fle::c::path_of;
using fle::c::text_of;

#endif  // FLE_C_SRC_EDGE_H_
