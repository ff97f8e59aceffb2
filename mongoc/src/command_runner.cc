#include "command_runner.h"

namespace fle::mongoc {
namespace {

client::AutoEncrypter::Options with_schemas_of(const Deployment& deployment,
                                               client::AutoEncrypter::Options options) {
  if (!options.list_collections)
    options.list_collections = [&deployment](std::string_view db, Bytes filter) {
      return deployment.list_collections(db, filter);
    };
  return options;
}

}  // namespace

Failure bad_answer(std::string_view why) {
  return {Errc::server_bad_answer, "the server's answer " + std::string(why)};
}

bool Answer::find(const char* field, bson_iter_t& it) const noexcept {
  bson_t view;
  return init_view(view, document()) && bson_iter_init_find(&it, &view, field);
}

Outcome<std::int64_t> Answer::count(const char* field) const {
  bson_iter_t it;
  const auto n = find(field, it) ? whole_number(it) : std::nullopt;
  if (n && *n >= 0) return *n;
  return bad_answer("has no count '" + std::string(field) + "'");
}

CommandRunner::CommandRunner(std::unique_ptr<Deployment> deployment,
                             std::shared_ptr<kms::KeyVault> vault,
                             std::shared_ptr<kms::KeyRing> keys,
                             client::AutoEncrypter::Options options)
    : deployment_(std::move(deployment)),
      vault_(std::move(vault)),
      keys_(std::move(keys)),
      auto_encrypter_(with_schemas_of(*deployment_, std::move(options)), keys_) {}

Done CommandRunner::run(const std::string& db, Bytes command, Mode mode, Answer& answer) const {
  // Encrypted first: that may have to ask for schemas, which takes a connection of its own.
  FLE_CHECK(encrypt(db, command, answer));
  FLE_TRY(Connection connection, connect());
  return send(connection, db, mode, answer);
}

Done CommandRunner::run(Connection& connection, const std::string& db, Bytes command, Mode mode,
                        Answer& answer) const {
  FLE_CHECK(encrypt(db, command, answer));
  return send(connection, db, mode, answer);
}

Done CommandRunner::encrypt(const std::string& db, Bytes command, Answer& answer) const {
  return auto_encrypter_.encrypt_command(db, command, answer.message_);
}

Done CommandRunner::send(Connection& connection, const std::string& db, Mode mode,
                         Answer& answer) const {
  FLE_CHECK(connection.run(db, answer.document(), mode, answer.reply_));
  return auto_encrypter_.decrypt_reply(answer.reply_.bytes(), answer.message_);
}

}  // namespace fle::mongoc
