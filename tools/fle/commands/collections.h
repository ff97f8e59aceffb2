#ifndef FLE_TOOLS_COLLECTIONS_H_
#define FLE_TOOLS_COLLECTIONS_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fle/client/document_cipher.h"
#include "fle/failure.h"
#include "fle/schema/compile.h"
#include "inputs/chunk.h"
#include "schema_file.h"
#include "streams/integer_hints.h"
#include "streams/stream_counts.h"

namespace fle::tools {

/// As DocumentReader::announced() has them.
using Announced = std::vector<std::shared_ptr<const Collection>>;

/// Whose schema is whose, in a stream that may have several collections.
class CollectionSchemas {
 public:
  /// @param announced  the collections of the stream, as its reader knows them
  /// @param key_vault  the one whose documents are keys: no schema is for it
  /// @retval Errc::invalid_argument  several collections, and nothing says whose schema this is
  static Outcome<CollectionSchemas> open(const SchemaFile& file, const Announced& announced,
                                         const std::string& key_vault);

  /// Null: the collection has none.
  /// @retval as schema::compile_wrapped_json
  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> plan_of(
      const Collection& collection) const;

  /// Whether a collection with a name is one that a schema was given for.
  [[nodiscard]] bool is_for(std::string_view ns) const;

  /// The names of a map that are none of `met`, the collections of the stream.
  [[nodiscard]] std::vector<std::string> without_documents(
      const std::vector<std::string>& met) const;
  /// One for each of them; it may mean one of `copied`, the collections without a schema.
  [[nodiscard]] std::vector<std::string> warnings(const std::vector<std::string>& copied,
                                                  const std::vector<std::string>& met) const;

 private:
  CollectionSchemas(const SchemaFile& file, std::string text) noexcept
      : file_(file), text_(std::move(text)) {}

  [[nodiscard]] std::string_view name_in_map(std::string_view ns) const;
  [[nodiscard]] bool is_in_map(std::string_view ns) const;

  SchemaFile file_;
  std::string text_;
  std::string only_;  // the collection that a schema without a name is for
  std::optional<schema::WrappedCollections> map_;
};

/// What is done to the documents of one collection, and what was.
struct Lane {
  Lane(Task task, std::string name, std::shared_ptr<const schema::Plan> plan,
       std::shared_ptr<kms::KeyRing> keys, const client::DocumentCipher::Options& options)
      : ns(std::move(name)),
        cipher(plan, std::move(keys), options),
        integers(plan),
        counts(task, std::move(plan)) {}

  const std::string ns;          // of the collection; empty: documents do not say
  const char* copied = nullptr;  // why its documents stay as they are; null: they do not
  const client::DocumentCipher cipher;
  const IntegerHints integers;
  StreamCounts counts;
  std::uint64_t n_copied = 0;
};

/// The lanes of all collections of a stream.
class Lanes {
 public:
  struct Options {
    Task task = Task::encrypt;
    client::DocumentCipher::Options cipher{};
    std::string key_vault{};  // the collection whose documents are keys
  };
  /// @param schema  null for decryption
  static Outcome<Lanes> open(const Options& options, const SchemaFile* schema,
                             std::shared_ptr<kms::KeyRing> keys, const Announced& announced);

  /// The one of a collection; made when it is first met. Thread-safe.
  Outcome<Lane*> of(const Collection& collection);
  /// Whether some schema encrypts a field of some collection that is known.
  [[nodiscard]] bool encrypts_nothing() const;
  /// As StreamCounts has it, of all together.
  [[nodiscard]] Done require_fields() const;
  /// Paths have the name of their collection before them where there are several.
  /// All counts, for another process to go on with.
  void save(Packer& out) const;
  /// Takes what save() has written, of the same collections, before anything is counted. False: it
  /// is not that.
  [[nodiscard]] bool load(Unpacker& in);
  /// @param fate  as StreamCounts::summary has it.
  [[nodiscard]] Summary summary(const char* fate) const;

 private:
  Lanes(const Options& options, std::shared_ptr<kms::KeyRing> keys)
      : options_(options), keys_(std::move(keys)), mutex_(std::make_unique<std::mutex>()) {}
  [[nodiscard]] bool has_names() const {
    return lanes_.size() != 1 || !lanes_.begin()->second->ns.empty();
  }

  [[nodiscard]] std::vector<std::string> schema_warnings() const;

  Options options_;
  std::shared_ptr<kms::KeyRing> keys_;
  std::optional<CollectionSchemas> schemas_;
  std::unique_ptr<std::mutex> mutex_;
  std::map<std::size_t, std::unique_ptr<Lane>> lanes_;  // by Collection::index
};

/// Collections that servers and tools keep for themselves: nobody writes a schema for them.
[[nodiscard]] bool is_of_system(std::string_view ns) noexcept;

}  // namespace fle::tools

#endif  // FLE_TOOLS_COLLECTIONS_H_
