#include <algorithm>
#include <array>

#include "query/leak/oracle.h"

// Expressions and pipelines, followed as the server would run them: which fields an expression's
// value may come from, and what each stage makes of the documents.
namespace fle::test::leak {
namespace {

using Names = std::initializer_list<std::string_view>;
bool is_one_of(std::string_view name, Names list) {
  return std::ranges::find(list, name) != list.end();
}

/// Sometimes one, sometimes the other.
Result either(const Result& a, const Result& b) {
  Result out = a;
  if (!is_encrypted(a.shape) && a.shape->kind == Shape::Kind::unmodeled) out.shape = b.shape;
  if (is_encrypted(b.shape)) out.shape = b.shape;
  out.constants.insert(out.constants.end(), b.constants.begin(), b.constants.end());
  return out;
}

}  // namespace

class ExpressionModel {
 public:
  ExpressionModel(Oracle& oracle, ShapePtr root, Variables variables)
      : oracle_(oracle), root_(std::move(root)), variables_(std::move(variables)) {}

  Result of(const Value& e) {
    if (e.type == Type::string && e.text().starts_with('$')) return path(e.text().substr(1));
    if (e.type == Type::array) return array(e);
    if (e.type != Type::object) return {unmodeled(), {&e}};
    if (!e.fields.empty() && e.fields.front().name.starts_with('$'))
      return operation(e.fields.front().name, e.fields.front().value);
    return object(e);
  }

 private:
  Result path(std::string_view p) {
    if (!p.starts_with('$')) return {at_path(root_, p, Numbers::are_names), {}};
    p.remove_prefix(1);
    const std::size_t dot = p.find('.');
    const std::string_view name = p.substr(0, dot);
    Result from{name == "ROOT" || name == "CURRENT" ? root_ : unmodeled(), {}};
    if (const auto bound = variables_.find(name); bound != variables_.end()) from = bound->second;
    if (dot == std::string_view::npos) return from;
    return {at_path(from.shape, p.substr(dot + 1), Numbers::are_names), {}};
  }

  Result array(const Value& e) {
    Result items;
    for (const Field& f : e.fields) items = either(items, of(f.value));
    return {is_encrypted(items.shape) ? list_of(items.shape) : unmodeled(), {&e}};
  }

  Result object(const Value& e) {
    ShapePtr shape = unmodeled();
    for (const Field& f : e.fields) {
      const Result r = of(f.value);
      if (r.shape->kind != Shape::Kind::unmodeled) shape = with(shape, f.name, r.shape);
    }
    return {shape, {&e}};
  }

  /// Each constant operand meets what the others read.
  void meet(const std::vector<Result>& operands) {
    for (std::size_t i = 0; i < operands.size(); ++i)
      for (std::size_t k = 0; k < operands.size(); ++k)
        if (i != k)
          for (const Value* c : operands[k].constants) oracle_.claims_.at(operands[i].shape, *c);
  }

  std::vector<Result> operands(const Value& arguments) {
    std::vector<Result> out;
    const bool operation = !arguments.fields.empty() && arguments.fields.front().name[0] == '$';
    if (!arguments.is_container() || operation) {
      out.push_back(of(arguments));
    } else {
      for (const Field& f : arguments.fields) out.push_back(of(f.value));
    }
    return out;
  }

  Result one_of(std::initializer_list<const Value*> all) {
    Result out;
    for (const Value* v : all)
      if (v != nullptr) out = either(out, of(*v));
    return out;
  }

  /// `in` with variables bound to the items of `input`.
  Result over_items(const Value& arguments, const char* body, Names bound) {
    const Value* input = arguments.find("input");
    const Value* inner = arguments.find(body);
    if (input == nullptr || inner == nullptr) return {};
    const Result list = of(*input);
    Variables variables = variables_;
    const ShapePtr item = list.shape->kind == Shape::Kind::list ? list.shape->base : list.shape;
    for (const std::string_view name : bound) variables[std::string(name)].shape = item;
    if (const Value* as = arguments.find("as")) variables[std::string(as->text())].shape = item;
    return ExpressionModel(oracle_, root_, std::move(variables)).of(*inner);
  }

  Result let(const Value& arguments) {
    const Value* vars = arguments.find("vars");
    const Value* in = arguments.find("in");
    if (vars == nullptr || in == nullptr) return {};
    Variables variables = variables_;
    ShapePtr root = root_;
    for (const Field& f : vars->fields) {
      variables[f.name] = of(f.value);
      if (f.name == "CURRENT") root = variables[f.name].shape;
    }
    return ExpressionModel(oracle_, root, std::move(variables)).of(*in);
  }

  Result operation(const std::string& name, const Value& arguments) {
    if (name == "$literal" || name == "$const") return {unmodeled(), {&arguments}};
    if (name == "$let") return let(arguments);
    if (name == "$map") return over_items(arguments, "in", {"this"});
    if (name == "$filter") {
      over_items(arguments, "cond", {"this"});
      return {};
    }
    if (name == "$reduce") return over_items(arguments, "in", {"this", "value"});
    if (name == "$cond") {
      if (arguments.type == Type::array && arguments.fields.size() == 3) {
        of(arguments.fields[0].value);
        return one_of({&arguments.fields[1].value, &arguments.fields[2].value});
      }
      one_of({arguments.find("if")});
      return one_of({arguments.find("then"), arguments.find("else")});
    }
    if (name == "$switch") return switch_(arguments);
    if (name == "$ifNull") {
      Result out;
      for (const Result& r : operands(arguments)) out = either(out, r);
      return out;
    }
    const std::vector<Result> all = operands(arguments);
    // Positions and sizes are not compared with what is in the array.
    if (is_one_of(name, {"$arrayElemAt", "$slice", "$first", "$last", "$size", "$isArray"}))
      return {};
    meet(all);
    return {};
  }

  Result switch_(const Value& arguments) {
    Result out;
    if (const Value* branches = arguments.find("branches")) {
      for (const Field& b : branches->fields) {
        one_of({b.value.find("case")});
        out = either(out, one_of({b.value.find("then")}));
      }
    }
    return either(out, one_of({arguments.find("default")}));
  }

  Oracle& oracle_;
  ShapePtr root_;
  Variables variables_;
};

Result Oracle::expression(const Value& e, const ShapePtr& root, const Variables& variables) {
  return ExpressionModel(*this, root, variables).of(e);
}

class PipelineModel {
 public:
  PipelineModel(Oracle& oracle, ShapePtr root, const Variables& variables, int depth)
      : oracle_(oracle), root_(std::move(root)), variables_(variables), depth_(depth) {}

  ShapePtr run(const Value& stages) {
    for (const Field& s : stages.fields) {
      if (s.value.fields.size() != 1) return unmodeled();
      stage(s.value.fields.front().name, s.value.fields.front().value);
    }
    return root_;
  }

 private:
  void stage(const std::string& name, const Value& v) {
    if (name == "$match") {
      oracle_.filter(v, root_, variables_);
    } else if (name == "$addFields" || name == "$set") {
      add_fields(v);
    } else if (name == "$project") {
      project(v);
    } else if (name == "$group") {
      group(v);
    } else if (name == "$sortByCount") {
      root_ = with(with(root_, "_id", evaluate(v).shape), "count", unmodeled());
    } else if (name == "$bucket" || name == "$bucketAuto") {
      bucket(v);
    } else if (name == "$unwind") {
      unwind(v);
    } else if (name == "$replaceRoot") {
      const Value* root = v.find("newRoot");
      root_ = root == nullptr ? unmodeled() : evaluate(*root).shape;
    } else if (name == "$replaceWith") {
      root_ = evaluate(v).shape;
    } else if (name == "$lookup") {
      lookup(v);
    } else if (name == "$graphLookup") {
      graph_lookup(v);
    } else if (name == "$redact") {
      redact(v);
    } else if (name == "$setWindowFields") {
      set_window_fields(v);
    } else if (name == "$count") {
      root_ = with(root_, v.text(), unmodeled());
    } else if (name == "$geoNear") {
      if (const Value* query = v.find("query")) oracle_.filter(*query, root_, variables_);
    } else if (name == "$unionWith") {
      union_with(v);
    } else if (name == "$facet") {
      facet(v);
    } else if (!is_one_of(name, {"$limit", "$skip", "$sort", "$sample", "$unset"})) {
      root_ = unmodeled();
    }
  }

  Result evaluate(const Value& e) { return oracle_.expression(e, root_, variables_); }

  /// $$DESCEND and the like: a constant in the expression meets the fields of every object in the
  /// document as well. What cannot be a string cannot say so.
  static bool may_descend(const Value& e) {
    if (e.type == Type::string) {
      const std::string_view s = e.text();
      return s == "descend" || (s.starts_with('$') && s != "$$KEEP" && s != "$$PRUNE");
    }
    if (e.type != Type::object || e.fields.size() != 1) return false;
    const std::string& name = e.fields.front().name;
    const Value& v = e.fields.front().value;
    if (name == "$literal" || name == "$const") return v.text() == "descend";
    const auto any_of = [](std::initializer_list<const Value*> all) {
      return std::ranges::any_of(all,
                                 [](const Value* x) { return x != nullptr && may_descend(*x); });
    };
    if (name == "$cond") {
      if (v.type != Type::array) return any_of({v.find("then"), v.find("else")});
      return v.fields.size() == 3 && any_of({&v.fields[1].value, &v.fields[2].value});
    }
    if (name == "$ifNull")
      return std::ranges::any_of(v.fields, [](const Field& f) { return may_descend(f.value); });
    if (name == "$let") return any_of({v.find("in")});
    if (name == "$switch") {
      const Value* branches = v.find("branches");
      if (branches != nullptr)
        for (const Field& b : branches->fields)
          if (any_of({b.value.find("then")})) return true;
      return any_of({v.find("default")});
    }
    return is_one_of(name, {"$concat", "$toLower", "$substr", "$substrCP", "$arrayElemAt", "$first",
                            "$getField", "$replaceAll"});
  }

  void redact(const Value& v) {
    evaluate(v);
    if (!may_descend(v)) return;
    Variables variables = variables_;
    variables["ROOT"].shape = root_;
    for (const ShapePtr& object : objects_in(root_)) oracle_.expression(v, object, variables);
  }

  void set_window_fields(const Value& v) {
    if (const Value* by = v.find("partitionBy")) evaluate(*by);
    ShapePtr next = root_;
    if (const Value* output = v.find("output"))
      for (const Field& f : output->fields) {
        ShapePtr made = unmodeled();
        if (!f.value.fields.empty())
          made = accumulate(f.value.fields.front().name, f.value.fields.front().value);
        next = with(next, f.name, made);
      }
    root_ = next;
  }

  void union_with(const Value& v) {
    const Value* from = v.type == Type::string ? &v : v.find("coll");
    if (from == nullptr) return;
    ShapePtr other = oracle_.collection(from->text());
    if (const Value* stages = v.find("pipeline"))
      other = oracle_.pipeline(*stages, other, variables_, depth_ + 1);
    root_ = both(root_, other);
  }

  void facet(const Value& v) {
    ShapePtr next = unmodeled();
    for (const Field& f : v.fields)
      next = with(next, f.name, list_of(oracle_.pipeline(f.value, root_, variables_, depth_ + 1)));
    root_ = next;
  }

  void add_fields(const Value& v) {
    ShapePtr next = root_;
    for (const Field& f : v.fields) {
      // A constant in place of an encrypted field would be read, or stored, as one: in an
      // update it is. In an aggregate it is only passed on.
      const Result r = evaluate(f.value);
      if (f.value.text() != "$$REMOVE") next = with(next, f.name, r.shape);
    }
    root_ = next;
  }

  void project(const Value& v) {
    ShapePtr next = root_->kind == Shape::Kind::list ? unmodeled() : root_;
    for (const Field& f : v.fields) {
      const bool flag = f.value.type == Type::int_ || f.value.type == Type::bool_ ||
                        f.value.type == Type::double_ || f.value.type == Type::long_;
      if (flag || f.value.text() == "$$REMOVE") continue;
      if (f.value.type == Type::object && !f.value.fields.empty() &&
          !f.value.fields.front().name.starts_with('$')) {
        // Nested specifications: too much for a model. Nothing is claimed of what they make.
        next = with(next, f.name.substr(0, f.name.find('.')), unmodeled());
      } else {
        next = with(next, f.name, evaluate(f.value).shape);
      }
    }
    root_ = next;
  }

  /// Accumulators that pass values on; others make something new of them.
  ShapePtr accumulate(const Value& v) {
    if (v.fields.size() != 1) return unmodeled();
    return accumulate(v.fields.front().name, v.fields.front().value);
  }
  ShapePtr accumulate(const std::string& name, const Value& argument) {
    if (argument.type == Type::object && argument.find("output") != nullptr) return unmodeled();
    const Result r = evaluate(argument);
    if (name == "$push" || name == "$addToSet") return list_of(r.shape);
    if (name == "$first" || name == "$last") return r.shape;
    return unmodeled();
  }

  void group(const Value& v) {
    ShapePtr next = root_;
    for (const Field& f : v.fields)
      next = with(next, f.name, f.name == "_id" ? evaluate(f.value).shape : accumulate(f.value));
    root_ = next;
  }

  void bucket(const Value& v) {
    ShapePtr next = with(with(root_, "_id", unmodeled()), "count", unmodeled());
    if (const Value* key = v.find("groupBy")) {
      const ShapePtr shape = evaluate(*key).shape;
      for (const char* constants : {"boundaries", "default"})
        if (const Value* c = v.find(constants)) oracle_.claims_.at(shape, *c);
    }
    if (const Value* output = v.find("output"))
      for (const Field& f : output->fields) next = with(next, f.name, accumulate(f.value));
    root_ = next;
  }

  void unwind(const Value& v) {
    const Value* path = v.type == Type::string ? &v : v.find("path");
    if (path == nullptr || !path->text().starts_with('$')) return;
    const std::string_view field = path->text().substr(1);
    const ShapePtr at = at_path(root_, field);
    if (at->kind == Shape::Kind::list) root_ = with(root_, field, at->base);
    const Value* index = v.find("includeArrayIndex");
    if (index != nullptr) root_ = with(root_, index->text(), unmodeled());
  }

  void lookup(const Value& v) {
    const Value* from = v.find("from");
    const Value* as = v.find("as");
    if (as == nullptr) return;
    ShapePtr joined = from == nullptr ? unmodeled() : oracle_.collection(from->text());
    if (const Value* stages = v.find("pipeline")) {
      Variables variables = variables_;
      if (const Value* let = v.find("let"))
        for (const Field& f : let->fields) variables[f.name] = evaluate(f.value);
      joined = oracle_.pipeline(*stages, joined, variables, depth_ + 1);
    }
    root_ = with(root_, as->text(), list_of(joined));
  }

  void graph_lookup(const Value& v) {
    const Value* from = v.find("from");
    const Value* as = v.find("as");
    if (from == nullptr || as == nullptr) return;
    const ShapePtr joined = oracle_.collection(from->text());
    const Value* to = v.find("connectToField");
    const Value* start = v.find("startWith");
    if (start != nullptr) {
      const Result first = evaluate(*start);
      if (to != nullptr)
        for (const Value* c : first.constants) oracle_.claims_.at(at_path(joined, to->text()), *c);
    }
    if (const Value* match = v.find("restrictSearchWithMatch"))
      oracle_.filter(*match, joined, variables_);
    root_ = with(root_, as->text(), list_of(joined));
  }

  Oracle& oracle_;
  ShapePtr root_;
  const Variables& variables_;
  int depth_;
};

ShapePtr Oracle::pipeline(const Value& stages, ShapePtr root, const Variables& variables,
                          int depth) {
  if (depth > 20) return unmodeled();
  return PipelineModel(*this, std::move(root), variables, depth).run(stages);
}

}  // namespace fle::test::leak
