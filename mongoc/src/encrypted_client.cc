#include "fle/mongoc/encrypted_client.h"

#include "command_runner.h"
#include "write_error.h"

namespace fle::mongoc {
namespace {

Outcome<std::shared_ptr<kms::KeyVault>> open_vault(const std::string& uri,
                                                   const ClientOptions& options) {
  const std::string& ns = options.key_vault_namespace;
  const std::size_t dot = ns.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == ns.size())
    return Failure{Errc::invalid_argument,
                   "the key vault's namespace must be \"database.collection\""};
  FLE_TRY(auto vault, kms::open_mongo_vault({.uri = uri,
                                             .database = ns.substr(0, dot),
                                             .collection = ns.substr(dot + 1),
                                             .silence_log = options.silence_log}));
  return std::shared_ptr<kms::KeyVault>(std::move(vault));
}

/// libmongoc sends every command in a session of its own, and would add the fields once more.
/// @param fields  of a command
Done check_no_session(Bytes fields) {
  bson_iter_t it;
  bson_t view;
  for (const char* field : {"lsid", "txnNumber", "startTransaction", "autocommit", "$clusterTime"})
    if (init_view(view, fields) && bson_iter_init_find(&it, &view, field))
      return Failure{Errc::invalid_argument, "a command cannot name its session or transaction",
                     field};
  return ok;
}

/// What this file or the connection string says must not stand in the caller's options as well.
Done check_create_options(Bytes options) {
  bson_t view;
  if (!init_view(view, options))
    return Failure{Errc::malformed_bson, "options are not a BSON document"};
  for (const char* field : {"create", "writeConcern", "$db"})
    if (bson_has_field(&view, field))
      return Failure{Errc::invalid_argument, "options: not a field of this function", field};
  return check_no_session(options);
}

}  // namespace

Outcome<std::unique_ptr<EncryptedClient>> EncryptedClient::create(std::string_view uri,
                                                                  ClientOptions options) {
  if (options.silence_log) silence_log();
  const std::string text(uri);
  FLE_TRY(auto deployment, Deployment::open(text));
  FLE_TRY(auto vault, open_vault(text, options));
  if (options.kms_providers == nullptr)
    options.kms_providers = std::make_shared<const kms::Providers>();
  auto keys = std::make_shared<kms::KeyRing>(vault, options.kms_providers, options.key_ring);
  return std::unique_ptr<EncryptedClient>(new EncryptedClient(
      std::make_shared<CommandRunner>(std::move(deployment), std::move(vault), std::move(keys),
                                      std::move(options.auto_encryption))));
}

EncryptedClient::EncryptedClient(std::shared_ptr<CommandRunner> runner) noexcept
    : runner_(std::move(runner)) {}
EncryptedClient::~EncryptedClient() = default;

Outcome<Document> EncryptedClient::run_command(std::string_view db, Bytes command) {
  FLE_CHECK(check_no_session(command));
  Answer answer;
  FLE_CHECK(runner_->run(std::string(db), command, Mode::raw, answer));
  const Bytes reply = answer.document();
  return Document(reply.begin(), reply.end());
}

EncryptedCollection EncryptedClient::collection(std::string_view db, std::string_view name) const {
  return {runner_, std::string(db), std::string(name)};
}

Done EncryptedClient::create_collection(std::string_view db, std::string_view name, Bytes options) {
  options = or_empty(options);
  FLE_CHECK(check_create_options(options));
  bson::Writer command(kSlack + options.size());
  command.add_string("create", name);
  command.append(elements_of(options));
  Answer answer;
  FLE_CHECK(runner_->run(std::string(db), command.finish(), Mode::write, answer));
  return check_write_concern(answer);
}

const std::shared_ptr<kms::KeyVault>& EncryptedClient::key_vault() const noexcept {
  return runner_->vault();
}

const std::shared_ptr<kms::KeyRing>& EncryptedClient::key_ring() const noexcept {
  return runner_->keys();
}

}  // namespace fle::mongoc
