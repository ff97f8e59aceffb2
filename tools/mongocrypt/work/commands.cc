// Automatic encryption and decryption.
#include <string>
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/payload.h"
#include "fle/wiped.h"
#include "keyed_operation.h"
#include "operations.h"

namespace fle::mongocrypt {
namespace {

Done check_document(Bytes document) {
  bson::Cursor cursor(document);
  while (cursor.next()) {
  }
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4 && i < document.size(); ++i)
    length |= static_cast<std::uint32_t>(document[i]) << (8 * i);
  if (cursor.malformed() || length != document.size())
    return Failure(Errc::malformed_bson, "invalid BSON: not one document");
  return ok;
}

/// What both directions share: a document, and a message of the engine's that works on it.
class MessageOperation : public KeyedOperation {
 public:
  MessageOperation(Engine& engine, Bytes document)
      : engine_(engine), document_(document.begin(), document.end()), message_(engine.borrow()) {}
  MessageOperation(const MessageOperation&) = delete;
  MessageOperation& operator=(const MessageOperation&) = delete;
  ~MessageOperation() override {
    // One that was borrowed before a fork is the parent's.
    if (engine_.is_of_this_process()) engine_.give_back(std::move(message_));
  }

 protected:
  [[nodiscard]] Bytes output() const noexcept override { return message_.output(); }
  [[nodiscard]] client::WantedKeys wanted() const override { return message_.wanted_keys(); }
  void hold(kms::KeyHandle key, const std::vector<std::string>& alt_names) override {
    message_.hold_key(std::move(key), alt_names);
  }

  [[nodiscard]] Engine& engine() noexcept { return engine_; }
  [[nodiscard]] Bytes document() const noexcept { return document_; }
  [[nodiscard]] client::Message& message() noexcept { return message_; }

 private:
  Engine& engine_;
  WipedBytes document_;
  client::Message message_;
};

class EncryptCommand final : public MessageOperation {
 public:
  EncryptCommand(Context& context, std::string_view db, Bytes command)
      : MessageOperation(context.engine(), command), db_(db) {
    message().use_list_collections(
        [this, &context](std::string_view of, Bytes filter) {
          return context.list_collections(db_, of, filter);
        },
        context.crypt().options().asks_together);
  }

 private:
  Done attempt(Context&) override {
    Done done = engine().auto_encrypter().encrypt_command(db_, document(), message());
    if (done) return done;
    for (const query::Finding& finding : message().findings())
      if (finding.verdict == query::Finding::Verdict::refused && !finding.advice.empty())
        done.error().message += "; " + finding.advice;  // a driver shows a text and nothing else
    return done;
  }

  std::string db_;
};

/// Sends what it is given.
class PassCommand final : public Operation {
 public:
  explicit PassCommand(Bytes command) : command_(command.begin(), command.end()) {}
  Done go_on(Context& context) override {
    context.ready();
    return ok;
  }
  Outcome<Bytes> result() override { return Bytes(command_); }

 private:
  WipedBytes command_;
};

class DecryptReply final : public MessageOperation {
 public:
  using MessageOperation::MessageOperation;

 private:
  Done attempt(Context& context) override {
    FLE_CHECK(engine().auto_encrypter().decrypt_reply(document(), message()));
    if (!context.crypt().logs()) return ok;
    // Read the document once more only for who listens.
    const client::LeftAlone left = message().left_alone();
    if (left.foreign != 0)
      context.crypt().log(MONGOCRYPT_LOG_LEVEL_WARNING,
                          "a reply holds " + std::to_string(left.foreign) +
                              " values of Queryable Encryption, which stay as they are: the first "
                              "at '" +
                              left.path + "'");
    return ok;
  }
};

}  // namespace

MadeOperation encrypt_command(Context& context, std::string_view db, Bytes command) {
  FLE_CHECK(context.options().allow_only(0, "automatic encryption"));
  if (db.empty()) return Failure(Errc::invalid_argument, "invalid db: the name is empty");
  FLE_CHECK(check_document(command));
  if (context.crypt().options().bypasses_analysis) return make_operation<PassCommand>(command);
  return make_operation<EncryptCommand>(context, db, command);
}

MadeOperation decrypt_reply(Context& context, Bytes reply) {
  FLE_CHECK(context.options().allow_only(0, "decryption"));
  FLE_CHECK(check_document(reply));
  return make_operation<DecryptReply>(context.engine(), reply);
}

MadeOperation decrypt_value(Context& context, Bytes message) {
  FLE_CHECK(context.options().allow_only(0, "explicit decryption"));
  FLE_CHECK(check_document(message));
  const auto v = bson::find(message, "v");
  constexpr std::size_t kSubtypeAt = 4;
  if (!v || v->type != bson::Type::bin_data)
    return Failure(Errc::invalid_argument, "invalid msg, must contain 'v' of type binary");
  if (message[v->value_offset + kSubtypeAt] != bson::kSubtypeEncrypted)
    return Failure(Errc::invalid_argument,
                   "decryption expected BSON binary subtype 6: 'v' has another");
  const Bytes content = bson::value_of(message, *v).subspan(kSubtypeAt + 1);
  if (!parse_payload(content)) {
    // Of this protocol, and cut short; or of the other.
    if (content.empty() || content[0] <= static_cast<std::uint8_t>(Algorithm::random))
      return Failure(Errc::malformed_payload, "'v' has not the layout of an encrypted value");
    return queryable_encryption("the value to decrypt");
  }
  return make_operation<DecryptReply>(context.engine(), message);
}

}  // namespace fle::mongocrypt
