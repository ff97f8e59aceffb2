#ifndef FLE_BSON_WALK_WALK_H_
#define FLE_BSON_WALK_WALK_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/schema/plan.h"
#include "fle/work.h"

namespace fle::bson {

class Editor;
class PathTable;
namespace internal {
class EditsBuilder;
}

/// What find_fields() does with a null where the plan encrypts: no algorithm encrypts one.
enum class Nulls : std::uint8_t {
  refuse,  ///< Errc::type_not_allowed.
  keep,    ///< It stays as it is; Edits::nulls() has it.
  omit,    ///< Its element is not in the result; Edits::nulls() has it.
};

/// What is wrong with one document: the first faults, and how many there are.
struct Faults {
  static constexpr std::size_t kMost = 50;
  std::vector<Failure> first;
  std::uint64_t n = 0;

  FLE_API void add(Failure f);
};

/// What a walk accepts.
struct Limits {
  /// Documents nested in each other, the outermost counted: MongoDB's limit for stored documents.
  /// More than 1,024 counts as 1,024.
  std::uint32_t max_depth = 180;
  /// Bytes of one document: MongoDB's maxBsonObjectSize.
  std::uint32_t max_bytes = 16 * 1024 * 1024;
  /// Where to count what it costs, each element and each search of a pattern; may be null. A walk
  /// by a plan ends with Errc::work_limit once it is spent().
  Work* work = nullptr;
  /// Whether find_fields() marks an encrypted value (binary of subtype 6 whose first byte is 1 or
  /// 2) where the plan encrypts, for the caller to judge. Else it is refused there.
  bool mark_encrypted = false;
  /// By find_fields().
  Nulls nulls = Nulls::refuse;
  /// Where find_fields() puts every fault of the document, to go on behind it: it then succeeds,
  /// with marks of what has none. What is malformed or over the budget still ends it. May be null.
  Faults* faults = nullptr;
};

/// The server's maxMessageSizeBytes.
inline constexpr std::uint32_t kMaxMessageSize = 48'000'000;
/// Limits for commands: the bytes of a message, and the nesting of a stored document with room for
/// what a command puts around it.
inline constexpr Limits kCommandLimits{200, kMaxMessageSize};

/// One value that will be replaced. Offsets are into the document that was walked.
struct Mark {
  std::uint32_t type_offset;   ///< Of the element's type byte.
  std::uint32_t value_offset;  ///< Of the first byte of the value.
  std::uint32_t value_size;    ///< Bytes of the value.
  schema::Plan::LeafId leaf;   ///< How to encrypt it. Unused when decrypting.
  Type type;                   ///< Type byte in the document: of the plaintext, or bin_data.
  Type new_type;               ///< Set by the caller before layout().
  std::uint32_t new_size;      ///< Set by the caller before layout(): bytes of the new value.
  std::uint32_t new_offset;    ///< Set by layout(): where the new value goes in the output.
};

/// Binaries of subtype 6 that a walk has seen and not marked.
struct Unmarked {
  std::uint32_t ciphertexts = 0;  ///< Of type 1 or 2: where the plan encrypts nothing.
  std::uint32_t foreign = 0;      ///< Any other: placeholders, Queryable Encryption, or empty.
  std::uint32_t first = 0;        ///< Type offset of the first of them.
  [[nodiscard]] bool none() const noexcept { return (ciphertexts | foreign) == 0; }
};

/// The replacements of one document: found by a walk, sized by the caller, laid out in one pass.
/// Keeps its memory for the next document. Not for concurrent use.
class FLE_API Edits {
 public:
  [[nodiscard]] std::span<Mark> marks() noexcept { return marks_; }
  [[nodiscard]] std::span<const Mark> marks() const noexcept { return marks_; }
  /// Nothing changes.
  [[nodiscard]] bool empty() const noexcept { return marks_.empty() && omitted_.empty(); }
  /// The leaves of nulls that are kept or omitted, in document order.
  [[nodiscard]] std::span<const schema::Plan::LeafId> nulls() const noexcept { return nulls_; }
  /// What is encrypted, as it seems, and stays as it is.
  [[nodiscard]] const Unmarked& unmarked() const noexcept { return unmarked_; }

  /// Computes every new offset and the new length of every enclosing document, once new_type and
  /// new_size of all marks are set.
  ///
  /// @param in  the document that was walked.
  /// @return    exact size of the output document, in bytes.
  /// @retval Errc::document_too_large  the output would be longer than limits.max_bytes
  /// @retval Errc::invalid_argument    `in` is not as long as the document that was walked
  [[nodiscard]] Outcome<std::size_t> layout(Bytes in, const Limits& limits = {});

  /// Copies what stays, once, with new type bytes and document lengths. The values themselves
  /// (new_size bytes at new_offset) are left for the caller to fill in.
  ///
  /// @param out  exactly as long as layout() said; may not overlap `in`.
  void write(MutBytes out, Bytes in) const noexcept;

  void clear() noexcept;

  /// Makes room for `n` marks at once: to grow to many takes, for a moment, half as much again.
  void reserve(std::size_t n);
  /// Gives back what is reserved and not used.
  void shrink_to_fit();

 private:
  friend class Editor;
  friend class PathTable;
  friend class internal::EditsBuilder;

  struct Enclosing {            // a document or array with marks inside
    std::uint32_t type_offset;  // of the element that holds it; unused for the root
    std::uint32_t offset;       // of its int32 length
    std::uint32_t parent;       // index in this list, always a smaller one; the root is its own
    std::uint32_t new_offset;   // set by layout(), as is new_size
    std::uint32_t new_size;
    std::int64_t growth;  // bytes it gets longer
  };
  struct Name {  // of an element that the plan encrypts, or that leads to one
    std::uint32_t type_offset;
    std::uint32_t size;
  };

  struct Omission {  // an element that goes
    std::uint32_t type_offset;
    std::uint32_t size;
    std::uint32_t inside_of;  // index in enclosing_
  };

  /// Copies [from, to) of `in` but for what is omitted; `omission` is the first that may be there.
  std::size_t copy_run(MutBytes out, Bytes in, std::size_t from, std::size_t to,
                       std::size_t& omission) const noexcept;

  std::vector<Mark> marks_;               // in document order
  std::vector<std::uint32_t> inside_of_;  // for each mark, its index in enclosing_
  std::vector<Enclosing> enclosing_;      // in document order
  std::vector<Name> names_;               // scratch: of the frames that the walk is inside of
  std::vector<Omission> omitted_;         // in document order
  std::vector<schema::Plan::LeafId> nulls_;
  std::size_t walked_size_ = 0;
  Unmarked unmarked_;
};

/// Size in bytes of the document that starts `b`.
/// @retval Errc::malformed_bson      fewer than 4 bytes, or a length below 5 or beyond the end of
/// `b`
/// @retval Errc::document_too_large  longer than limits.max_bytes
[[nodiscard]] FLE_API Outcome<std::size_t> document_size(Bytes b, const Limits& limits = {});

/// Finds every value of `doc` that `plan` encrypts. One pass, no tree, nothing allocated for each
/// field once `out` has warmed up. Every length of the document is checked, also where the plan
/// encrypts nothing. Thread-safe; `out` belongs to the caller.
///
/// Field names are compared as bytes: they need not be UTF-8 (MongoDB stores such names), and the
/// names in arrays need not be the index.
///
/// @param doc  exactly one document.
/// @retval Errc::malformed_bson, Errc::nesting_too_deep, Errc::document_too_large
/// @retval Errc::duplicate_field        an encrypted field, or an object on the way to one, twice
/// @retval Errc::type_not_allowed       value type outside the leaf's set or never encryptable
/// @retval Errc::already_encrypted      the value is binary of subtype 6, but for
///                                      limits.mark_encrypted
/// @retval Errc::encrypted_below_array, Errc::not_an_object, Errc::ambiguous_path
/// @retval Errc::dotted_field_name, Errc::missing_id, Errc::timestamp_zero
/// On an error `out` is empty; the Failure names the field path.
[[nodiscard]] FLE_API Done find_fields(Bytes doc, const schema::Plan& plan, Edits& out,
                                       const Limits& limits = {});

/// Finds every encrypted value (binary of subtype 6 whose first byte is 1 or 2) of `doc`. Other
/// subtype 6 content is left alone. Values inside code-with-scope are not looked at.
///
/// @retval Errc::malformed_bson, Errc::nesting_too_deep, Errc::document_too_large
[[nodiscard]] FLE_API Done find_ciphertexts(Bytes doc, Edits& out, const Limits& limits = {});

/// The content of the binary at `mark` (its value without int32 length and subtype byte).
[[nodiscard]] FLE_API Bytes binary_content(BorrowedBytes doc, const Mark& mark) noexcept;

/// Checks that `value` is exactly one value of `type` (a decrypted plaintext), all lengths in it
/// included. Unknown type bytes are malformed.
/// @retval Errc::malformed_bson, Errc::nesting_too_deep
[[nodiscard]] FLE_API Done check_value(Type type, Bytes value, const Limits& limits = {});

/// The dotted path of the element whose type byte stands at `type_offset`, for error messages and
/// reports; shortened to kMaxPath. Walks the document again: for cold paths only. Empty if there is
/// no such element.
/// @param work  counts the elements walked; may be null.
[[nodiscard]] FLE_API std::string path_of(Bytes doc, std::uint32_t type_offset,
                                          Work* work = nullptr);
/// The paths of many elements, in one walk.
/// @param type_offsets  in document order, as marks are.
/// @return as many paths; empty where there is no such element.
[[nodiscard]] FLE_API std::vector<std::string> paths_of(Bytes doc,
                                                        std::span<const std::uint32_t> type_offsets,
                                                        Work* work = nullptr);

/// The string that a JSON-pointer keyId leads to in `doc`: the key's alternate name. Steps through
/// objects by name and arrays by index.
/// @retval Errc::unresolved_key_pointer  no such field, or not a string
/// @retval Errc::duplicate_field         it, or an object on the way, appears twice: the value
/// would
///                                       be read under another key by whoever takes the other one
/// @retval Errc::malformed_bson          an object on the way is malformed; values beside the way
///                                       are not looked into
[[nodiscard]] FLE_API Outcome<std::string_view> resolve_pointer(BorrowedBytes doc,
                                                                const schema::KeyPointer& pointer,
                                                                Work* work = nullptr);

/// What all JSON pointers of a plan lead to in one document, found in one walk through what they
/// lead through: many leaves can have one pointer, and many fields one leaf. As resolve_pointer for
/// each. Keeps its memory for the next document. Not for concurrent use.
class FLE_API PointerValues {
 public:
  /// @param doc   checked before: what the pointers do not lead through is not looked at.
  /// @param plan  must stay until the last value().
  void read(BorrowedBytes doc, const schema::Plan& plan, Work* work = nullptr);
  /// Of the document that was read last.
  /// @retval as resolve_pointer
  [[nodiscard]] Outcome<std::string_view> value(schema::Plan::PointerId id);

 private:
  enum class State : std::uint8_t { missing, present, twice, malformed };
  struct Place {  // of one node of the plan's tree of pointers
    std::uint64_t document = 0;
    std::uint64_t good_for = 0;  // the document in which it ends a pointer that leads to a string
    State state = State::missing;
    Type type = Type::null;
    std::string_view text;  // of a string
  };
  void look_into(Bytes doc, std::uint32_t at, Type container, std::uint32_t node);
  void found(Bytes doc, std::uint32_t node, Type type, std::uint32_t at, std::uint32_t size);
  [[nodiscard]] State state_of(std::uint32_t node) const noexcept;

  const schema::Plan* plan_ = nullptr;
  Work* work_ = nullptr;
  std::uint64_t document_ = 0;  // counts them, so that nothing need be cleared
  std::vector<Place> places_;
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_WALK_H_
