#include "commands.h"
#include "pipeline/pipeline.h"

namespace fle::query {
namespace {

Done aggregate_pipeline(Context& context, const Element& e, const Scope& scope) {
  // The command's name comes first, and its value is the collection's.
  Cursor first = context.cursor(scope.document);
  if (!first.next()) return context.refuse(kMalformed, e, {}, "aggregate");
  const PipelineScope start{{scope.view, scope.collation}, context.text(first.element())};
  const Context::Point before = context.here();
  FLE_CHECK(pipeline(context, e, start));
  context.take_back_plain(before);
  return ok;
}

constexpr CommandField kAggregate[] = {
    of_type(Type::array, {"pipeline", aggregate_pipeline,
                          "each stage in turn, with the fields that flow out of the one before",
                          Evidence::test, false}),
    kCursorRow,
    kHintRow,
    constants_row("let"),
    kCollationRow,
    as_is("explain", Holds::flag),
    as_is("allowDiskUse", Holds::flag),
    as_is("bypassDocumentValidation", Holds::flag),
    as_is("isMapReduceCommand", Holds::flag),
    as_is("collectionUUID", Holds::id),
};

}  // namespace

std::span<const CommandField> aggregate_fields() noexcept { return kAggregate; }

}  // namespace fle::query
