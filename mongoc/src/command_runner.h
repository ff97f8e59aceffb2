#ifndef FLE_MONGOC_COMMAND_RUNNER_H_
#define FLE_MONGOC_COMMAND_RUNNER_H_

#include <memory>
#include <string>
#include <string_view>

#include "bson_view.h"
#include "deployment.h"
#include "fle/bson/writer.h"
#include "fle/client/auto_encrypter.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"

namespace fle::mongoc {

/// The answer to a command, decrypted.
class Answer {
 public:
  /// The document; valid until the next command.
  [[nodiscard]] Bytes document() const noexcept { return message_.output(); }
  [[nodiscard]] std::span<const client::KeptField> kept() const noexcept { return message_.kept(); }
  /// Looks a field up at top level. False where there is none.
  [[nodiscard]] bool find(const char* field, bson_iter_t& it) const noexcept;
  /// The number in `field`, whatever BSON type it has: a whole one, from 0 on.
  /// @retval Errc::server_bad_answer  there is none: it would pass for 0
  [[nodiscard]] Outcome<std::int64_t> count(const char* field) const;

 private:
  friend class CommandRunner;
  Reply reply_;  // message_.output() may be these bytes
  client::Message message_;
};

/// Encrypts a command, sends it, and decrypts what comes back: all that the public classes share.
/// Thread-safe; connections and answers are the caller's.
class CommandRunner {
 public:
  CommandRunner(std::unique_ptr<Deployment> deployment, std::shared_ptr<kms::KeyVault> vault,
                std::shared_ptr<kms::KeyRing> keys, client::AutoEncrypter::Options options);
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;

  /// Runs one command on a connection of its own.
  [[nodiscard]] Done run(const std::string& db, Bytes command, Mode mode, Answer& answer) const;
  /// Runs one command on a given connection.
  [[nodiscard]] Done run(Connection& connection, const std::string& db, Bytes command, Mode mode,
                         Answer& answer) const;
  /// Only encrypts: answer.document() is the command to send.
  [[nodiscard]] Done encrypt(const std::string& db, Bytes command, Answer& answer) const;
  /// Sends what encrypt() left in `answer`.
  [[nodiscard]] Done send(Connection& connection, const std::string& db, Mode mode,
                          Answer& answer) const;

  [[nodiscard]] Outcome<Connection> connect() const { return deployment_->connect(); }
  [[nodiscard]] const std::shared_ptr<kms::KeyVault>& vault() const noexcept { return vault_; }
  [[nodiscard]] const std::shared_ptr<kms::KeyRing>& keys() const noexcept { return keys_; }

 private:
  std::unique_ptr<Deployment> deployment_;
  std::shared_ptr<kms::KeyVault> vault_;
  std::shared_ptr<kms::KeyRing> keys_;
  client::AutoEncrypter auto_encrypter_;
};

/// A failure of a server that does not keep to the protocol.
[[nodiscard]] Failure bad_answer(std::string_view why);

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_COMMAND_RUNNER_H_
