#ifndef FLE_TESTS_QUERY_LEAK_ORACLE_H_
#define FLE_TESTS_QUERY_LEAK_ORACLE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "query/leak/schema_model.h"
#include "query/leak/tree.h"

// Which values of a command meet an encrypted field: are stored in it, compared with it, or given
// beside it to an operator that reads it. A plain model of what the commands of the server mean,
// made from the schema's tree; it knows nothing of libfle and decides nothing about refusals.
//
// It errs on one side only: where the model does not know what a command means, the value claims
// nothing. So a claimed value that is found in the clear is a leak, always. That the oracle is not
// blind is seen to elsewhere: what the generator writes for an encrypted field must be claimed.
namespace fle::test::leak {

/// What a path holds, at one point of a command. A field that a stage has dropped holds what it
/// held: whoever compares it means that, and finds nothing; the value must not be sent for it.
struct Shape;
using ShapePtr = std::shared_ptr<const Shape>;
struct Shape {
  enum class Kind {
    unmodeled,  ///< Anything. Claims nothing.
    encrypted,
    schema,  ///< An object as one of `nodes` says.
    made,    ///< An object that a stage has made: `members`, all else as in `base`.
    list,    ///< An array that a stage has made, of `base`.
  };
  Kind kind = Kind::unmodeled;
  std::vector<const SchemaNode*> nodes{};
  std::map<std::string, ShapePtr, std::less<>> members{};
  ShapePtr base{};
};
[[nodiscard]] ShapePtr unmodeled();
[[nodiscard]] ShapePtr list_of(ShapePtr item);
[[nodiscard]] ShapePtr shape_of(const SchemaNode& node);
/// Below an array a number is an index for filters and updates; expressions know no indexes.
enum class Numbers { are_indexes, are_names };
[[nodiscard]] ShapePtr child(const ShapePtr& shape, std::string_view name,
                             Numbers numbers = Numbers::are_indexes);
[[nodiscard]] ShapePtr at_path(ShapePtr shape, std::string_view dotted,
                               Numbers numbers = Numbers::are_indexes);
/// Either of two, as far as one shape can say both.
[[nodiscard]] ShapePtr both(const ShapePtr& a, const ShapePtr& b);
/// The objects in an object, and those in them: where $redact descends to.
[[nodiscard]] std::vector<ShapePtr> objects_in(const ShapePtr& object);
[[nodiscard]] ShapePtr with(const ShapePtr& object, std::string_view dotted, ShapePtr value);
/// Whether values stand there that are encrypted, alone or as items of a list.
[[nodiscard]] bool is_encrypted(const ShapePtr& shape);

class Claims {
 public:
  /// Everything in `v` that a search can find.
  void all_of(const Value& v);
  /// What of `v` meets an encrypted field, if it stands or is compared at a place of this shape.
  void at(const ShapePtr& place, const Value& v);

  [[nodiscard]] const std::vector<Bytes>& contents() const noexcept { return contents_; }
  /// Without the names of fields in what is encrypted as a whole.
  [[nodiscard]] const std::vector<Bytes>& values() const noexcept { return values_; }
  [[nodiscard]] bool contain(Bytes content) const { return known_.contains(content.data()); }

 private:
  bool add(Bytes content);
  std::vector<Bytes> contents_;
  std::vector<Bytes> values_;
  std::set<const std::uint8_t*> known_;
};

/// Value of an expression.
struct Result {
  ShapePtr shape = unmodeled();
  std::vector<const Value*> constants{};  ///< Of the command, that it may be.
};
using Variables = std::map<std::string, Result, std::less<>>;

class Oracle {
 public:
  explicit Oracle(const std::vector<Collection>& collections) : collections_(collections) {}

  /// `command` must outlive the claims.
  [[nodiscard]] Claims claims_of(const Value& command);

 private:
  friend class ExpressionModel;
  friend class PipelineModel;

  void command(const Value& c);
  /// What `name` does with the fields of `c`: the command, or what stands beside an explained one.
  void command_fields(const std::string& name, const Value& c, const ShapePtr& root);
  void filter(const Value& f, const ShapePtr& root, const Variables& variables);
  void predicate(const Value& operand, const ShapePtr& place, const Variables& variables);
  void json_schema(const Value& schema, const ShapePtr& place);
  void bulk_operations(const Value* ops, const ShapePtr& root, const Variables& let);
  void statement(const Value& s, const ShapePtr& root, const Variables& variables);
  void update(const Value& u, const Value* array_filters, const ShapePtr& root,
              const Variables& variables);
  void array_filters(const Value& u, const Value& filters, const ShapePtr& root);
  void documents(const Value* list, const ShapePtr& root);
  void projection(const Value* p, const ShapePtr& root, const Variables& variables);
  Result expression(const Value& e, const ShapePtr& root, const Variables& variables);
  ShapePtr pipeline(const Value& stages, ShapePtr root, const Variables& variables, int depth);
  [[nodiscard]] ShapePtr collection(std::string_view name) const;
  [[nodiscard]] ShapePtr root_of(const Value& command) const;
  [[nodiscard]] static Variables let_of(const Value& command);

  const std::vector<Collection>& collections_;
  Claims claims_;
};

}  // namespace fle::test::leak

#endif  // FLE_TESTS_QUERY_LEAK_ORACLE_H_
