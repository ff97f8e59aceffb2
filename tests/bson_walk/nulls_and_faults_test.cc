// What find_fields() does with nulls where a plan encrypts, and with more than one fault.
#include <algorithm>

#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;
using Plan = std::shared_ptr<const schema::Plan>;

Plan plan_of_three() {
  const std::string leaf = test::random();
  return test::plan_of("'a': " + leaf + ", 'b': " + leaf +
                       ", 'in': " + test::object("'c': " + leaf + ", 'd': " + leaf));
}

/// `json` with every value under the plan replaced by as many bytes of `to` as `size`.
Buffer rewritten(const std::string& json, Nulls nulls, std::size_t size, std::size_t n_nulls) {
  const Exact doc(test::from_json(json));
  const Plan plan = plan_of_three();
  Edits edits;
  Limits limits;
  limits.nulls = nulls;
  EXPECT_TRUE(find_fields(doc.bytes(), *plan, edits, limits).has_value());
  EXPECT_EQ(edits.nulls().size(), n_nulls);
  Buffer value{static_cast<std::uint8_t>(size + 1), 0, 0, 0};
  value.insert(value.end(), size, 'x');
  value.push_back(0);
  for (Mark& m : edits.marks()) {
    m.new_type = Type::string;
    m.new_size = static_cast<std::uint32_t>(value.size());
  }
  const auto total = edits.layout(doc.bytes());
  EXPECT_TRUE(total.has_value());
  Exact out(*total);
  edits.write(out.mut(), doc.bytes());
  for (const Mark& m : edits.marks()) std::ranges::copy(value, out.mut().begin() + m.new_offset);
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(Nulls, StayOrGoWhereverTheyStand) {
  struct Case {
    const char* json;
    const char* omitted;
    const char* kept;
    std::size_t nulls;
  };
  constexpr Case kCases[] = {
      {"{'a':null}", "{}", "{'a':null}", 1},
      {"{'a':null,'b':1}", "{'b':'xx'}", "{'a':null,'b':'xx'}", 1},
      {"{'a':1,'b':null}", "{'a':'xx'}", "{'a':'xx','b':null}", 1},
      {"{'x':1,'a':null,'y':null,'b':'t','z':[1]}", "{'x':1,'y':null,'b':'xx','z':[1]}",
       "{'x':1,'a':null,'y':null,'b':'xx','z':[1]}", 1},
      {"{'in':{'c':null,'d':null}}", "{'in':{}}", "{'in':{'c':null,'d':null}}", 2},
      {"{'in':{'c':null,'d':5,'e':6},'a':null,'b':null,'f':7}", "{'in':{'d':'xx','e':6},'f':7}",
       "{'in':{'c':null,'d':'xx','e':6},'a':null,'b':null,'f':7}", 3},
      {"{'b':1,'in':{'x':1,'c':2,'d':null},'a':3}", "{'b':'xx','in':{'x':1,'c':'xx'},'a':'xx'}",
       "{'b':'xx','in':{'x':1,'c':'xx','d':null},'a':'xx'}", 1},
      {"{'in':null,'q':null}", "{'in':null,'q':null}", "{'in':null,'q':null}", 0},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(rewritten(c.json, Nulls::omit, 2, c.nulls), test::from_json(c.omitted)) << c.json;
    EXPECT_EQ(rewritten(c.json, Nulls::keep, 2, c.nulls), test::from_json(c.kept)) << c.json;
    EXPECT_EQ(rewritten(c.json, Nulls::omit, 200, c.nulls).size(),
              rewritten(c.json, Nulls::keep, 200, c.nulls).size() - 3 * c.nulls);
  }
}

TEST(Nulls, AreRefusedUnlessToldOtherwise) {
  const Exact doc(test::from_json("{'a':null}"));
  Edits edits;
  const Done done = find_fields(doc.bytes(), *plan_of_three(), edits);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::type_not_allowed);
  EXPECT_EQ(done.error().detail, ErrorDetail::null_not_encryptable);
  EXPECT_EQ(done.error().message, "Cannot encrypt element of type: null");
}

std::vector<std::string> faults_of(const Buffer& b, const Plan& plan, std::size_t n_marks) {
  const Exact doc(b);
  Edits edits;
  Faults faults;
  Limits limits;
  limits.faults = &faults;
  EXPECT_TRUE(find_fields(doc.bytes(), plan == nullptr ? *plan_of_three() : *plan, edits, limits)
                  .has_value());
  EXPECT_EQ(edits.marks().size(), n_marks);
  EXPECT_EQ(faults.n, faults.first.size());
  std::vector<std::string> all;
  for (const Failure& f : faults.first) all.push_back(f.path + " " + name(f.code));
  return all;
}

TEST(ManyFaults, AreFoundInOneWalk) {
  EXPECT_EQ(faults_of(test::from_json("{'a':null,'in':{'c':{'$minKey':1},'d':5},'b':{'$maxKey':1},"
                                      "'in.c':1}"),
                      nullptr, 1),
            (std::vector<std::string>{"a type_not_allowed", "in.c type_not_allowed",
                                      "b type_not_allowed", "in.c dotted_field_name"}));
  EXPECT_EQ(faults_of(test::from_json("{'in':[{'c':1}],'a':1,'b':2,'a':3}"), nullptr, 3),
            (std::vector<std::string>{"in encrypted_below_array", "a duplicate_field"}));
  EXPECT_EQ(faults_of(test::from_json("{'in':5,'a':{'$binary':{'base64':'','subType':'06'}}}"),
                      nullptr, 0),
            (std::vector<std::string>{"in not_an_object", "a already_encrypted"}));
  EXPECT_EQ(faults_of(test::from_json("{'x':1}"),
                      test::plan_of("'_id': " + test::deterministic("int")), 0),
            (std::vector<std::string>{"_id missing_id"}));
}

TEST(ManyFaults, AreCountedButNotAllKept) {
  std::string json = "{";
  for (int i = 0; i < 200; ++i) json += "'a" + std::to_string(i) + "':null,";
  json += "'z':1}";
  const Exact doc(test::from_json(json));
  std::string properties;
  for (int i = 0; i < 200; ++i)
    properties += (i == 0 ? "'a" : ", 'a") + std::to_string(i) + "': " + test::random();
  Edits edits;
  Faults faults;
  Limits limits;
  limits.faults = &faults;
  ASSERT_TRUE(find_fields(doc.bytes(), *test::plan_of(properties), edits, limits));
  EXPECT_EQ(faults.n, 200U);
  EXPECT_EQ(faults.first.size(), Faults::kMost);
}

TEST(ManyFaults, WhatIsMalformedStillEndsTheWalk) {
  Buffer b = test::from_json("{'a':null,'b':1,'x':'text'}");
  b[b.size() - 2] = 'y';
  Edits edits;
  Faults faults;
  Limits limits;
  limits.faults = &faults;
  const Done done = find_fields(Exact(b).bytes(), *plan_of_three(), edits, limits);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::malformed_bson);
  EXPECT_EQ(faults.n, 1U) << "those before it";
}

}  // namespace
}  // namespace fle::bson
