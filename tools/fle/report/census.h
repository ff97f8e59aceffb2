#ifndef FLE_TOOLS_CENSUS_H_
#define FLE_TOOLS_CENSUS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson/cursor.h"
#include "fle/failure.h"
#include "fle/schema/plan.h"
#include "fle/seeded_hash.h"
#include "look.h"

namespace fle::tools {

/// Whether values of the type have elements with paths of their own.
[[nodiscard]] constexpr bool is_container(bson::Type t) noexcept {
  return t == bson::Type::object || t == bson::Type::array;
}

/// Counts the values of documents by path and by what they look like, whether encrypted or not. In
/// bounded memory, whatever the documents look like: names that are data become one path, "*".
///
///   - The items of an array have one path: "visits[].note".
///   - Names that look like ids (digits only; a UUID, ObjectId or hash) or are very long: at once.
///   - All names of an object that has more than kMostNames different ones: "visits.*.note".
///   - Beyond kMostPaths, those of the object that has most; and so on.
///
/// What the schema encrypts, or leads to it, is not mixed with what it does not. Not for concurrent
/// use: each thread has its own, and absorb() adds them up.
class Census {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNone = 0;  // as a path also: of all that has no other
  static constexpr Id kRoot = 1;
  static constexpr std::size_t kMostNames = 1000;
  static constexpr std::size_t kMostPaths = 4096;
  static constexpr std::size_t kLongestName = 128;
  static constexpr std::size_t kMostKeys = 16;  // of one path, that are told apart here

  enum class Kind : std::uint8_t { name, item, any, collection };
  struct Path {
    Id parent = kNone;
    Kind kind = Kind::name;
    bool folded = false;  // its names have become one
    std::uint16_t n_keys = 0;
    std::uint32_t name = 0;
    std::uint32_t name_size = 0;
    std::uint32_t n_names = 0;  // of paths in it that have one
    schema::Plan::Step step{};
    const schema::Plan* plan = nullptr;
    std::uint64_t documents = 0;
    std::uint64_t last_document = UINT64_MAX;
    std::uint64_t hash = 0;
    Id first_cell = kNone;
    std::uint32_t slot = UINT32_MAX;  // for its owner
  };
  /// Values at one path that look alike.
  struct Cell {
    Id path = kNone;
    Id next_of_path = kNone;
    Id guess = kNone;  // the cell of the element that followed it last time
    Look look{};
    std::uint64_t values = 0;
    std::uint64_t bytes = 0;           // of their payloads
    std::uint64_t first_document = 0;  // from 1
  };
  /// Is told of ciphertext that is to be looked at more closely.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// @param known  false: its key is one too many.
    virtual void encrypted(Census& census, Id path, const Look& look, Bytes value, bool known) = 0;
  };

  Census();

  /// The path of a collection; plan may be null, and stays.
  [[nodiscard]] Id collection(std::string_view ns, const schema::Plan* plan);
  /// @param number  of the document in its collection, from 1.
  /// @retval Errc::malformed_bson, Errc::nesting_too_deep
  [[nodiscard]] Done add(Bytes document, Id collection, std::uint64_t number, Watcher& watcher);
  /// What add() could not do in the middle of a document. Ids are others afterwards.
  /// @return  whether they are
  bool tidy();
  void absorb(const Census& other);

  [[nodiscard]] const std::vector<Path>& paths() const noexcept { return paths_; }
  [[nodiscard]] const std::vector<Cell>& cells() const noexcept { return cells_; }
  /// For people, without the collection.
  [[nodiscard]] std::string text(Id path) const;
  [[nodiscard]] Id collection_of(Id path) const noexcept;
  [[nodiscard]] std::string_view name(const Path& p) const noexcept {
    return std::string_view(names_).substr(p.name, p.name_size);
  }
  void set_slot(Id path, std::uint32_t slot) noexcept { paths_[path].slot = slot; }

 private:
  static constexpr std::size_t kHardLimit = 2 * kMostPaths;
  struct Level {
    bson::Cursor cursor;
    Id path;
    bool array;
  };
  Id path_of(Id parent, bool item, std::string_view name);
  Id slow_path(Id parent, bool item, std::string_view name);
  Id find_or_add(Path path, std::string_view name);
  Id find(const Path& path, std::string_view name) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(const Path& path, std::string_view name) const noexcept;
  Id cell_of(Id path, const Look& look);
  Id find_cell(Id path, const Look& look) const noexcept;
  Id add_cell(Id path, const Look& look);
  Id element(Id before, const Level& level, Bytes document, const bson::Element& e,
             std::uint64_t number, Watcher& watcher);
  void grow();
  void absorb(const Census& other, std::vector<Id>& mine, Id id);
  Id equivalent(const Path& p, Id parent, std::string_view name);
  bool fold();

  SeededHash hash_;
  std::vector<Path> paths_;
  std::vector<Cell> cells_;
  std::string names_;
  std::vector<Id> slots_;  // a power of two, at most half of them in use
  std::vector<Level> levels_;
  bool crowded_ = false;  // some object has too many names
  bool mixed_ = false;    // one that is folded has names beside "*"
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CENSUS_H_
