#ifndef FLE_QUERY_SRC_CONTEXT_H_
#define FLE_QUERY_SRC_CONTEXT_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fields.h"
#include "fle/bson_walk/editor.h"
#include "fle/query/analysis.h"
#include "fle/short_stack.h"
#include "refusal.h"

namespace fle::query {

using bson::Element;
using bson::Type;

[[nodiscard]] bool is_number(Type type) noexcept;

/// A bson::Cursor that counts what it reads. Once the work is spent there is nothing more:
/// analyze() refuses the command then, whatever was made of that.
class Cursor {
 public:
  Cursor(Bytes whole, std::uint32_t offset, Work& work) noexcept
      : cursor_(whole, offset), work_(work) {}
  [[nodiscard]] bool next() noexcept {
    work_.step();
    return !work_.spent() && cursor_.next();
  }
  [[nodiscard]] const Element& element() const noexcept { return cursor_.element(); }
  [[nodiscard]] bool malformed() const noexcept { return cursor_.malformed(); }

 private:
  bson::Cursor cursor_;
  Work& work_;
};

/// One analysis under way: the command, where in it we are, and what has been found. Everything
/// outside `documents` of an insert was validated before, so Cursors do not fail here.
class Context {
 public:
  Context(Bytes command, std::string_view db, std::span<const CollectionSchema> schemas,
          Analysis& out, const AnalysisOptions& options);

  [[nodiscard]] Bytes command() const noexcept { return command_; }
  [[nodiscard]] std::string_view db() const noexcept { return db_; }
  [[nodiscard]] Fields& fields() noexcept { return fields_; }
  /// Where everything that reads the command counts.
  [[nodiscard]] Work& work() const noexcept { return out_.work; }
  /// The view of a collection of this database.
  /// @retval Errc::schema_missing
  [[nodiscard]] Outcome<View> collection(std::string_view name) const;
  /// Whether the schema of a collection that is named with its database was given. No stage that
  /// names one is taken where something is encrypted.
  /// @retval Errc::schema_missing
  [[nodiscard]] Done need_schema(const CollectionName& name) const;

  // ---- Reading

  [[nodiscard]] Cursor cursor(const Element& container) const noexcept {
    return {command_, container.value_offset, work()};
  }
  /// The whole command.
  [[nodiscard]] Cursor cursor() const noexcept { return {command_, 0, work()}; }
  /// The field `name` of a document, the first of that name; nothing when it has none.
  [[nodiscard]] std::optional<Element> find(const Element& document, std::string_view name) const;
  [[nodiscard]] std::optional<Element> find(std::string_view name) const;
  [[nodiscard]] Bytes value(const Element& e) const noexcept {
    return command_.subspan(e.value_offset, e.value_size);
  }
  /// The content of a string (or symbol, or code); `e` must be one.
  [[nodiscard]] std::string_view text(const Element& e) const noexcept {
    return bson::text_of(command_, e);
  }
  /// Whether `e` is true in the server's sense: a number or boolean other than zero.
  [[nodiscard]] bool truthy(const Element& e) const noexcept;
  /// Whether `e` says yes or no and nothing else: a boolean, null, 0 or 1. The server takes any
  /// value in such a place, also one that should have been encrypted.
  [[nodiscard]] bool is_flag(const Element& e) const noexcept;
  /// Whether `e` is 1 or -1: a direction, and no value.
  [[nodiscard]] bool is_direction(const Element& e) const noexcept;

  // ---- Where we are

  /// Steps into a document or array for as long as it lives.
  class [[nodiscard]] Inside {
   public:
    Inside(Context& context, const Element& container) : context_(context) {
      context_.path_.push_back(container.name);
      context_.editor_.enter(container.value_offset);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
      context_.editor_.leave();
      context_.path_.pop_back();
    }

   private:
    Context& context_;
  };
  /// The names of the documents and arrays that we are inside of, outermost first.
  [[nodiscard]] std::span<const std::string_view> path() const noexcept { return path_.all(); }
  /// The dotted path of `e`, an element of the innermost document we are inside of, or that
  /// document itself; shortened.
  [[nodiscard]] std::string path_of(const Element& e) const;

  // ---- Saying what becomes of it. `e` is always an element of the innermost document.

  /// The value of `e` is encrypted as `leaf` says. Checks that it may be: type, subtype 6.
  /// @param field      the path in the schema, for findings.
  /// @param operation  what brought us here: "$eq".
  /// @param rule       id of the rule.
  /// @retval Errc::type_not_allowed, already_encrypted, pointer_key_not_allowed
  [[nodiscard]] Done encrypt(const Element& e, const schema::Leaf& leaf, std::string_view field,
                             std::string_view operation, const char* rule, Form form = Form::value,
                             Comparison comparison = Comparison::none);
  /// The document `e` is encrypted where the schema says. JSON-pointer keys are looked up in it
  /// when it is a whole document (`start.stored`), and refused when it is not.
  [[nodiscard]] Done encrypt_fields(const Element& e, const View& view, bool needs_id, bool stored,
                                    const char* rule);
  /// The same of one of several documents of a collection.
  /// @param alike    knows those before it
  /// @param is_last  none comes behind it
  [[nodiscard]] Done encrypt_stored(const Element& e, const View& view, const char* rule,
                                    bson::AlikeDocuments& alike, bool is_last);
  /// `e`, an implicit equality of a plain field, is written as {$eq: value} if its filter turns out
  /// to have encrypted values.
  [[nodiscard]] Done write_eq(const Element& e);
  /// `e`, the key of a group or what an accumulator reads, is written as {$const: value} if it is a
  /// constant and its pipeline turns out to have encrypted values.
  [[nodiscard]] Done write_const(const Element& e);
  /// Whether the key of such fields is being changed (AnalysisOptions::previous_keys).
  [[nodiscard]] bool rolls(const schema::Leaf& leaf) const;
  /// Comparisons so far with fields whose key is being changed.
  [[nodiscard]] std::size_t n_rolled() const noexcept { return n_rolled_; }
  /// For filters and pipelines: take_back_plain(here()) forgets every write_eq and write_const
  /// since, unless something was encrypted since.
  struct Point {
    std::size_t marks;
    std::size_t encrypted;
  };
  [[nodiscard]] Point here() const noexcept;
  void take_back_plain(const Point& since) noexcept;

  /// A failure at `e`, and its finding. `detail` is appended to the text; it must not hold values.
  [[nodiscard]] Failure refuse(const Refusal& why, const Element& e, std::string_view field,
                               std::string_view operation, std::string_view detail = {});
  /// Notes that `e` stays as it is (under AnalysisOptions::explain).
  void unchanged(const Element& e, std::string_view field, std::string_view operation,
                 const char* rule, const char* reason);

 private:
  /// Of a stored document.
  [[nodiscard]] bson::Limits limits() const noexcept {
    bson::Limits all;
    all.work = &work();
    return all;
  }
  Done check_plain(const Element& e, const View& view);
  Failure refuse_document(const Element& e, Failure why);
  Done adopt_marks(const Element& e, const schema::Plan& plan, bool stored, const char* rule);
  void explain_marks(const Element& e, const schema::Plan& plan, std::span<const bson::Mark> marks,
                     const char* rule);
  bool explains();
  void note(Finding::Verdict verdict, std::string path, std::string_view field,
            std::string_view operation, const char* rule, const char* reason);
  Done write_plain(const Element& e, Form form);
  void found(std::string path, const schema::Leaf& leaf, std::string_view field,
             std::string_view operation, const char* rule);

  Bytes command_;
  std::string_view db_;
  std::span<const CollectionSchema> schemas_;
  std::map<std::string_view, const schema::Plan*> plans_;  // of all schemas_, when they are many
  Analysis& out_;
  const AnalysisOptions& options_;
  bson::Editor editor_;
  Fields fields_;
  bson::PointerValues pointers_;
  std::size_t n_rolled_ = 0;
  std::size_t finding_bytes_ = 0;          // of their texts
  ShortStack<std::string_view, 16> path_;  // few commands are deeper
};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_CONTEXT_H_
