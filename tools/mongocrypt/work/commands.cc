// Automatic encryption and decryption.
#include <algorithm>
#include <string>
#include <utility>

#include "fle/bson/cursor.h"
#include "fle/payload.h"
#include "fle/query/analysis.h"
#include "fle/wiped.h"
#include "keyed_operation.h"
#include "operations.h"
#include "reading/document.h"

namespace fle::mongocrypt {
namespace {

Done check_document(Bytes document) {
  if (!is_document(document))
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

/// Whether a command is of Queryable Encryption by itself.
bool is_queryable(Bytes command) {
  bson::Cursor cursor(command);
  if (!cursor.next()) return false;
  const std::string_view name = cursor.element().name;
  return name == "compactStructuredEncryptionData" || name == "cleanupStructuredEncryptionData" ||
         (name == "create" && bson::find(command, "encryptedFields"));
}

/// Whether a command may have to do with collections of Queryable Encryption that are not known to
/// be any.
bool is_on_collection(Bytes command) {
  query::Target target;
  return query::read_target(command, target) &&
         target.command_class == query::CommandClass::analyzed;
}

/// Hands a command over.
Done hand_over(Context& context, std::string_view db, Bytes command) {
  return context.hand_over(
      "this command", [&](original::Context& theirs) { return theirs.begin_command(db, command); });
}

class EncryptCommand final : public MessageOperation {
 public:
  EncryptCommand(Context& context, std::string_view db, Bytes command)
      : MessageOperation(context.engine(), command), db_(db) {
    message().use_list_collections(
        [this, &context](std::string_view of, Bytes filter) {
          return list_collections(context, of, filter);
        },
        context.crypt().options().asks_together);
  }

 private:
  Done attempt(Context& context) override {
    QueryableCollections* const queryable = engine().queryable();
    if (queryable != nullptr && (is_queryable(document()) || names_one_of(*queryable)))
      return hand_over(context, db_, document());
    Done done = engine().auto_encrypter().encrypt_command(db_, document(), message());
    if (done) return done;
    if (met_queryable_) return hand_over(context, db_, document());
    for (const query::Finding& finding : message().findings())
      if (finding.verdict == query::Finding::Verdict::refused && !finding.advice.empty())
        done.error().message += "; " + finding.advice;  // a driver shows a text and nothing else
    return done;
  }

  /// One with encryptedFields is noted, and not shown to the analyzer, which would remember that it
  /// has refused it.
  Outcome<std::vector<std::vector<std::uint8_t>>> list_collections(Context& context,
                                                                   std::string_view of,
                                                                   Bytes filter) {
    FLE_TRY(auto found, context.list_collections(db_, of, filter));
    if (QueryableCollections* const queryable = engine().queryable())
      for (const auto& collection : found) met_queryable_ |= queryable->learn(of, collection);
    if (met_queryable_) return queryable_encryption("a collection");
    return found;
  }

  bool names_one_of(QueryableCollections& queryable) {
    query::Target target;
    if (!query::read_target(document(), target)) return false;  // the analyzer says why
    std::vector<query::CollectionSchema> schemas;
    query::list_schemas(target, schemas);
    return std::ranges::any_of(schemas, [&](const query::CollectionSchema& schema) {
      const query::CollectionName name = query::full_name(target, db_, schema);
      return queryable.contains(std::string(name.db) + "." + std::string(name.collection));
    });
  }

  std::string db_;
  bool met_queryable_ = false;
};

/// Sends what it is given. What explicit encryption has made for Queryable Encryption needs more
/// than that, which the original knows.
class PassCommand final : public Operation {
 public:
  PassCommand(std::string_view db, Bytes command)
      : db_(db), command_(command.begin(), command.end()) {}
  Done go_on(Context& context) override {
    if (context.crypt().original() != nullptr &&
        (is_queryable(command_) || is_on_collection(command_)))
      return hand_over(context, db_, command_);
    context.ready();
    return ok;
  }
  Outcome<Bytes> result() override { return Bytes(command_); }

 private:
  std::string db_;
  WipedBytes command_;
};

class DecryptReply final : public MessageOperation {
 public:
  using MessageOperation::MessageOperation;

 private:
  Done attempt(Context& context) override {
    // It reads values of both protocols.
    if (context.crypt().original() != nullptr && holds_queryable(document()))
      return context.hand_over("a reply", [this](original::Context& theirs) {
        return theirs.begin(&original::Library::mongocrypt_ctx_decrypt_init, document());
      });
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

/// One value of Queryable Encryption.
class DecryptQueryable final : public MessageOperation {
 public:
  using MessageOperation::MessageOperation;

 private:
  Done attempt(Context& context) override {
    return context.hand_over("the value to decrypt", [this](original::Context& theirs) {
      return theirs.begin(&original::Library::mongocrypt_ctx_explicit_decrypt_init, document());
    });
  }
};

}  // namespace

MadeOperation encrypt_command(Context& context, std::string_view db, Bytes command) {
  FLE_CHECK(context.options().allow_only(0, "automatic encryption"));
  if (db.empty()) return Failure(Errc::invalid_argument, "invalid db: the name is empty");
  FLE_CHECK(check_document(command));
  if (context.crypt().options().bypasses_analysis) return make_operation<PassCommand>(db, command);
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
    return make_operation<DecryptQueryable>(context.engine(), message);
  }
  return make_operation<DecryptReply>(context.engine(), message);
}

}  // namespace fle::mongocrypt
