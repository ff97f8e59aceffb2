#include "fle/batch.h"

#include <algorithm>
#include <limits>

#include "core_support.h"
#include "fle/random.h"
#include "src/random_internal.h"

namespace fle {
namespace {

using test::Buf;

class BatchOnEveryKernel : public test::EveryKernel {};

TEST_P(BatchOnEveryKernel, DeterministicPayloadsAreThoseOfOfficialDrivers) {
  auto cases = test::load_kat("csfle/deterministic.txt");
  std::vector<DataKey> keys;
  std::vector<Buf> plaintexts;
  std::vector<Buf> want;
  std::vector<Buf> got;
  std::vector<SealJob> jobs;
  keys.reserve(cases.size());
  for (auto& c : cases) {
    keys.push_back(test::make_key(kernel(), c.bytes("key")));
    plaintexts.push_back(c.bytes("plaintext"));
    want.push_back(c.bytes("payload"));
    got.emplace_back(want.back().size());
    jobs.push_back({&keys.back(),
                    test::make_key_id(c.bytes("key_id")),
                    Algorithm::deterministic,
                    c.byte("bson_type"),
                    {},
                    {}});
    c.expect_all_used();
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].plaintext = plaintexts[i];
    jobs[i].out = got[i];
  }
  ASSERT_TRUE(seal_batch(jobs));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(test::to_hex(got[i]), test::to_hex(want[i])) << "line " << cases[i].line;
    Buf out(open_capacity(want[i].size()));
    OpenJob open{&keys[i], want[i], out};
    ASSERT_TRUE(open_batch({&open, 1}));
    out.resize(open.plaintext_len);
    EXPECT_EQ(out, plaintexts[i]);
  }
}

TEST_P(BatchOnEveryKernel, ARandomPayloadOfAnOfficialDriverOpens) {
  for (auto& c : test::load_kat("csfle/random.txt")) {
    const DataKey key = test::make_key(kernel(), c.bytes("key"));
    const Buf payload = c.bytes("payload");
    Buf out(open_capacity(payload.size()));
    OpenJob job{&key, payload, out};
    ASSERT_TRUE(open_batch({&job, 1}));
    out.resize(job.plaintext_len);
    EXPECT_EQ(out, c.bytes("plaintext"));
    c.expect_all_used();
  }
}

FLE_FOR_EVERY_KERNEL(BatchOnEveryKernel);

/// `n` sealable jobs under one key.
class SealBatch : public ::testing::Test {
 protected:
  SealBatch() : key(test::make_key(*kernels::chosen(), rng.bytes(DataKey::kLen))) {}

  std::vector<SealJob>& make(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      plaintexts.push_back(rng.bytes(1 + i % 40));
      outs.emplace_back(payload_len(plaintexts.back().size()), 0xee);
    }
    for (std::size_t i = 0; i < n; ++i) {
      jobs.push_back({&key,
                      {},
                      i % 2 == 0 ? Algorithm::random : Algorithm::deterministic,
                      2,
                      plaintexts[i],
                      outs[i]});
    }
    return jobs;
  }
  void expect_refused(Errc code, std::size_t index) {
    const auto s = seal_batch(jobs);
    ASSERT_FALSE(s);
    EXPECT_EQ(name(s.error().code), std::string(name(code)));
    EXPECT_EQ(s.error().index, index);
    for (const SealJob& j : jobs) {
      EXPECT_EQ(Buf(j.out.begin(), j.out.end()), Buf(j.out.size())) << "output not wiped";
    }
  }

  test::Rng rng{9};
  DataKey key;
  std::vector<Buf> plaintexts;
  std::vector<Buf> outs;
  std::vector<SealJob> jobs;
};

TEST_F(SealBatch, OfNothingSucceeds) { EXPECT_TRUE(seal_batch({})); }

TEST_F(SealBatch, RandomIvsAreAllDifferent) {
  make(300);
  ASSERT_TRUE(seal_batch(jobs));
  std::vector<Buf> ivs;
  for (std::size_t i = 0; i < outs.size(); i += 2) ivs.push_back(test::slice(outs[i], 18, 34));
  std::sort(ivs.begin(), ivs.end());
  EXPECT_EQ(std::adjacent_find(ivs.begin(), ivs.end()), ivs.end());
}

struct BadSealJob {
  const char* what;
  Errc code;
  void (*spoil)(SealJob&);
};
void PrintTo(const BadSealJob& bad, std::ostream* os) { *os << bad.what; }
class EachBadSealJob : public SealBatch, public ::testing::WithParamInterface<BadSealJob> {};

TEST_P(EachBadSealJob, IsNamedByItsIndexAndNothingIsSealed) {
  GetParam().spoil(make(150)[137]);
  expect_refused(GetParam().code, 137);
}

INSTANTIATE_TEST_SUITE_P(
    All, EachBadSealJob,
    ::testing::Values(
        BadSealJob{"NoKey", Errc::invalid_argument, [](SealJob& j) { j.key = nullptr; }},
        BadSealJob{"EmptyPlaintext", Errc::invalid_argument, [](SealJob& j) { j.plaintext = {}; }},
        BadSealJob{"LongPlaintext", Errc::invalid_argument,
                   [](SealJob& j) {
                     j.plaintext = {j.plaintext.data(), kMaxPlaintextLen + 1};
                   }},
        BadSealJob{"HugePlaintext", Errc::invalid_argument,
                   [](SealJob& j) {
                     j.plaintext = {j.plaintext.data(), std::numeric_limits<std::size_t>::max()};
                   }},
        BadSealJob{"TypeZero", Errc::invalid_argument, [](SealJob& j) { j.bson_type = 0; }},
        BadSealJob{"TypeBeyondDecimal128", Errc::invalid_argument,
                   [](SealJob& j) { j.bson_type = 0x14; }},
        BadSealJob{"TypeMinKey", Errc::invalid_argument, [](SealJob& j) { j.bson_type = 0xff; }},
        BadSealJob{"AlgorithmZero", Errc::invalid_argument,
                   [](SealJob& j) { j.algorithm = static_cast<Algorithm>(0); }},
        BadSealJob{"AlgorithmThree", Errc::invalid_argument,
                   [](SealJob& j) { j.algorithm = static_cast<Algorithm>(3); }},
        BadSealJob{"ShortOutput", Errc::buffer_too_small,
                   [](SealJob& j) { j.out = j.out.first(j.out.size() - 1); }},
        BadSealJob{"NoOutput", Errc::buffer_too_small, [](SealJob& j) { j.out = {}; }}),
    [](const auto& i) { return i.param.what; });

TEST_F(SealBatch, TheFirstOfSeveralBadJobsIsNamed) {
  make(150);
  jobs[70].key = nullptr;
  jobs[20].bson_type = 0;
  expect_refused(Errc::invalid_argument, 20);
}

TEST_F(SealBatch, AnOutputThatIsTooLongIsRefused) {
  make(3);
  Buf longer(outs[1].size() + 1, 0xee);
  jobs[1].out = longer;
  const auto s = seal_batch(jobs);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::buffer_too_small);
  EXPECT_EQ(longer, Buf(longer.size()));
}

TEST_F(SealBatch, WithoutRandomnessAllOutputsAreWiped) {
  make(150);
  internal::set_entropy_source([](MutBytes) noexcept { return false; });
  Buf drain(2U << 20);
  EXPECT_FALSE(random_bytes(drain));
  const auto s = seal_batch(jobs);
  internal::set_entropy_source(nullptr);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, Errc::random_failed);
  for (const Buf& out : outs) EXPECT_EQ(out, Buf(out.size()));
}

}  // namespace
}  // namespace fle
