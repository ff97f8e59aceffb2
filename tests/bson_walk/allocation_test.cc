#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace {
std::atomic<std::size_t> n_allocations{0};

void* counted(std::size_t size) {
  ++n_allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace fle::bson {
namespace {

/// `n` patients in one document, each with an encrypted field and one ciphertext.
test::Buffer patients(int n) {
  bson_t* b = bson_new();
  const std::uint8_t cipher[66] = {1};
  for (int i = 0; i < n; ++i) {
    bson_t child;
    bson_append_document_begin(b, ("p" + std::to_string(i)).c_str(), -1, &child);
    BSON_APPEND_UTF8(&child, "name", "a name");
    BSON_APPEND_INT32(&child, "ssn", i);
    BSON_APPEND_BINARY(&child, "c", BSON_SUBTYPE_ENCRYPTED, cipher, sizeof cipher);
    bson_append_document_end(b, &child);
  }
  return test::take(b);
}

/// Allocations of finding and rewriting once.
template <class Find>
std::size_t allocations(Edits& edits, const test::Buffer& doc, test::Buffer& out, Find find) {
  const std::size_t before = n_allocations;
  if (!find()) return 999;
  for (Mark& m : edits.marks()) m.new_size = m.value_size + 80;
  const auto size = edits.layout(doc);
  if (!size.has_value() || *size > out.size()) return 999;
  edits.write(MutBytes(out).first(*size), doc);
  return n_allocations - before;
}

TEST(WarmEdits, AllocateNothing) {
  const auto plan = test::plan_of(
      "", ",'additionalProperties':" + test::object("'ssn':" + test::deterministic("int")));
  const test::Buffer doc = patients(500);
  test::Buffer out(doc.size() * 3);
  Edits edits;
  const auto fields = [&] { return find_fields(doc, *plan, edits).has_value(); };
  const auto ciphertexts = [&] { return find_ciphertexts(doc, edits).has_value(); };

  EXPECT_GT(allocations(edits, doc, out, fields), 0U);  // the counter counts
  EXPECT_EQ(edits.marks().size(), 500U);
  EXPECT_EQ(allocations(edits, doc, out, fields), 0U);
  EXPECT_EQ(allocations(edits, doc, out, ciphertexts), 0U);
  EXPECT_EQ(edits.marks().size(), 500U);
}

TEST(CheckValue, AllocatesNothing) {
  const test::Buffer doc = patients(500);
  const std::size_t before = n_allocations;
  EXPECT_TRUE(check_value(Type::object, doc).has_value());
  EXPECT_EQ(n_allocations, before);
}

}  // namespace
}  // namespace fle::bson
