#ifndef FLE_TOOLS_GATHER_H_
#define FLE_TOOLS_GATHER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "census.h"
#include "command_line/progress.h"
#include "command_line/stream_options.h"
#include "commands/collections.h"
#include "frequencies.h"
#include "streams/documents.h"
#include "streams/pipeline.h"

namespace fle::tools {

/// Where in the input a collection's documents are counted.
struct GatheredCollection {
  std::string ns;
  std::shared_ptr<const schema::Plan> plan;  // may be null
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
};

/// An encrypted path whose values or keys are looked at one by one.
struct GatheredField {
  std::size_t collection = 0;
  std::string path;
  Frequencies values;  // of deterministic ciphertext
};

/// Goes through documents on several threads and counts what is at which path.
class Gatherer {
 public:
  static constexpr std::size_t kMostFields = 256;
  static constexpr std::size_t kMostKeyUses = 131'072;

  /// @param schema     of the collections; its path is empty where there is none.
  /// @param key_vault  the collection whose documents are keys.
  Gatherer(const SchemaFile& schema, std::string key_vault)
      : schema_(schema), key_vault_(std::move(key_vault)) {}

  /// @retval Errc::invalid_argument  the input has several collections, and nothing says whose
  ///                                 schema this is
  [[nodiscard]] Done run(const StreamOptions& options);

  [[nodiscard]] const Census& census() const noexcept { return total_; }
  [[nodiscard]] const std::vector<GatheredCollection>& collections() const noexcept {
    return collections_;
  }
  [[nodiscard]] std::size_t index_of(std::string_view ns) const;
  [[nodiscard]] const std::vector<GatheredField>& fields() const noexcept { return fields_; }
  /// A key of a field that has more of them than a Census tells apart.
  struct KeyUse {
    std::uint32_t field;
    KeyId key;
    friend bool operator==(const KeyUse&, const KeyUse&) = default;
  };
  struct HashKeyUse {
    SeededHash hash;
    std::size_t operator()(const KeyUse& u) const noexcept {
      return hash(u.key) ^ (u.field * 0x9e3779b97f4a7c15ULL);
    }
  };
  using KeyUses = std::unordered_map<KeyUse, std::uint64_t, HashKeyUse>;
  [[nodiscard]] const KeyUses& key_uses() const noexcept { return key_uses_; }
  /// Values under keys for which there was no room.
  [[nodiscard]] std::uint64_t lost_key_uses() const noexcept { return lost_key_uses_; }

 private:
  struct Batch;
  class Observer;
  struct Lane {
    Census census;
  };
  Done process(Batch& batch, const DocumentReader& reader);
  Done count(Batch& batch, Census& census, const DocumentReader& reader);
  Done write(Batch& batch, Progress& progress);
  std::unique_ptr<Lane> borrow();
  void give_back(std::unique_ptr<Lane> lane);
  Outcome<std::size_t> collection(const Collection& of);
  std::uint32_t field(const Census& census, Census::Id path);

  SchemaFile schema_;
  std::string key_vault_;
  std::optional<CollectionSchemas> schemas_;
  std::mutex mutex_;
  std::vector<GatheredCollection> collections_;
  std::map<std::string, std::size_t, std::less<>> by_ns_;
  std::vector<GatheredField> fields_;
  std::map<std::pair<std::size_t, std::string>, std::uint32_t> by_path_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  KeyUses key_uses_{0, HashKeyUse{SeededHash::random()}};
  std::uint64_t lost_key_uses_ = 0;
  Census total_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_GATHER_H_
