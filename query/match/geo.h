#ifndef FLE_QUERY_SRC_GEO_H_
#define FLE_QUERY_SRC_GEO_H_

#include "operand.h"

// Places: GeoJSON, and the pairs of numbers that are older. They have room for numbers and a few
// words, and nothing else.
namespace fle::query {

/// What $near and $nearSphere are given: a point, or {$geometry: ..., $maxDistance: ...}.
[[nodiscard]] bool takes_near(const Context& context, const Element& e);
/// What $geoWithin, $within and $geoIntersects are given: {$geometry: ...}, {$box: ...}.
[[nodiscard]] bool takes_region(const Context& context, const Element& e);
/// What $geoNear is given as `near`: a point, whose parts may be computed.
[[nodiscard]] bool takes_computed_point(const Context& context, const Element& e);
/// A number that may be computed.
[[nodiscard]] bool takes_computed_number(const Context& context, const Element& e);

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_GEO_H_
