#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

// find_fields() and check_value() pass over what no plan reaches in a way of their own;
// find_ciphertexts() reads everything element by element. They must say the same.
namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;

constexpr std::uint64_t kPlainSeed = 20261129;

const schema::Plan& far_away() {
  static const auto plan = test::plan_of("'no such field':" + test::deterministic("int"));
  return *plan;
}

std::string told(const Done& done) { return done.has_value() ? "fine" : done.error().to_string(); }

std::size_t encrypted_of(const Edits& edits) {
  return edits.marks().size() + edits.unmarked().ciphertexts + edits.unmarked().foreign;
}
std::uint32_t first_encrypted_of(const Edits& edits) {
  const std::uint32_t marked = edits.marks().empty() ? UINT32_MAX : edits.marks()[0].type_offset;
  return std::min(marked, edits.unmarked().none() ? UINT32_MAX : edits.unmarked().first);
}

/// @return whether the document was taken
bool expect_agreement(Bytes document, Limits limits = {}) {
  const Exact doc(document);
  Edits passing;
  Edits reading;
  Work passed;
  Work read;
  limits.work = &passed;
  const Done over = find_fields(doc.bytes(), far_away(), passing, limits);
  const Done checked = check_value(Type::object, doc.bytes(), limits);
  limits.work = &read;
  const Done every = find_ciphertexts(doc.bytes(), reading, limits);
  EXPECT_EQ(told(over), told(every));
  EXPECT_EQ(checked.has_value(), every.has_value());
  if (every.has_value()) {
    EXPECT_EQ(told(checked), "fine");
    EXPECT_EQ(encrypted_of(passing), encrypted_of(reading));
    EXPECT_EQ(first_encrypted_of(passing), first_encrypted_of(reading));
  }
  EXPECT_LE(passed.steps(), 4 * read.steps() + 4);  // find_fields and check_value, twice at most
  return every.has_value();
}

TEST(PlainWalk, AgreesWithTheWalkThatReadsEverything) {
  test::RandomDocuments documents(kPlainSeed);
  for (int i = 0; i < 300; ++i) {
    SCOPED_TRACE(i);
    EXPECT_TRUE(expect_agreement(documents.next()));
  }
}

TEST(PlainWalk, FindsTheSameFaultWhereverAByteIsWrong) {
  test::RandomDocuments documents(kPlainSeed + 1);
  std::mt19937_64 rng(kPlainSeed);
  std::size_t refused = 0;
  for (int i = 0; i < 60; ++i) {
    Buffer doc = documents.next();
    for (std::size_t at = 0; at < doc.size(); at += 1 + doc.size() / 200) {
      SCOPED_TRACE(std::to_string(i) + ", byte " + std::to_string(at));
      const std::uint8_t right = doc[at];
      for (const unsigned wrong : {0U, 5U, 6U, 15U, 255U, static_cast<unsigned>(rng() & 255)}) {
        doc[at] = static_cast<std::uint8_t>(wrong);
        refused += expect_agreement(doc) ? 0 : 1;
      }
      doc[at] = right;
    }
  }
  EXPECT_GT(refused, 1000U);
}

TEST(PlainWalk, SeesCiphertextsAmongPlainContainers) {
  const std::string ours = "{'$binary':{'base64':'AQ==','subType':'06'}}";
  const std::string foreign = "{'$binary':{'base64':'AA==','subType':'06'}}";
  const Buffer doc = test::from_json("{'a':{'b':[1,{'c':" + foreign + ",'d':{'e':1}},{'f':" + ours +
                                     "}]},'g':{'h':{'i':2}},'j':[" + ours + "]}");
  EXPECT_TRUE(expect_agreement(doc));
  Edits edits;
  ASSERT_TRUE(find_fields(doc, far_away(), edits).has_value());
  EXPECT_EQ(edits.unmarked().ciphertexts, 2U);
  EXPECT_EQ(edits.unmarked().foreign, 1U);
  EXPECT_EQ(path_of(doc, edits.unmarked().first), "a.b.1.c");
}

TEST(PlainWalk, AllowsAsManyLevelsAsTheLimitsSay) {
  for (std::uint32_t max_depth = 1; max_depth < 80; ++max_depth) {
    SCOPED_TRACE(max_depth);
    Limits limits;
    limits.max_depth = max_depth;
    EXPECT_TRUE(expect_agreement(test::nested(max_depth), limits));
    EXPECT_FALSE(expect_agreement(test::nested(max_depth + 1), limits));
  }
}

}  // namespace
}  // namespace fle::bson
