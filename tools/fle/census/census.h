#ifndef FLE_TOOLS_CENSUS_H_
#define FLE_TOOLS_CENSUS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
///   - Beyond kMostPaths, those of the object that has most; and so on. Objects that have
///     ciphertext under their names come last.
///
/// Where that is not enough, values are counted together, at no path. There is more room for what
/// the schema encrypts or leads to it, and for ciphertext; has_overlooked() says whether it was
/// enough.
///
/// What the schema encrypts, or leads to it, is not mixed with what it does not. Not for concurrent
/// use: each thread has its own, and absorb() adds them up.
///
/// Documents of a stream are alike. So each Cell knows what came behind its element last time, and
/// how that begins: where it comes again, one comparison tells its type, its name and its path.
class Census {
 public:
  using Id = std::uint32_t;
  using Slot = std::uint32_t;
  static constexpr Id kNone = 0;  // as a path also: of all that has no other
  static constexpr Id kRoot = 1;
  static constexpr Slot kNoSlot = UINT32_MAX;
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
    std::uint32_t name = 0;  // where it stands in names_, with a NUL behind it
    std::uint32_t name_size = 0;
    std::uint32_t n_names = 0;  // of paths in it that have one
    schema::Plan::Step step{};
    const schema::Plan* plan = nullptr;
    std::uint64_t hash = 0;
    Id first_cell = kNone;  // of a collection: one for itself, behind which its documents begin
    Slot slot = kNoSlot;    // for its owner
  };
  /// How long a value is: what can be told at once, and what is looked at closely.
  enum class Measure : std::uint8_t { any, fixed, text, document, ciphertext };
  /// Values at one path that look alike.
  struct Cell {
    // How its element begins: type, name, NUL; as far as this goes, and which bits that is.
    std::array<std::uint64_t, 2> head{};
    std::array<std::uint64_t, 2> head_mask{};
    std::uint16_t head_size = 0;  // of all of it; 0: it has any name
    std::uint8_t type = 0;        // in the document; 0: of nothing
    Measure measure = Measure::any;
    std::uint8_t fixed_size = 0;  // of its value; of a ciphertext, of its payload; 0: they differ
    Id path = kNone;
    // The cells of what came next: behind its element (in it, if it is a container), and behind the
    // end of a container.
    std::array<Id, 2> next{};
    std::uint64_t values = 0;
    std::uint64_t bytes = 0;           // of their payloads
    std::uint64_t first_document = 0;  // from 1
    Id next_of_path = kNone;
    Look look{};
  };
  /// Is told of ciphertext that is to be looked at more closely.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// @param known  false: its key is one too many.
    virtual void encrypted(Census& census, Id path, const Look& look, Bytes value, bool known) = 0;
  };
  /// Slots of paths that have become one: the first one stays.
  using Merged = std::vector<std::pair<Slot, Slot>>;

  Census();

  /// The path of a collection; plan may be null, and stays.
  [[nodiscard]] Id collection(std::string_view ns, const schema::Plan* plan);
  /// @param number  of the document in its collection, from 1.
  /// @retval Errc::malformed_bson, Errc::nesting_too_deep
  [[nodiscard]] Done add(Bytes document, Id collection, std::uint64_t number, Watcher& watcher);
  /// What add() could not do in the middle of a document. Ids are others afterwards.
  /// @return  whether they are
  bool tidy(Merged& merged) { return is_untidy() && fold_all(merged); }
  void absorb(const Census& other, Merged& merged);
  /// Lets it tell apart all keys that as many others do, which it is going to absorb.
  void make_room_for(std::size_t others) noexcept { most_keys_ = others * kMostKeys; }

  [[nodiscard]] const std::vector<Path>& paths() const noexcept { return paths_; }
  [[nodiscard]] const std::vector<Cell>& cells() const noexcept { return cells_; }
  /// Whether values that the schema is about, or ciphertext, may be among those at no path.
  [[nodiscard]] bool has_overlooked() const noexcept { return has_overlooked_; }
  /// That have a value at the path.
  [[nodiscard]] std::uint64_t documents(Id path) const noexcept {
    return presence_[path].documents;
  }
  /// For people, without the collection.
  [[nodiscard]] std::string text(Id path) const;
  /// Whether several names have become one in it.
  [[nodiscard]] bool is_folded(Id path) const noexcept;
  [[nodiscard]] Id collection_of(Id path) const noexcept;
  [[nodiscard]] std::string_view name(const Path& p) const noexcept {
    return std::string_view(names_).substr(p.name, p.name_size);
  }
  void set_slot(Id path, Slot slot) noexcept { paths_[path].slot = slot; }

 private:
  static constexpr std::size_t kHardLimit = 2 * kMostPaths;
  static constexpr std::size_t kMostDepth = 180;  // MongoDB's, of stored documents
  struct Presence {
    std::uint64_t documents = 0;
    std::uint64_t last_document = UINT64_MAX;
  };
  /// A document, array or scope of code that add() is inside of.
  struct Level {
    const std::uint8_t* end;  // its terminating NUL
    Id path;
    Id cell;
    bool array;
    bool in_scope;
  };
  /// An element as it stands in a document.
  struct Place {
    const std::uint8_t* p;  // its type byte
    const std::uint8_t* value;
    std::size_t size;
  };

  // Paths and cells: paths.cc.
  Id path_of(Id parent, bool item, std::string_view name);
  Id find_or_add(Path path, std::string_view name);
  [[nodiscard]] Id find(const Path& path, std::string_view name) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(const Path& path, std::string_view name) const noexcept;
  Id cell_of(Id path, const Look& look);
  [[nodiscard]] Id find_cell(Id path, const Look& look) const noexcept;
  Id add_cell(Id path, const Look& look);
  void set_head(Cell& cell) const noexcept;
  void grow();

  // Folding: paths.cc.
  [[nodiscard]] bool is_untidy() const noexcept {
    return crowded_ || mixed_ || paths_.size() > kMostPaths;
  }
  bool fold_all(Merged& merged);
  bool fold(Merged& merged);
  [[nodiscard]] std::vector<bool> around_ciphertext() const;
  Id equivalent(const Path& p, Id parent, std::string_view name);

  // The way through a document: census.cc.
  [[nodiscard]] static bool is_plainly(const Cell& cell, Place& at, const Level& level,
                                       const std::uint8_t* doc_end) noexcept;
  [[nodiscard]] static bool is_ciphertext(const Cell& cell, Place& at,
                                          std::ptrdiff_t avail) noexcept;
  [[nodiscard]] bool begins(const Cell& cell, Place& at,
                            const std::uint8_t* doc_end) const noexcept;
  bool measure(Id& id, Id before, std::size_t where, const Level& level, Place& at,
               const std::uint8_t* doc_end, std::uint64_t number);
  bool count_all(Bytes document, Id collection, std::uint64_t number, Watcher& watcher);
  Id unexpected(Id guess, bool begun, const Level& level, const Place& at,
                const std::uint8_t* doc_end);
  [[nodiscard]] Id behind(Id id) const noexcept;
  void count(Id id, const Place& at, std::uint64_t number, Watcher& watcher);

  SeededHash hash_;
  std::vector<Path> paths_;
  std::vector<Presence> presence_;  // of each path
  std::vector<Cell> cells_;
  std::string names_;
  std::vector<Id> slots_;  // a power of two, at most half of them in use
  std::array<Level, kMostDepth> levels_;
  std::size_t most_keys_ = kMostKeys;
  bool crowded_ = false;  // some object has too many names
  bool mixed_ = false;    // one that is folded has names beside "*"
  bool has_overlooked_ = false;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CENSUS_H_
