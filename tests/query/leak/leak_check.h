#ifndef FLE_TESTS_QUERY_LEAK_LEAK_CHECK_H_
#define FLE_TESTS_QUERY_LEAK_LEAK_CHECK_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fle/client/auto_encrypter.h"
#include "fle/query/analysis.h"
#include "query/leak/oracle.h"
#include "query/leak/schema_model.h"
#include "support/local_keys.h"

namespace fle::test::leak {

/// What of `claimed` (Claims::contents) stands in `sent`: each as text that can be read. A content
/// that stands in `command` more than once is passed over, for it may stand in a plain field as
/// well.
[[nodiscard]] std::vector<std::string> find_leaks(Bytes command, Bytes sent,
                                                  const std::vector<Bytes>& claimed);

/// `marked` with every placeholder (binary subtype 6 that begins with 0) taken out, or replaced by
/// the value in it. Nothing where it is no BSON or a placeholder is not what it should be.
enum class Placeholders { taken_out, given_back };
[[nodiscard]] std::optional<Buf> without_placeholders(Bytes marked, Placeholders how);
[[nodiscard]] std::size_t count_placeholders(Bytes marked);
/// Whether a placeholder in `marked` has its key by an alternate name.
[[nodiscard]] bool has_named_key(const Value& marked);
/// `marked` with placeholder number `n` given back: what an analyzer would send that forgot it.
[[nodiscard]] Buf with_forgotten(Bytes marked, std::size_t n);
/// Changes what is in placeholder number `n` of a marked command, {a, ki | ka, v}; false where
/// there is none.
bool change_placeholder(Value& marked, std::size_t n, const std::function<void(Value&)>& change);

/// The collections of one database with everything that commands on them need.
class Database {
 public:
  /// Nothing when a schema does not compile, which is so for those that contradict themselves.
  [[nodiscard]] static std::unique_ptr<Database> create(std::vector<Collection> collections,
                                                        const LocalKeys& keys);

  [[nodiscard]] const std::vector<Collection>& collections() const noexcept { return collections_; }
  /// Whether the command is about a collection whose schema encrypts something.
  [[nodiscard]] bool encrypts(Bytes command) const;

  /// What a driver would be given to encrypt: the marked command.
  [[nodiscard]] Outcome<Buf> mark(Bytes command) const;
  /// The bytes for the server.
  [[nodiscard]] Outcome<Buf> encrypt(Bytes command) const {
    return auto_encrypter_->encrypt_command("db", command);
  }
  [[nodiscard]] Outcome<Buf> decrypt(Bytes reply) const {
    return auto_encrypter_->decrypt_reply(reply);
  }

 private:
  std::vector<Collection> collections_;
  std::map<std::string, std::shared_ptr<const schema::Plan>, std::less<>> plans_;
  std::unique_ptr<client::AutoEncrypter> auto_encrypter_;
};

/// The id of key `n` as BSON has it: binary of subtype 4.
[[nodiscard]] Value key_id(int n);
/// Keys as schema_model.h names them.
[[nodiscard]] LocalKeys make_keys();

}  // namespace fle::test::leak

#endif  // FLE_TESTS_QUERY_LEAK_LEAK_CHECK_H_
