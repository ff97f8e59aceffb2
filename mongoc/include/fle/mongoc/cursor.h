#ifndef FLE_MONGOC_CURSOR_H_
#define FLE_MONGOC_CURSOR_H_

#include <memory>
#include <optional>
#include <span>

#include "fle/bytes.h"
#include "fle/client/document_cipher.h"
#include "fle/export.h"
#include "fle/failure.h"

namespace fle::mongoc {

/// The documents that a find or an aggregate found, decrypted a batch at a time.
///
///   auto cursor = patients.find(filter);
///   if (!cursor) return cursor.error();
///   for (;;) {
///     auto document = cursor->next();
///     if (!document) return document.error();
///     if (!*document) break;      // no more
///     use(**document);
///   }
///
/// Until its last batch is here it holds a connection of the client's pool. It keeps what it needs
/// of the client alive. Not for concurrent use. A forked child sends nothing for its parent's: what
/// next() would ask the server for is Errc::invalid_argument there.
class FLE_API Cursor {
 public:
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  /// Tells the server that no more is wanted, where there is more and the server was not lost.
  ~Cursor();

  /// The next document; none at the end. Valid until the next call; plaintext is wiped then, or
  /// with the cursor.
  ///
  /// After a Failure there is nothing more: every later call is the same Failure.
  /// @retval as AutoEncrypter::decrypt_reply
  /// @retval Errc::server_unreachable, Errc::server_refused, Errc::server_bad_answer
  [[nodiscard]] Outcome<std::optional<Bytes>> next();

  /// Fields of the batch at hand that stayed encrypted (MissingKeys::keep). Paths begin at the
  /// reply: "cursor.firstBatch.0.ssn". Valid until the next call.
  [[nodiscard]] std::span<const client::KeptField> kept() const noexcept;

 private:
  friend class EncryptedCollection;  // makes it
  struct State;
  explicit Cursor(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> s_;
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_CURSOR_H_
