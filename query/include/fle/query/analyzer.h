#ifndef FLE_QUERY_ANALYZER_H_
#define FLE_QUERY_ANALYZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/budget.h"
#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/observe.h"

namespace fle::query {

/// The dialogue of mongocryptd and crypt_shared: a command that carries its schemas comes in, the
/// marked command or an error goes out (specification: client-side-encryption, "mongocryptd";
/// reference: 6.2.3 and 6.3).
///
/// Thread-safe: one Analyzer serves any number of threads. It remembers compiled schemas.
class FLE_API Analyzer {
 public:
  struct Options {
    /// Compiled schemas to remember; those not used lately make room.
    std::size_t max_schemas = 256;
    /// What each command may cost, and each schema that is compiled for it.
    Budget budget{};
    /// Hears of each command. Null: nobody does.
    std::shared_ptr<Observer> observer{};
  };
  Analyzer();
  explicit Analyzer(Options options);
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;
  ~Analyzer();

  /// Analyzes one command.
  ///
  /// @param command  one BSON document: the command, with jsonSchema and isRemoteSchema or
  ///                 csfleEncryptionSchemas at its top level; $db may be there and is left out of
  ///                 the result.
  /// @param db       the database; empty: as $db says.
  /// @param abandoned  set by another thread when nobody waits for the result; may be null.
  /// @return         {hasEncryptionPlaceholders, schemaRequiresEncryption, result, ok: 1.0}.
  /// @retval any code of analyze(), of schema::compile_bson, Errc::command_malformed for a command
  ///         without schemas; mongo_code() and error_reply() give their wire form.
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> analyze(
      Bytes command, std::string_view db, const std::atomic<bool>* abandoned = nullptr) const;

 private:
  struct State;
  std::unique_ptr<State> s_;
};

/// The number that MongoDB's own analyzer gives for a failure, where that is public; 51999 where it
/// is not.
[[nodiscard]] FLE_API std::int32_t mongo_code(const Failure& failure) noexcept;
/// Failure::to_string() for wires and terminals: one line of valid UTF-8 without control
/// characters. Names out of a command or schema may be any bytes.
[[nodiscard]] FLE_API std::string error_text(const Failure& failure);
/// {ok: 0.0, errmsg: error_text(), code: mongo_code(), codeName}. codeName is the name that MongoDB
/// gives the number, "LocationN" where it has none.
[[nodiscard]] FLE_API std::vector<std::uint8_t> error_reply(const Failure& failure);

}  // namespace fle::query

#endif  // FLE_QUERY_ANALYZER_H_
