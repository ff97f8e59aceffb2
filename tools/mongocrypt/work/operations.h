#ifndef FLE_TOOLS_MONGOCRYPT_WORK_OPERATIONS_H_
#define FLE_TOOLS_MONGOCRYPT_WORK_OPERATIONS_H_

#include <memory>
#include <string_view>
#include <utility>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "handle/context.h"

namespace fle::mongocrypt {

using MadeOperation = Outcome<std::unique_ptr<Operation>>;

template <class Made, class... Args>
[[nodiscard]] MadeOperation make_operation(Args&&... args) {
  std::unique_ptr<Operation> made = std::make_unique<Made>(std::forward<Args>(args)...);
  return made;
}

// One for each init function of the interface; documents are copied. Each refuses options that it
// does not take with Errc::invalid_argument.

/// Automatic encryption of `command`, which is sent to `db`.
[[nodiscard]] MadeOperation encrypt_command(Context& context, std::string_view db, Bytes command);
/// Automatic decryption of a reply.
[[nodiscard]] MadeOperation decrypt_reply(Context& context, Bytes reply);
/// @param message  {"v": value}
[[nodiscard]] MadeOperation encrypt_value(Context& context, Bytes message);
/// @param message  {"v": binary of subtype 6}
[[nodiscard]] MadeOperation decrypt_value(Context& context, Bytes message);
[[nodiscard]] MadeOperation create_data_key(Context& context);
/// @param filter  of the key vault
[[nodiscard]] MadeOperation rewrap_data_keys(Context& context, Bytes filter);

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_WORK_OPERATIONS_H_
