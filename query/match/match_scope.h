#ifndef FLE_QUERY_MATCH_SCOPE_H_
#define FLE_QUERY_MATCH_SCOPE_H_

#include "ground/fields.h"

namespace fle::query {

class Variables;

/// What a match expression is applied to.
struct MatchScope {
  enum class Mode : std::uint8_t {
    query,    ///< Values that meet an encrypted field are encrypted.
    storage,  ///< A validator or partial filter: the server keeps it, and nothing in it may be
              ///< compared with an encrypted field.
  };
  View view;
  bool collation = false;  ///< One other than {locale: "simple"} is in force.
  Mode mode = Mode::query;
  const Variables* variables = nullptr;  ///< For $expr.
  /// In an update by a pipeline: what the collection's schema says of the documents, which those
  /// that come out must fit.
  const View* stored = nullptr;
};

}  // namespace fle::query

#endif  // FLE_QUERY_MATCH_SCOPE_H_
