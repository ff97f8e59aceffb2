#include <algorithm>

#include "query/leak/oracle.h"

namespace fle::test::leak {

ShapePtr unmodeled() {
  static const auto shape = std::make_shared<const Shape>();
  return shape;
}

namespace {

ShapePtr encrypted() {
  static const auto shape = std::make_shared<const Shape>(Shape{Shape::Kind::encrypted});
  return shape;
}

ShapePtr shape_of(const std::vector<const SchemaNode*>& nodes) {
  Shape s{Shape::Kind::schema};
  for (const SchemaNode* n : nodes) {
    if (n->kind == SchemaNode::Kind::encrypted) return encrypted();
    if (n->encrypts()) s.nodes.push_back(n);
  }
  return s.nodes.empty() ? unmodeled() : std::make_shared<const Shape>(std::move(s));
}

bool is_number(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

ShapePtr shape_of(const SchemaNode& node) { return shape_of(std::vector{&node}); }

ShapePtr list_of(ShapePtr item) {
  return std::make_shared<const Shape>(Shape{Shape::Kind::list, {}, {}, std::move(item)});
}

ShapePtr both(const ShapePtr& a, const ShapePtr& b) {
  const bool a_list = a->kind == Shape::Kind::list;
  const bool b_list = b->kind == Shape::Kind::list;
  // A list claims whatever its items do.
  if (a_list || b_list) return list_of(both(a_list ? a->base : a, b_list ? b->base : b));
  if (a->kind != Shape::Kind::schema || b->kind != Shape::Kind::schema)
    return a->kind == Shape::Kind::unmodeled ? b : a;
  Shape s = *a;
  s.nodes.insert(s.nodes.end(), b->nodes.begin(), b->nodes.end());
  return std::make_shared<const Shape>(std::move(s));
}

namespace {

void add_objects(const SchemaNode& node, std::vector<ShapePtr>& out) {
  const auto add = [&out](const SchemaNode& n) {
    if (n.kind != SchemaNode::Kind::object) return;
    out.push_back(shape_of(n));
    add_objects(n, out);
  };
  for (const auto& c : node.properties) add(c.node);
  for (const auto& c : node.patterns) add(c.node);
  for (const SchemaNode& n : node.additional) add(n);
}

void add_objects(const ShapePtr& shape, std::vector<ShapePtr>& out) {
  switch (shape->kind) {
    case Shape::Kind::unmodeled:
    case Shape::Kind::encrypted:
      return;
    case Shape::Kind::schema:
      for (const SchemaNode* n : shape->nodes) add_objects(*n, out);
      return;
    case Shape::Kind::made:
      for (const auto& [name, member] : shape->members) {
        const ShapePtr& inner = member->kind == Shape::Kind::list ? member->base : member;
        if (inner->kind == Shape::Kind::schema || inner->kind == Shape::Kind::made)
          out.push_back(inner);
        add_objects(inner, out);
      }
      return;  // What of `base` is hidden by a member is not known.
    case Shape::Kind::list:
      add_objects(shape->base, out);
  }
}

}  // namespace

std::vector<ShapePtr> objects_in(const ShapePtr& object) {
  std::vector<ShapePtr> out;
  add_objects(object, out);
  return out;
}

ShapePtr child(const ShapePtr& shape, std::string_view name, Numbers numbers) {
  switch (shape->kind) {
    case Shape::Kind::unmodeled:
    case Shape::Kind::encrypted:  // what is below is part of the value
      return shape;
    case Shape::Kind::schema: {
      std::vector<const SchemaNode*> below;
      for (const SchemaNode* n : shape->nodes)
        for (const SchemaNode* c : n->children(name)) below.push_back(c);
      return shape_of(below);
    }
    case Shape::Kind::made: {
      const auto own = shape->members.find(name);
      return own == shape->members.end() ? child(shape->base, name, numbers) : own->second;
    }
    case Shape::Kind::list:
      // A path goes through an array into its items.
      if (numbers == Numbers::are_indexes && is_number(name)) return shape->base;
      return list_of(child(shape->base, name, numbers));
  }
  return unmodeled();
}

ShapePtr at_path(ShapePtr shape, std::string_view dotted, Numbers numbers) {
  for (;;) {
    const std::size_t dot = dotted.find('.');
    const std::string_view name = dotted.substr(0, dot);
    const std::string_view rest =
        dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
    if (shape->kind == Shape::Kind::list && is_number(name)) {
      // The items may have a field of that name as well: what can be met in one of the readings is
      // met.
      const auto go_on = [&](const ShapePtr& at) {
        return rest.empty() ? at : at_path(at, rest, numbers);
      };
      const ShapePtr at_name = go_on(list_of(child(shape->base, name)));
      if (numbers == Numbers::are_names || is_encrypted(at_name)) return at_name;
      const ShapePtr at_index = go_on(shape->base);
      return both(at_index, at_name);
    }
    shape = child(shape, name, numbers);
    if (rest.empty()) return shape;
    dotted = rest;
  }
}

ShapePtr with(const ShapePtr& object, std::string_view dotted, ShapePtr value) {
  const std::size_t dot = dotted.find('.');
  const std::string name(dotted.substr(0, dot));
  Shape s{Shape::Kind::made, {}, {{name, nullptr}}, object};
  s.members[name] = dot == std::string_view::npos ? std::move(value)
                                                  : with(child(object, name, Numbers::are_names),
                                                         dotted.substr(dot + 1), std::move(value));
  return std::make_shared<const Shape>(std::move(s));
}

bool is_encrypted(const ShapePtr& shape) {
  if (shape->kind == Shape::Kind::list) return is_encrypted(shape->base);
  return shape->kind == Shape::Kind::encrypted;
}

// ---- Claims

bool Claims::add(Bytes content) {
  const bool is_new = is_searchable(content) && known_.insert(content.data()).second;
  if (is_new) contents_.push_back(content);
  return is_new;
}

void Claims::all_of(const Value& v) {
  if (add(content_of(v))) values_.push_back(content_of(v));
  for (const Field& f : v.fields) {
    // Names of an array's items say nothing, whatever they are.
    if (v.type == Type::object)
      add({reinterpret_cast<const std::uint8_t*>(f.name.data()), f.name.size()});
    all_of(f.value);
  }
}

void Claims::at(const ShapePtr& place, const Value& v) {
  if (is_encrypted(place)) {
    all_of(v);
  } else if (place->kind == Shape::Kind::list && v.type != Type::array) {
    at(place->base, v);
  } else if (v.type == Type::array) {
    // Items of an array have the paths of the array's own fields.
    const ShapePtr& item = place->kind == Shape::Kind::list ? place->base : place;
    for (const Field& f : v.fields) at(item, f.value);
  } else if (v.type == Type::object) {
    for (const Field& f : v.fields) at(at_path(place, f.name), f.value);
  }
}

}  // namespace fle::test::leak
