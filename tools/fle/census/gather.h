#ifndef FLE_TOOLS_GATHER_H_
#define FLE_TOOLS_GATHER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "census.h"
#include "commands/collections.h"
#include "frequencies.h"
#include "options/stream_options.h"
#include "streams/documents.h"
#include "streams/pipeline.h"
#include "terminal/progress.h"

namespace fle::tools {

/// Where in the input a collection's documents are counted.
struct GatheredCollection {
  std::string ns;
  std::shared_ptr<const schema::Plan> plan;  // may be null
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
};

/// Goes through documents on several threads and counts what is at which path. Of deterministic
/// fields it also counts how often their values occur, and of fields with many keys those.
class Gatherer {
 public:
  static constexpr std::size_t kMostFields = 16'384;
  static constexpr std::size_t kMostLargeFields = 256;
  static constexpr std::size_t kMostKeyUses = 131'072;

  /// @param schema     of the collections; its path is empty where there is none.
  /// @param key_vault  the collection whose documents are keys.
  Gatherer(const SchemaFile& schema, std::string key_vault)
      : schema_(schema), key_vault_(std::move(key_vault)) {}

  /// @retval Errc::invalid_argument  the input has several collections, and nothing says whose
  ///                                 schema this is
  [[nodiscard]] Done run(const StreamOptions& options);

  [[nodiscard]] const Census& census() const noexcept { return total_; }
  [[nodiscard]] const std::deque<GatheredCollection>& collections() const noexcept {
    return collections_;
  }
  /// Of a path of the census; their number if it is of none.
  [[nodiscard]] std::size_t collection_of(Census::Id path) const;
  /// A path whose values or keys are looked at one by one: the number of its field.
  [[nodiscard]] std::optional<std::uint32_t> field_of(Census::Id path) const;
  [[nodiscard]] const Frequencies& values_of(std::uint32_t field) const noexcept {
    return fields_[field].values;
  }
  /// A key of a field that has more of them than a Census tells apart.
  struct KeyUse {
    std::uint32_t field;  // kNoField: of one too many
    Algorithm algorithm;
    bson::Type type;
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
  static constexpr std::uint32_t kNoField = Census::kNoSlot;

 private:
  struct Batch;
  class Observer;
  struct Field {
    Frequencies values;
    std::uint32_t merged_into = kNoField;
  };
  Done process(Batch& batch, const DocumentReader& reader);
  Done count(Batch& batch, Census& census, const DocumentReader& reader);
  Done write(Batch& batch, Progress& progress);
  Census& census_of_thread();
  Outcome<std::size_t> collection(const Collection& of);
  Done add_without_documents();
  std::uint32_t field(const Census& census, Census::Id path);
  [[nodiscard]] std::uint32_t final_field(std::uint32_t field) const noexcept;
  void add_value(Field& field, std::uint64_t value);
  void merge_fields(Census::Merged& merged);
  void merge_key_uses();

  SchemaFile schema_;
  std::string key_vault_;
  std::optional<CollectionSchemas> schemas_;
  // Two locks: values are counted under one of them for long, and each chunk needs the other. Who
  // takes both takes that one last.
  std::mutex mutex_;
  std::deque<GatheredCollection> collections_;
  std::map<std::string, std::size_t, std::less<>> by_ns_;
  std::map<std::thread::id, Census> censuses_;
  std::mutex fields_mutex_;
  std::vector<Field> fields_;
  std::size_t n_large_ = 0;  // of them
  std::map<std::pair<std::size_t, std::string>, std::uint32_t> by_path_;
  KeyUses key_uses_{0, HashKeyUse{SeededHash::random()}};
  Census total_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_GATHER_H_
