#ifndef FLE_TOOLS_MONGOCRYPT_READING_DOCUMENT_H_
#define FLE_TOOLS_MONGOCRYPT_READING_DOCUMENT_H_

#include "fle/bson/cursor.h"
#include "fle/bson/little_endian.h"
#include "fle/bytes.h"

namespace fle::mongocrypt {

/// Whether the bytes of a view are one document, with nothing behind it. What its values hold is
/// not looked at.
[[nodiscard]] inline bool is_document(Bytes bytes) noexcept {
  bson::Cursor cursor(bytes);
  while (cursor.next()) {
  }
  return !cursor.malformed() && bson::load32(bytes.data()) == bytes.size();
}

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_READING_DOCUMENT_H_
