#ifndef FLE_TESTS_QUERY_LEAK_TREE_H_
#define FLE_TESTS_QUERY_LEAK_TREE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bytes.h"

// BSON as a tree that a test can build, change and search. It shares no code with the library: its
// reader is a second opinion on what is valid BSON.
namespace fle::test::leak {

using Buf = std::vector<std::uint8_t>;
using bson::Type;

/// Reproducible on every machine, and cheap to seed anew for each case (SplitMix64).
class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Of 0 .. n - 1.
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }
  bool chance(unsigned percent) noexcept { return next() % 100 < percent; }
  template <class Container>
  auto& pick(Container& from) noexcept {
    return *(std::begin(from) + static_cast<std::ptrdiff_t>(below(std::size(from))));
  }

 private:
  std::uint64_t state_;
};

struct Field;

struct Value {
  Value(Type t = Type::null);  // NOLINT(google-explicit-constructor)

  Type type;
  std::vector<Field> fields;  ///< Of an object or array.
  Buf bytes{};                ///< Of any other type.
  /// Its content means nothing to the command; give_content() makes it up, unique within it.
  bool opaque = false;
  /// The generator wrote it for a field that the schema encrypts.
  bool secret = false;

  [[nodiscard]] bool is_container() const noexcept {
    return type == Type::object || type == Type::array;
  }
  [[nodiscard]] std::string_view text() const;  ///< Of a string; empty for other types.
  [[nodiscard]] const Value* find(std::string_view name) const;
  Value& add(std::string name, Value value);  ///< To an object.
  Value& push(Value value);                   ///< To an array.
};

struct Field {
  std::string name;
  Value value;
  bool opaque_name = false;  ///< As Value::opaque, for the name.
};

// Here, because Value and Field hold each other.
inline Value::Value(Type t) : type(t) {}

[[nodiscard]] Value text(std::string_view s);
[[nodiscard]] Value number(std::int32_t n);
[[nodiscard]] Value boolean(bool b);
[[nodiscard]] Value null();
[[nodiscard]] Value object(std::vector<Field> fields = {});
[[nodiscard]] Value array(std::vector<Value> items = {});
/// {<name>: <v>}
[[nodiscard]] Value stage(const char* name, Value v);
/// A value of `type` without content: see Value::opaque. Of an object or array: with some inside.
[[nodiscard]] Value opaque(Type type, Rng& rng);

/// Fills in everything that is opaque. Each content can be told from all others, and from whatever
/// else stands in a command: see is_searchable.
void give_content(Value& v, Rng& rng);

/// Whether finding these bytes anywhere means that this value stands there: text of 12 bytes that
/// begin with '~', or at least 4 bytes that begin with 0xfe and go on with 0xf1 .. 0xfd. Nothing
/// else that a command is made of looks like that.
[[nodiscard]] bool is_searchable(Bytes content) noexcept;
/// The part of a scalar's bytes that is its content: a string without length and terminator.
[[nodiscard]] Bytes content_of(const Value& v) noexcept;

void write(Buf& out, const Value& container);
[[nodiscard]] Buf write(const Value& container);
/// Nothing where the bytes are not one BSON document.
[[nodiscard]] std::optional<Value> parse(Bytes document);

/// Every value below `v`, in order; `v` itself first.
void list_values(Value& v, std::vector<Value*>& out);

}  // namespace fle::test::leak

#endif  // FLE_TESTS_QUERY_LEAK_TREE_H_
