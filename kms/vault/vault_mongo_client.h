#ifndef FLE_KMS_VAULT_MONGO_CLIENT_H_
#define FLE_KMS_VAULT_MONGO_CLIENT_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "document/bson_builder.h"
#include "fle/failure.h"
#include "mongoc_functions.h"

// As much of libmongoc as a key vault needs. Every Failure names the collection; none holds the
// connection string, which may hold a password.
namespace fle::kms::mongo {

inline constexpr std::uint32_t kDuplicateKey = 11000;
inline constexpr std::uint32_t kNamespaceNotFound = 26;

/// libmongoc logs to standard error unless told otherwise; its log belongs to the whole process.
void silence_log();

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* p) const noexcept {
    (mongoc().*Free)(p);
  }
};

/// One collection, reached by any number of threads of the process that opened it: libmongoc's
/// connections are not for a forked child, where every call is a vault_failed.
class Collection {
 public:
  ~Collection();
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;
  /// @retval Errc::vault_failed  the connection string is none; talks to no server
  static Outcome<std::unique_ptr<Collection>> open(std::string_view uri, std::string database,
                                                   std::string collection);

  using FoundDocument = std::function<Done(Bytes document)>;
  /// find with readConcern majority. `error` gets what the server or the network said, if it did.
  [[nodiscard]] Done find(const bson_t* filter, const FoundDocument& each, bson_error_t& error);
  /// Every index of the collection; none when there is no collection yet.
  [[nodiscard]] Done list_indexes(const FoundDocument& each);

  // Writes, with writeConcern majority.

  /// A command that changes something, as it goes over the wire, without writeConcern and $db.
  [[nodiscard]] Done write(const bson_t* command, BsonBuilder& reply, bson_error_t& error);
  using Document = std::vector<std::uint8_t>;
  /// Ordered insert; `reply` tells how far it got.
  [[nodiscard]] Done insert(std::span<const Document> documents, BsonBuilder& reply,
                            bson_error_t& error);
  [[nodiscard]] Outcome<bool> delete_one(const bson_t* filter);
  struct Update {
    Document filter;
    Document update;
  };
  /// Ordered updates of one document each; how many documents were there.
  [[nodiscard]] Outcome<std::size_t> update(std::span<const Update> updates);

  [[nodiscard]] const std::string& collection() const noexcept { return collection_; }
  [[nodiscard]] Failure failure(std::string_view why) const;
  [[nodiscard]] Failure failure(const bson_error_t& error) const;

 private:
  using Pool =
      std::unique_ptr<mongoc_client_pool_t, FreeWith<&MongocFunctions::client_pool_destroy>>;
  class Lease;

  Collection(Pool pool, std::string database, std::string collection);
  /// @retval Errc::vault_failed       in a forked child
  /// @retval Errc::vault_unreachable  all connections of the pool stayed in use
  [[nodiscard]] Outcome<Lease> lease() const;
  Done drain(mongoc_cursor_t* cursor, const FoundDocument& each, bson_error_t& error) const;

  const pid_t pid_;
  Pool pool_;
  std::string database_;
  std::string collection_;
};

}  // namespace fle::kms::mongo

#endif  // FLE_KMS_VAULT_MONGO_CLIENT_H_
