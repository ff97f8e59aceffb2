// Which kernel runs, shown by the instructions that are executed rather than by a name, on this CPU
// and on lesser ones that it pretends to be.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include <sys/mman.h>

#include "fle/core_support.h"
#include "src/engine.h"
#include "traced_child.h"

namespace fle {
namespace {

using kernels::Kernel;
using test::Buf;
using test::Executed;
using test::Lacks;
using test::Traced;

constexpr std::uint32_t bit(unsigned n) { return 1U << n; }

/// A CPU, by what it has not of the features that kernels ask for.
struct Cpu {
  const char* name;
  Lacks lacks;
  std::uint32_t missing;  // Need bits
};
void PrintTo(const Cpu& cpu, std::ostream* os) { *os << cpu.name; }

constexpr std::uint32_t kAllAvx512 = kernels::kAvx512;
constexpr std::uint32_t kAllVector = kernels::kAvx2 | kernels::kAvx512 | kernels::kVaes;
const Cpu kThisCpu{"ThisCpu", {}, 0};
const Cpu kBareCpu{"Bare", {bit(25) | bit(27), 0, 0, 0}, kernels::kAesNi | kAllVector};
constexpr std::uint32_t kExtendedFamily = 0xffU << 20;
// Bits: Intel SDM vol. 2A, CPUID, leaves 1 and 7; vol. 1, section 13.3 for XCR0.
const Cpu kCpus[] = {
    kThisCpu,
    {"WithoutVaes", {0, 0, bit(9), 0}, kernels::kVaes},
    {"WithoutVpclmulqdq", {0, 0, bit(10), 0}, kernels::kVaes},
    {"WithoutAvx512F", {0, bit(16), 0, 0}, kAllAvx512},
    {"WithoutAvx512Dq", {0, bit(17), 0, 0}, kAllAvx512},
    {"WithoutAvx512Bw", {0, bit(30), 0, 0}, kAllAvx512},
    {"WithoutAvx512Vl", {0, bit(31), 0, 0}, kAllAvx512},
    {"WhoseSystemSavesNoZmm", {0, 0, 0, 0xe0}, kAllAvx512},
    {"WithoutAvx2", {0, bit(5), 0, 0}, kernels::kAvx2},
    {"WithoutBmi2", {0, bit(8), 0, 0}, kernels::kAvx2},
    {"WhoseSystemSavesNoYmm", {0, 0, 0, 0xe4}, kernels::kAvx2 | kAllAvx512},
    {"WhoseSystemSavesNothing", {bit(27), 0, 0, 0}, kAllVector},
    {"OfAnOlderFamily", {0, 0, 0, 0, kExtendedFamily}, kernels::kFourVectorPorts},
    {"WithoutAes", {bit(25), 0, 0, 0}, kernels::kAesNi},
    {"WithoutPclmulqdq", {bit(1), 0, 0, 0}, kernels::kAesNi},
    {"WithoutSsse3", {bit(9), 0, 0, 0}, kernels::kAesNi},
    kBareCpu,
};

/// Need bits of this machine as the operating system tells them: not by our own probe, which is
/// what is tested.
std::uint32_t needs_met_here() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  bool amd = false;
  int family = 0;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0) {
    if (line.rfind("vendor_id", 0) == 0) amd = line.find("AuthenticAMD") != std::string::npos;
    if (line.rfind("cpu family", 0) == 0) family = std::stoi(line.substr(line.find(':') + 1));
  }
  std::istringstream words(line);
  const std::set<std::string> flags{std::istream_iterator<std::string>(words), {}};
  const auto has = [&flags](std::initializer_list<const char*> names) {
    return std::all_of(names.begin(), names.end(), [&](const char* n) { return flags.count(n); });
  };
  return (has({"aes", "pclmulqdq", "ssse3", "sse4_1"}) ? kernels::kAesNi : 0U) |
         (has({"avx2", "bmi1", "bmi2"}) ? kernels::kAvx2 : 0U) |
         (has({"avx512f", "avx512bw", "avx512dq", "avx512vl"}) ? kernels::kAvx512 : 0U) |
         (has({"vaes", "vpclmulqdq"}) ? kernels::kVaes : 0U) |
         (amd && family >= 0x19 ? kernels::kFourVectorPorts : 0U);
}

bool can_run(const Cpu& cpu, const Kernel& k) {
  return (k.needs & ~(needs_met_here() & ~cpu.missing)) == 0;
}
const Kernel& fastest_on(const Cpu& cpu) {
  for (const Kernel* k : kernels::all())
    if (can_run(cpu, *k)) return *k;
  throw std::runtime_error("not even the portable kernel");
}

/// What a child tells its parent.
struct Report {
  char kernel[32];         // of a key made by DataKey::create
  std::uint32_t accepted;  // bit i: a key for kernels::all()[i] can be made
};

int make_key_and_use_it(Report& report) {
  constexpr std::size_t kFields = 9;  // more than one register has lanes
  const std::uint8_t bytes[DataKey::kLen] = {1, 2, 3};
  const auto key = DataKey::create(bytes, LockPolicy::best_effort);
  if (!key) return 1;
  key->kernel_name().copy(report.kernel, sizeof report.kernel - 1);
  const Buf plaintext(20, 7);
  std::vector<Buf> payloads(kFields, Buf(payload_len(plaintext.size())));
  std::vector<Buf> outs(kFields, Buf(open_capacity(payloads[0].size())));
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;
  for (std::size_t i = 0; i < kFields; ++i) {
    seal.push_back({&*key, {}, Algorithm::deterministic, 2, plaintext, payloads[i]});
    open.push_back({&*key, payloads[i], outs[i]});
  }
  for (const std::size_t n : {kFields, std::size_t{1}}) {  // a field alone may go another way
    if (!seal_batch(std::span(seal).first(n)) || !open_batch(std::span(open).first(n))) return 2;
  }
  return 0;
}

/// Chooses a kernel under the eyes of the parent, then tries to make a key for each.
int choose_and_make_keys(Report& report) {
  const Kernel* const chosen = kernels::chosen();
  test::stop_tracing();
  if (chosen != nullptr) std::strncpy(report.kernel, chosen->name, sizeof report.kernel - 1);
  const std::uint8_t bytes[DataKey::kLen] = {1, 2, 3};
  unsigned i = 0;
  for (const Kernel* k : kernels::all()) {
    if (engine::KeyUse::create_key(*k, bytes, LockPolicy::best_effort)) report.accepted |= bit(i);
    ++i;
  }
  const auto key = DataKey::create(bytes, LockPolicy::best_effort);
  if (chosen == nullptr) return !key && key.error().code == Errc::kernel_unavailable ? 0 : 1;
  return key && engine::use(*key).kernel == chosen ? 0 : 1;
}

/// Base of tests that run children. Each child reads FLE_KERNEL anew.
class Tracing : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    // libcrypto loads its algorithms once: here, as a child would take minutes.
    (void)test::reference::cbc_encrypt(Buf(32), Buf(16), Buf(16));
  }
  void run(const Cpu& cpu, const char* forced, int (*work)(Report&)) {
    *report_ = {};
    const char* const before = std::getenv("FLE_KERNEL");
    const std::string saved = before != nullptr ? before : "";
    if (forced != nullptr) {
      ::setenv("FLE_KERNEL", forced, 1);
    } else {
      ::unsetenv("FLE_KERNEL");
    }
    traced_ = test::run_traced(cpu.lacks, [this, work] { return work(*report_); });
    if (before != nullptr) ::setenv("FLE_KERNEL", saved.c_str(), 1);
    ASSERT_EQ(traced_.exit_code, 0);
  }
  void expect_instructions_of(const Kernel& k) const {
    const Executed& n = traced_.executed;
    EXPECT_GT(n.all, 1000U) << "nothing was traced";
    RecordProperty("instructions", static_cast<int>(n.all));
    const auto expect = [&k](std::size_t count, std::uint32_t need, bool used, const char* what) {
      if ((k.needs & need) == 0) {
        EXPECT_EQ(count, 0U) << k.name << " executed " << what;
      } else if (used) {
        EXPECT_GT(count, 0U) << k.name << " executed no " << what;
      }
    };
    expect(n.aes, kernels::kAesNi, true, "AES-NI");
    // With AVX-512 every vector instruction may be an EVEX one.
    expect(n.vex, kernels::kAvx2, (k.needs & kernels::kAvx512) == 0, "VEX code");
    expect(n.evex, kernels::kAvx512, true, "AVX-512");
    expect(n.wide_aes, kernels::kVaes, true, "VAES");
  }
  [[nodiscard]] const Report& report() const { return *report_; }

 private:
  struct Unmap {
    void operator()(Report* p) const { ::munmap(p, sizeof *p); }
  };
  std::unique_ptr<Report, Unmap> report_{static_cast<Report*>(
      ::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))};
  Traced traced_{};
};

class ForcedKernel : public Tracing, public ::testing::WithParamInterface<const Kernel*> {};

TEST_P(ForcedKernel, ExecutesItsInstructionsAndNoOthers) {
  const Kernel& k = *GetParam();
  if (!can_run(kThisCpu, k)) GTEST_SKIP() << "no " << k.name << " here";
  ASSERT_NO_FATAL_FAILURE(run(kThisCpu, k.name, make_key_and_use_it));
  EXPECT_STREQ(report().kernel, k.name);
  expect_instructions_of(k);
}

TEST_P(ForcedKernel, IsRefusedOnACpuThatCannotRunIt) {
  const Kernel& k = *GetParam();
  for (const Cpu& cpu : kCpus) {
    if (can_run(cpu, k)) continue;
    ASSERT_NO_FATAL_FAILURE(run(cpu, k.name, choose_and_make_keys));
    EXPECT_STREQ(report().kernel, "") << cpu.name;
  }
}

FLE_FOR_EVERY_KERNEL(ForcedKernel);

class EachCpu : public Tracing, public ::testing::WithParamInterface<Cpu> {};

TEST_P(EachCpu, GetsTheFastestKernelThatItCanRun) {
  ASSERT_NO_FATAL_FAILURE(run(GetParam(), nullptr, choose_and_make_keys));
  EXPECT_STREQ(report().kernel, fastest_on(GetParam()).name);
}

TEST_P(EachCpu, RefusesAKernelThatDoesNotExist) {
  ASSERT_NO_FATAL_FAILURE(run(GetParam(), "no_such_kernel", choose_and_make_keys));
  EXPECT_STREQ(report().kernel, "");
}

TEST_P(EachCpu, HasKeysForTheKernelsThatItCanRunAndNoOthers) {
  ASSERT_NO_FATAL_FAILURE(run(GetParam(), nullptr, choose_and_make_keys));
  unsigned i = 0;
  for (const Kernel* k : kernels::all()) {
    EXPECT_EQ((report().accepted & bit(i)) != 0, can_run(GetParam(), *k)) << k->name;
    ++i;
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EachCpu, ::testing::ValuesIn(kCpus),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace fle
