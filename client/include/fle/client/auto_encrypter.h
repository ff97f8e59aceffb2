#ifndef FLE_CLIENT_AUTO_ENCRYPTER_H_
#define FLE_CLIENT_AUTO_ENCRYPTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/client/document_cipher.h"
#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/function.h"
#include "fle/kms/key_ring.h"
#include "fle/observe.h"
#include "fle/query/analysis.h"
#include "fle/schema/plan.h"

namespace fle::client {

/// Automatic encryption: a command in, the command to send out; a reply in, plaintext out
/// (specification: client-side-encryption, "AutoEncryptionOpts"). All in this process.
///
///   AutoEncrypter::Options options;
///   options.schema_map["clinic.patients"] = plan;
///   AutoEncrypter auto_encrypter(std::move(options), key_ring);
///   auto to_send = auto_encrypter.encrypt_command("clinic", command);
///   auto readable = auto_encrypter.decrypt_reply(reply);
///
/// Thread safety: one AutoEncrypter serves any number of threads, each with its own Message.

/// Runs {listCollections: 1, filter} on `db` and returns every document of the answer, each one
/// BSON document. It must use a client that does not encrypt automatically.
using ListCollections = std::function<Outcome<std::vector<std::vector<std::uint8_t>>>(
    std::string_view db, Bytes filter)>;

struct MessageState;  // private

/// One command or reply on its way through; holds all scratch memory and keeps it for the next one.
class FLE_API Message {
 public:
  Message();
  Message(Message&&) noexcept;
  Message& operator=(Message&&) noexcept;
  ~Message();

  /// The result of the last call, valid until the next one; empty when that call failed. Where
  /// nothing changed it is the caller's own bytes.
  [[nodiscard]] Bytes output() const noexcept;
  /// Values that the last call encrypted or decrypted.
  [[nodiscard]] std::size_t fields() const noexcept;
  /// The leaf of the schema for each value that the last call encrypted, for reports; valid until
  /// the next call. Empty after decrypt_reply().
  [[nodiscard]] std::vector<const schema::Leaf*> leaves() const;
  /// Why each path was or was not encrypted (AutoEncrypter::Options::explain), and for a refusal
  /// by query analysis always one finding with the rule and what to write instead.
  [[nodiscard]] std::span<const query::Finding> findings() const noexcept;
  /// Fields that stayed encrypted under MissingKeys::keep.
  [[nodiscard]] std::span<const KeptField> kept() const noexcept;

  /// What the last decrypt_reply() has left as it is, where no key is missing: it reads the reply
  /// once more, which must still be there.
  [[nodiscard]] LeftAlone left_alone() const;

  // For callers with a network of their own, who answer a call that lacks something and then make
  // it again. What they bring serves this message only, however long the round takes.

  /// The data keys that the last call lacked, when it failed with Errc::key_not_found.
  [[nodiscard]] const WantedKeys& wanted_keys() const noexcept;
  /// Brings a key, which KeyRing::add() has made.
  void hold_key(kms::KeyHandle key, std::span<const std::string> alt_names = {});
  /// Asked instead of AutoEncrypter::Options::list_collections, by this message's calls alone. A
  /// failure that it returns is what the call fails with; so may "not known yet".
  /// @param together  several collections of a database may be asked for at once; else one by one,
  ///                  for a caller who gets one document for each question.
  void use_list_collections(ListCollections list, bool together);
  /// Forgets the keys that were brought, and the function. Wipes the last result.
  void drop_held() noexcept;

 private:
  friend struct MessageState;
  std::unique_ptr<MessageState> s_;
};

class FLE_API AutoEncrypter {
 public:
  using ListCollections = client::ListCollections;

  struct Options {
    /// "db.collection" to schema, compiled with schema::Origin::local. Stands above what the
    /// server says, so a server cannot switch encryption off here.
    std::map<std::string, std::shared_ptr<const schema::Plan>, std::less<>> schema_map{};
    /// Likewise, for who compiles a schema when it is first needed: the plan of "db.collection", or
    /// null for one that it does not know. Called from any thread, for every command; what it fails
    /// with the command fails with.
    std::function<Outcome<std::shared_ptr<const schema::Plan>>(std::string_view ns)>
        local_schemas{};
    /// Where the schemas of other collections come from. Without it they have none.
    ListCollections list_collections{};
    /// Strict: a command that names a collection without a schema, be it in a $lookup, is refused
    /// with Errc::schema_missing unless `plain_collections` has it. Without this a mistyped name
    /// sends everything in the clear. A schema that encrypts nothing is one; an answer of
    /// list_collections without one is none. Commands that are never analyzed pass, and so does
    /// all under the two bypass options below.
    bool require_schema = false;
    /// "db.collection" of those that have no schema on purpose.
    std::set<std::string, std::less<>> plain_collections{};
    /// How long an answer of list_collections is used: 60 s, as in drivers.
    std::chrono::milliseconds collection_info_lifetime{60'000};
    /// Commands are sent as they are; replies are decrypted.
    bool bypass_auto_encryption = false;
    /// The same for us: without query analysis nothing is marked. Explicit encryption stays.
    bool bypass_query_analysis = false;
    MissingKeys missing_keys = MissingKeys::fail;
    /// Note a Finding for every path of every command.
    bool explain = false;
    /// What the analysis of one command may cost, and each schema that is compiled for it.
    Budget budget{};
    /// During a roll-over of deterministic keys: for a data key the keys that it replaces. An
    /// equality on a field with that key becomes a search for both ciphertexts; what cannot be
    /// searched for twice is refused: see query::roll_over.
    std::map<KeyId, std::vector<KeyId>> previous_keys{};
    /// For tests: the clock that lifetimes and commands are measured with.
    std::function<std::chrono::steady_clock::time_point()> now{};
    /// Hears of each command and reply. Null: nobody does.
    std::shared_ptr<Observer> observer{};
  };

  AutoEncrypter(Options options, std::shared_ptr<kms::KeyRing> keys);
  AutoEncrypter(const AutoEncrypter&) = delete;
  AutoEncrypter& operator=(const AutoEncrypter&) = delete;
  ~AutoEncrypter();

  /// Encrypts what the schemas say, all or nothing.
  ///
  /// @param db       the database that the command is sent to.
  /// @param command  one BSON document, as it would be sent (kind-0 section), at most
  ///                 query::kCommandLimits: must stay until the result is read.
  /// @retval Errc::view_not_supported     the collection is a view
  /// @retval Errc::schema_missing         it has no schema, and Options::require_schema
  /// @retval Errc::command_not_supported  or it has Queryable Encryption
  /// @retval Errc::server_bad_answer      list_collections told of a collection that it was not
  ///                                      asked for, or of one twice
  /// @retval as query::read_target, query::analyze, schema::compile_bson, KeyRing::lease,
  ///         bson::Edits::layout, and whatever list_collections fails with
  /// What list_collections throws passes through; the message is then empty too.
  [[nodiscard]] Done encrypt_command(std::string_view db, BorrowedBytes command,
                                     Message& message) const;
  /// Decrypts every encrypted value of a reply, all or nothing; under MissingKeys::keep all that
  /// have a key, see Message::kept.
  /// @param reply    one BSON document of at most 48,000,000 bytes: must stay until the result is
  ///                 read.
  /// @param message  the one that encrypted the command, where that makes, changes or drops a
  ///                 collection: what was asked of list_collections in between is then forgotten.
  /// @retval as DocumentCipher::decrypt
  [[nodiscard]] Done decrypt_reply(BorrowedBytes reply, Message& message) const;

  /// The same into memory of their own.
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> encrypt_command(std::string_view db,
                                                                   Bytes command) const;
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> decrypt_reply(Bytes reply) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_AUTO_ENCRYPTER_H_
