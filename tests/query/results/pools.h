#ifndef FLE_TESTS_QUERY_RESULTS_POOLS_H_
#define FLE_TESTS_QUERY_RESULTS_POOLS_H_

#include "query/leak/schema_model.h"
#include "query/leak/tree.h"

namespace fle::test::results {

/// Fills in everything that is opaque (tree.h) with one of a few values of its type, so that
/// documents and commands that were made apart hold equal ones; zero, false and "" are among them.
void give_pool_content(leak::Value& v, leak::Rng& rng);

/// Mends what most servers would refuse, and so would compare nothing: an _id that is taken or
/// changes, boundaries that are not in order.
void make_runnable(leak::Value& command, leak::Rng& rng);

/// Each name of an object once, with its last value: JavaScript's objects hold no more.
void hold_names_once(leak::Value& v);

/// Without objects and arrays in encrypted fields whose type the schema does not tell: $redact
/// would descend into them in plain documents, and does not in encrypted ones; docs/analysis.md
/// says so.
void without_untyped_containers(leak::Value& document, const leak::SchemaNode& schema);

/// Without the type that mingo cannot compare: a regular expression is always a pattern to it,
/// never a value that is stored.
void without_regex(leak::Collection& c);

}  // namespace fle::test::results

#endif  // FLE_TESTS_QUERY_RESULTS_POOLS_H_
