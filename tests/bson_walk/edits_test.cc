#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;

/// Lays out `edits` and fills each new value, which `value(i)` gives with its type.
template <class Value>
Buffer rewrite(Bytes doc, Edits& edits, Value value) {
  for (std::size_t i = 0; i < edits.marks().size(); ++i) {
    const auto [type, bytes] = value(i);
    edits.marks()[i].new_type = type;
    edits.marks()[i].new_size = static_cast<std::uint32_t>(bytes.size());
  }
  const auto size = edits.layout(doc);
  EXPECT_TRUE(size.has_value());
  if (!size.has_value()) return {};
  Exact out(*size);
  edits.write(out.mut(), doc);
  for (std::size_t i = 0; i < edits.marks().size(); ++i) {
    const Buffer bytes = value(i).second;
    std::copy(bytes.begin(), bytes.end(), out.mut().begin() + edits.marks()[i].new_offset);
  }
  return {out.bytes().begin(), out.bytes().end()};
}

const std::string kCipher = "{'$binary':{'base64':'AQAA','subType':'06'}}";

/// `json` with each $ replaced by a ciphertext, walked.
struct Walked {
  explicit Walked(std::string json) : doc(Buffer{}) {
    for (std::size_t at = 0; (at = json.find('@', at)) != std::string::npos; at += kCipher.size())
      json.replace(at, 1, kCipher);
    doc = Exact(test::from_json(json));
    EXPECT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
  }
  Exact doc;
  Edits edits;
};

std::pair<Type, Buffer> text(std::size_t size) {
  Buffer b(size + 5, 'x');
  for (std::size_t i = 0; i < 4; ++i) b[i] = static_cast<std::uint8_t>((size + 1) >> (8 * i));
  b.back() = 0;
  return {Type::string, b};
}

TEST(Edits, GrowEveryEnclosingDocument) {
  Walked w("{'p':1,'a':{'b':[0,{'c':@},@],'d':{}},'e':@,'f':{'g':{'h':@}},'q':{'r':1}}");
  const Buffer out = rewrite(w.doc.bytes(), w.edits, [](std::size_t i) { return text(i * 100); });
  const std::string x1(100, 'x');
  const std::string x2(200, 'x');
  const std::string x3(300, 'x');
  EXPECT_EQ(out, test::from_json("{'p':1,'a':{'b':[0,{'c':''},'" + x1 + "'],'d':{}},'e':'" + x2 +
                                 "','f':{'g':{'h':'" + x3 + "'}},'q':{'r':1}}"));
}

TEST(Edits, ShrinkEveryEnclosingDocument) {
  Walked w("{'a':{'b':[@,@,{'c':@}]},'d':@}");
  const Buffer out = rewrite(w.doc.bytes(), w.edits, [](std::size_t) {
    return std::pair{Type::null, Buffer{}};
  });
  EXPECT_EQ(out, test::from_json("{'a':{'b':[null,null,{'c':null}]},'d':null}"));
}

TEST(Edits, ReplaceByDocuments) {
  Walked w("{'a':@,'b':{'c':@}}");
  const Buffer inner = test::from_json("{'x':[1,2]}");
  const Buffer out = rewrite(w.doc.bytes(), w.edits, [&](std::size_t) {
    return std::pair{Type::object, inner};
  });
  EXPECT_EQ(out, test::from_json("{'a':{'x':[1,2]},'b':{'c':{'x':[1,2]}}}"));
}

TEST(Edits, WithoutMarksCopyTheDocument) {
  const Exact doc(test::from_json("{'a':{'b':1}}"));
  Edits edits;
  ASSERT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
  EXPECT_TRUE(edits.empty());
  const Buffer out = rewrite(doc.bytes(), edits, [](std::size_t) { return text(0); });
  EXPECT_TRUE(std::equal(out.begin(), out.end(), doc.bytes().begin(), doc.bytes().end()));
}

TEST(Edits, LayOutAgainWithOtherSizes) {
  Walked w("{'a':{'b':@},'c':@}");
  const auto big = rewrite(w.doc.bytes(), w.edits, [](std::size_t) { return text(1000); });
  const auto small = rewrite(w.doc.bytes(), w.edits, [](std::size_t) { return text(1); });
  EXPECT_EQ(small, test::from_json("{'a':{'b':'x'},'c':'x'}"));
  EXPECT_EQ(big.size(), small.size() + 2 * 999);
}

TEST(Edits, OfRandomDocumentsAreWhatLibbsonParses) {
  test::RandomDocuments documents(3);
  std::size_t total = 0;
  for (int i = 0; i < 3000; ++i) {
    const Exact doc(documents.next());
    Edits edits;
    ASSERT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
    std::vector<test::Seen> before;
    std::vector<test::Seen> after;
    ASSERT_TRUE(test::iterate(doc.bytes(), before));
    const Buffer out =
        rewrite(doc.bytes(), edits, [](std::size_t k) { return text(k * 37 % 300); });
    ASSERT_TRUE(test::iterate(out, after)) << i;
    ASSERT_EQ(before.size(), after.size()) << i;
    std::size_t mark = 0;
    for (std::size_t k = 0; k < before.size(); ++k) {
      EXPECT_EQ(before[k].path, after[k].path);
      const auto marks = edits.marks();
      const bool marked = mark < marks.size() && marks[mark].type_offset == before[k].type_offset;
      if (marked) {
        EXPECT_EQ(after[k].type, BSON_TYPE_UTF8);
        ++mark;
      } else {
        EXPECT_EQ(after[k].type, before[k].type);
      }
    }
    EXPECT_EQ(mark, edits.marks().size());
    total += mark;
  }
  EXPECT_GT(total, 100U);
}

TEST(Edits, RefuseToOutgrowTheByteLimit) {
  Walked w("{'a':@}");
  Mark& m = w.edits.marks()[0];
  m.new_size = m.value_size + 10;
  const auto most = static_cast<std::uint32_t>(w.doc.bytes().size()) + 10;
  EXPECT_EQ(*w.edits.layout(w.doc.bytes(), {180, most}), most);
  EXPECT_EQ(w.edits.layout(w.doc.bytes(), {180, most - 1}).error().code, Errc::document_too_large);
}

TEST(Edits, RefuseToOutgrowInt32WhateverTheLimit) {
  Walked w("{'a':@,'b':@,'c':@}");
  const Limits none{180, 0xffffffff};
  for (Mark& m : w.edits.marks()) m.new_size = m.value_size;
  const auto size = static_cast<std::uint32_t>(w.doc.bytes().size());
  Mark& last = w.edits.marks()[2];
  last.new_size = last.value_size + (0x7fffffff - size);
  EXPECT_EQ(*w.edits.layout(w.doc.bytes(), none), 0x7fffffffU);
  ++last.new_size;
  EXPECT_EQ(w.edits.layout(w.doc.bytes(), none).error().code, Errc::document_too_large);
  for (Mark& m : w.edits.marks()) m.new_size = 0xffffffff;
  EXPECT_EQ(w.edits.layout(w.doc.bytes(), none).error().code, Errc::document_too_large);
}

TEST(Edits, RefuseAnotherDocument) {
  Walked w("{'a':@}");
  EXPECT_EQ(w.edits.layout(test::from_json("{'a':1}")).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace fle::bson
