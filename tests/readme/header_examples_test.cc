// The examples of public headers, as they stand there: all are compiled, some are run.
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fle/bson/cursor.h"
#include "fle/bson/value.h"
#include "fle/bson/writer.h"
#include "fle/bson_walk/path_table.h"
#include "fle/bson_walk/walk.h"
#include "fle/client/auto_encrypter.h"
#include "fle/client/client_encryption.h"
#include "fle/client/document_cipher.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "fle/observe.h"
#include "fle/observe/metrics.h"
#include "fle/query/analysis.h"
#include "fle/schema/compile.h"

namespace {

using fle::Bytes;
using Buf = std::vector<std::uint8_t>;
using Plan = std::shared_ptr<const fle::schema::Plan>;

Buf write_document() {
  using namespace fle::bson;
#include "example/fle/bson/writer.h"
  return document;
}

fle::Outcome<std::int32_t> typed_value() {
  using namespace fle::bson;
#include "example/fle/bson/value.h"
  return number;
}

fle::Outcome<std::int32_t> typed_encryption(
    const std::shared_ptr<fle::kms::KeyVault>& vault,
    const std::shared_ptr<const fle::kms::Providers>& providers) {
  using namespace fle;
  using namespace fle::client;
  bson::Writer document;
#include "example/fle/client/client_encryption.h"
  return number;
}

fle::Outcome<int> sum() {
  const auto prepare = []() -> fle::Done { return fle::ok; };
  const auto first = []() -> fle::Outcome<int> { return 1; };
  const auto both = [](int b, int c) -> fle::Outcome<std::pair<int, int>> {
    return std::pair(b + 1, c + 2);
  };
#include "example/fle/try.h"
}

std::size_t count_elements(Bytes whole, std::uint32_t at) {
  using namespace fle::bson;
  std::size_t n = 0;
  const auto use = [&n](const Element&) { ++n; };
#include "example/fle/bson/cursor.h"
  return n;
}

std::size_t count_paths(std::span<const Bytes> documents) {
  using namespace fle::bson;
  Edits edits;
#include "example/fle/bson_walk/path_table.h"
  return counts.size();
}

fle::Outcome<Buf> mark(Bytes command, const Plan& plan) {
#include "example/fle/query/analysis.h"
  return marked;
}

[[maybe_unused]] void encrypt_documents(std::string_view schema_text, Bytes document,
                                        const std::shared_ptr<fle::kms::KeyRing>& key_ring) {
  const auto send = [](Bytes) {};
#include "example/fle/client/document_cipher.h"
}

[[maybe_unused]] void encrypt_command(const Plan& plan, Bytes command, Bytes reply,
                                      const std::shared_ptr<fle::kms::KeyRing>& key_ring) {
  using namespace fle::client;
#include "example/fle/client/auto_encrypter.h"
}

std::shared_ptr<fle::Observer> observer_of_ones_own() {
  using namespace fle;
#include "example/fle/observe.h"
  return options.observer;
}

std::string scraped() {
  using namespace fle;
#include "example/fle/observe/metrics.h"
  return text;
}

TEST(HeaderExamples, ObserveNothingAsLongAsNothingIsDone) {
  EXPECT_NE(observer_of_ones_own(), nullptr);
  EXPECT_EQ(scraped(), "");
}

TEST(HeaderExamples, ReturnEarlyOrGoOn) { EXPECT_EQ(sum().value(), 6); }

TEST(HeaderExamples, SayWhatTypeAValueHas) { EXPECT_EQ(typed_value().value(), 241014209); }

TEST(HeaderExamples, EncryptAValueAndDecryptIt) {
  auto providers = std::make_shared<fle::kms::Providers>();
  ASSERT_TRUE(providers->add_local("local", Buf(96, 1), fle::LockPolicy::best_effort));
  const std::shared_ptr<fle::kms::KeyVault> vault = fle::kms::make_memory_vault();
  EXPECT_EQ(typed_encryption(vault, providers).error().code, fle::Errc::key_not_found);
  fle::kms::CreateKeyOptions options;
  options.alt_names = {"patients"};
  ASSERT_TRUE(fle::kms::create_data_key(*vault, *providers, options));
  EXPECT_EQ(typed_encryption(vault, providers).value(), 241014209);
}

TEST(HeaderExamples, WriteADocumentAndReadIt) {
  const Buf document = write_document();
  EXPECT_EQ(count_elements(document, 0), 2U);
  const Bytes documents[] = {document, document};
  EXPECT_EQ(count_paths(documents), fle::bson::PathTable().size());  // no ciphertext
}

TEST(HeaderExamples, MarkACommand) {
  const auto plan = fle::schema::compile_json(
      R"({"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "string",
          "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
          "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}})");
  ASSERT_TRUE(plan) << plan.error().to_string();
  fle::bson::Writer command;
  command.add_string("find", "patients").begin_document("filter").add_string("ssn", "123").end();
  const Buf bytes = std::move(command).take();
  const auto marked = mark(bytes, *plan);
  ASSERT_TRUE(marked) << marked.error().to_string();
  EXPECT_GT(marked->size(), bytes.size());
}

}  // namespace
