#include "geo.h"

#include "expression_evaluator.h"

namespace fle::query {
namespace {

/// A number, or arrays and objects of numbers: {x: 1, y: 2} is a point, too.
bool takes_coordinates(const Context& context, const Element& e) {
  if (e.type != Type::object && e.type != Type::array) return is_number(e.type);
  for (Cursor c = context.cursor(e); c.next();)
    if (!takes_coordinates(context, c.element())) return false;
  return true;
}

bool takes_shape(const Context& context, const Element& e) {
  static constexpr std::string_view kShapes[] = {
      "Point",           "LineString",   "Polygon",           "MultiPoint",
      "MultiLineString", "MultiPolygon", "GeometryCollection"};
  return is_word(context, e, kShapes);
}

bool takes_reference_kind(const Context& context, const Element& e) {
  static constexpr std::string_view kKinds[] = {"name"};
  return is_word(context, e, kKinds);
}

/// Those that the server knows.
bool takes_reference_name(const Context& context, const Element& e) {
  static constexpr std::string_view kNames[] = {"EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84",
                                                "urn:x-mongodb:crs:strictwinding:EPSG:4326"};
  return is_word(context, e, kNames);
}

bool takes_reference_properties(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"name", takes_reference_name}};
  return has_only(context, e, kParts);
}

bool takes_reference(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"type", takes_reference_kind},
                                    {"properties", takes_reference_properties}};
  return has_only(context, e, kParts);
}

bool takes_geometries(const Context& context, const Element& e);

bool takes_geometry(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"type", takes_shape},
                                    {"coordinates", takes_coordinates},
                                    {"geometries", takes_geometries},
                                    {"crs", takes_reference},
                                    {"bbox", takes_coordinates}};
  return has_only(context, e, kParts);
}

bool takes_geometries(const Context& context, const Element& e) {
  if (e.type != Type::array) return false;
  for (Cursor c = context.cursor(e); c.next();)
    if (!takes_geometry(context, c.element())) return false;
  return true;
}

}  // namespace

bool takes_near(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {{"$geometry", takes_geometry},
                                    {"$minDistance", takes_number},
                                    {"$maxDistance", takes_number},
                                    {"$uniqueDocs", takes_truth}};
  const bool point = e.type == Type::object || e.type == Type::array;
  return has_only(context, e, kParts) || takes_geometry(context, e) ||
         (point && takes_coordinates(context, e));
}

bool takes_region(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {
      {"$geometry", takes_geometry},        {"$box", takes_coordinates},
      {"$polygon", takes_coordinates},      {"$center", takes_coordinates},
      {"$centerSphere", takes_coordinates}, {"$uniqueDocs", takes_truth}};
  return has_only(context, e, kParts);
}

bool takes_computed_number(const Context& context, const Element& e) {
  return takes_computed(context, e) || is_number(e.type);
}

namespace {

bool takes_computed_coordinates(const Context& context, const Element& e) {
  if (e.type != Type::array) return takes_computed_number(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    if (!takes_computed_coordinates(context, c.element())) return false;
  return true;
}

}  // namespace

bool takes_computed_point(const Context& context, const Element& e) {
  static constexpr Part kParts[] = {
      {"type", takes_shape}, {"coordinates", takes_computed_coordinates}, {"crs", takes_reference}};
  if (e.type == Type::string || e.type == Type::array || is_operation(context, e))
    return takes_computed_coordinates(context, e);
  return has_only(context, e, kParts) || (e.type == Type::object && takes_coordinates(context, e));
}

}  // namespace fle::query
