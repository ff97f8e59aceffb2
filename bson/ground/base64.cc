#include "fle/bson/base64.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "fle/bson/little_endian.h"

namespace fle::bson {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kBad = 0x80000000;

/// What a digit gives at each of the four places of a group of 24 bits.
constexpr auto kGroups = [] {
  std::array<std::array<std::uint32_t, 256>, 4> t{};
  for (auto& place : t) place.fill(kBad);
  for (std::uint32_t i = 0; i < kDigits.size(); ++i)
    for (std::size_t place = 0; place < 4; ++place)
      t[place][static_cast<unsigned char>(kDigits[i])] = i << (18 - 6 * place);
  return t;
}();

/// Two digits for each 12 bits.
constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 4096> t{};
  for (std::size_t i = 0; i < t.size(); ++i) t[i] = {kDigits[i >> 6], kDigits[i & 63]};
  return t;
}();

constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> t{};
  t.fill(-1);
  for (std::uint8_t i = 0; i < 10; ++i) t[std::size_t{'0'} + i] = static_cast<std::int8_t>(i);
  for (std::uint8_t i = 0; i < 6; ++i) {
    t[std::size_t{'a'} + i] = static_cast<std::int8_t>(10 + i);
    t[std::size_t{'A'} + i] = static_cast<std::int8_t>(10 + i);
  }
  return t;
}();

/// Negative if not a digit.
int hex_value(char c) noexcept { return kHexValues[static_cast<unsigned char>(c)]; }

/// Eight digits, the first in the lowest byte, as four bytes. A letter is 9 less than its value in
/// its low bits. What no digit gives does not give its character back.
std::uint32_t four_bytes(std::uint64_t text, std::uint64_t& faults) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const std::uint64_t letters = text >> 6 & kEach;
  const std::uint64_t values = (text & 0x0f * kEach) + 9 * letters;
  // Digits have bit 5; letters have bit 6, and as small ones both.
  const std::uint64_t small = text | letters << 5;
  faults |= small ^ (values + ('0' * kEach) + ('a' - '0' - 10) * letters);
  faults |= ((values + 6 * kEach) >> 4 & kEach) ^ letters;  // 10 and more are letters
  faults |= values & 0xf0 * kEach;
  const std::uint64_t pairs = (values << 4 | values >> 8) & 0x00ff00ff00ff00ff;
  const std::uint64_t fours = (pairs | pairs >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(fours | fours >> 16);
}

std::uint32_t group(const char* p) noexcept {
  const auto* const u = reinterpret_cast<const unsigned char*>(p);
  return kGroups[0][u[0]] | kGroups[1][u[1]] | kGroups[2][u[2]] | kGroups[3][u[3]];
}

void put_group(std::uint8_t* out, std::uint32_t bits) noexcept {
  out[0] = static_cast<std::uint8_t>(bits >> 16);
  out[1] = static_cast<std::uint8_t>(bits >> 8);
  out[2] = static_cast<std::uint8_t>(bits);
}

#if defined(__SSE2__)
/// Bytes of `v` from `first` to `last`, as a mask.
__m128i in_range(__m128i v, char first, char last) noexcept {
  return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(static_cast<char>(first - 1))),
                       _mm_cmplt_epi8(v, _mm_set1_epi8(static_cast<char>(last + 1))));
}

/// Sixteen digits at once into twelve bytes, and two bytes more behind them; false if one is none.
/// Instead of a table, what lies between a digit's character and its value is chosen by ranges.
bool put_groups(std::uint8_t* out, const char* p) noexcept {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  struct {
    __m128i where;
    char shift;
  } const ranges[] = {{in_range(v, 'A', 'Z'), -'A'},
                      {in_range(v, 'a', 'z'), 26 - 'a'},
                      {in_range(v, '0', '9'), 52 - '0'},
                      {in_range(v, '+', '+'), 62 - '+'},
                      {in_range(v, '/', '/'), 63 - '/'}};
  __m128i digits = _mm_setzero_si128();
  __m128i shift = _mm_setzero_si128();
  for (const auto& r : ranges) {
    digits = _mm_or_si128(digits, r.where);
    shift = _mm_or_si128(shift, _mm_and_si128(r.where, _mm_set1_epi8(r.shift)));
  }
  if (_mm_movemask_epi8(digits) != 0xffff) return false;
  const __m128i sixes = _mm_add_epi8(v, shift);
  const __m128i firsts = _mm_and_si128(sixes, _mm_set1_epi16(0xff));
  const __m128i twelves = _mm_or_si128(_mm_slli_epi16(firsts, 6), _mm_srli_epi16(sixes, 8));
  alignas(16) std::uint64_t groups[2];  // each two groups of 24 bits, in words of 32
  _mm_store_si128(reinterpret_cast<__m128i*>(groups),
                  _mm_madd_epi16(twelves, _mm_set1_epi32(1 << 16 | 1 << 12)));
  for (std::size_t i = 0; i < 2; ++i)
    store64(out + 6 * i, __builtin_bswap64(groups[i] << 40 | (groups[i] >> 32) << 16));
  return true;
}
#endif

#if defined(__x86_64__)
// Where a digit's value comes from, by the upper four bits of its character.
struct ByUpper {
  std::array<std::uint8_t, 16> shift{};  // what lies between character and value; but for the slash
  std::array<std::uint8_t, 16> set{};    // a bit of its own, where there are digits
  std::array<std::uint8_t, 16> in{};     // by the lower four bits: the sets that have them
};
constexpr int kSlashMore = -3;  // the plus, with the same upper bits, is four before it
constexpr ByUpper kByUpper = [] {
  ByUpper t;
  int n_sets = 0;
  for (int i = 0; i < 64; ++i) {
    const auto c = static_cast<unsigned char>(kDigits[static_cast<std::size_t>(i)]);
    const auto upper = static_cast<std::size_t>(c >> 4);
    if (t.set[upper] == 0) t.set[upper] = static_cast<std::uint8_t>(1 << n_sets++);
    std::uint8_t& in = t.in[static_cast<std::size_t>(c & 15)];
    in = static_cast<std::uint8_t>(in | t.set[upper]);
    t.shift[upper] = static_cast<std::uint8_t>(i - c - (c == '/' ? kSlashMore : 0));
  }
  return t;
}();

[[gnu::target("avx2")]] inline __m256i twice(const std::array<std::uint8_t, 16>& table) noexcept {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

/// As many digits as there are, but for the last ones, 32 at once into 24 bytes.
/// @return  how many characters were read; none, or all but some, where one is no digit
[[gnu::target("avx2")]] std::size_t put_many(std::uint8_t* out, const char* text,
                                             std::size_t size) noexcept {
  constexpr std::size_t kAtOnce = 32;
  // What is left gives the eight bytes that a store writes behind its 24, at least.
  constexpr std::size_t kLeft = 16;
  // The three bytes of each word of 32 bits, the first one first; nothing of the fourth.
  static constexpr std::array<std::uint8_t, 16> kOrder{2, 1,  0,  6,  5,   4,   10,  9,
                                                       8, 14, 13, 12, 128, 128, 128, 128};
  const __m256i shifts = twice(kByUpper.shift);
  const __m256i sets = twice(kByUpper.set);
  const __m256i in = twice(kByUpper.in);
  const __m256i order = twice(kOrder);
  const __m256i lower = _mm256_set1_epi8(15);
  const __m256i halves = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
  std::size_t at = 0;
  for (; size - at >= kAtOnce + kLeft; at += kAtOnce, out += 24) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + at));
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi32(v, 4), lower);
    const __m256i is_digit = _mm256_and_si256(_mm256_shuffle_epi8(sets, upper),
                                              _mm256_shuffle_epi8(in, _mm256_and_si256(v, lower)));
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(is_digit, _mm256_setzero_si256())) != 0) return at;
    const __m256i is_slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('/'));
    const __m256i sixes = _mm256_add_epi8(_mm256_add_epi8(v, _mm256_shuffle_epi8(shifts, upper)),
                                          _mm256_and_si256(is_slash, _mm256_set1_epi8(kSlashMore)));
    const __m256i twelves = _mm256_maddubs_epi16(sixes, _mm256_set1_epi16(1 << 8 | 1 << 6));
    const __m256i groups = _mm256_madd_epi16(twelves, _mm256_set1_epi32(1 << 16 | 1 << 12));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, order), halves));
  }
  return at;
}

// What lies between a value and its digit: all letters of one kind and all others have a place
// each. That of the capital ones is told here; those of others grow with their value from 0 on.
constexpr int kFirstSmall = 26;
constexpr int kFirstNumber = 52;
constexpr int kCapitals = 13;
constexpr std::array<std::uint8_t, 16> kToDigit = [] {
  std::array<std::uint8_t, 16> t{};
  for (int i = 0; i < 64; ++i) {
    const int place = i < kFirstSmall ? kCapitals : std::max(i - (kFirstNumber - 1), 0);
    t[static_cast<std::size_t>(place)] =
        static_cast<std::uint8_t>(kDigits[static_cast<std::size_t>(i)] - i);
  }
  return t;
}();

/// As many bytes as there are, but for the last ones, 24 at once into 32 digits.
/// @return  how many bytes were read
[[gnu::target("avx2")]] std::size_t put_digits(char* out, const std::uint8_t* in,
                                               std::size_t size) noexcept {
  constexpr std::size_t kAtOnce = 24;
  constexpr std::size_t kRead = 28;
  // Each group of three bytes as two words of 16 bits, which begin and end with the one in the
  // middle.
  static constexpr std::array<std::uint8_t, 16> kOrder{1, 0, 2, 1, 4,  3, 5,  4,
                                                       7, 6, 8, 7, 10, 9, 11, 10};
  const __m256i order = twice(kOrder);
  const __m256i to_digit = twice(kToDigit);
  std::size_t at = 0;
  for (; size - at >= kRead; at += kAtOnce, out += 32) {
    const auto* const p = reinterpret_cast<const __m128i*>(in + at);
    const auto* const second = reinterpret_cast<const __m128i*>(in + at + kAtOnce / 2);
    const __m256i words =
        _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(p)),
                                                    _mm_loadu_si128(second), 1),
                            order);
    // Products move bits: the first and third six of a group down, the second and fourth up.
    const __m256i down = _mm256_mulhi_epu16(_mm256_and_si256(words, _mm256_set1_epi32(0x0fc0fc00)),
                                            _mm256_set1_epi32(1 << 26 | 1 << 6));
    const __m256i up = _mm256_mullo_epi16(_mm256_and_si256(words, _mm256_set1_epi32(0x003f03f0)),
                                          _mm256_set1_epi32(1 << 24 | 1 << 4));
    const __m256i sixes = _mm256_or_si256(down, up);
    const __m256i is_capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(kFirstSmall), sixes);
    const __m256i place =
        _mm256_or_si256(_mm256_subs_epu8(sixes, _mm256_set1_epi8(kFirstNumber - 1)),
                        _mm256_and_si256(is_capital, _mm256_set1_epi8(kCapitals)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_add_epi8(sixes, _mm256_shuffle_epi8(to_digit, place)));
  }
  return at;
}
#endif

void put_pair(char* out, std::uint64_t bits) noexcept {
  std::memcpy(out, kPairs[bits & 0xfff].data(), 2);
}

}  // namespace

std::optional<std::size_t> decode_base64(std::uint8_t* out, std::string_view text) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  std::uint8_t* const start = out;
  const char* p = text.data();
  const char* const last = p + text.size() - 4;  // the group that may have padding
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    const std::size_t n = put_many(out, p, text.size());
    p += n;
    out += n / 4 * 3;
  }
#endif
#if defined(__SSE2__)
  // Behind the last of these stand two bytes more, at least.
  for (; last - p > 16; p += 16, out += 12)
    if (!put_groups(out, p)) return std::nullopt;
#endif
  std::uint32_t all = 0;
  for (; p != last; p += 4, out += 3) {
    const std::uint32_t bits = group(p);
    all |= bits;
    put_group(out, bits);
  }
  char padded[4];
  std::memcpy(padded, p, 4);
  std::size_t padding = 0;
  while (padding < 2 && padded[3 - padding] == '=') padded[3 - padding++] = 'A';
  const std::uint32_t bits = group(padded);
  const std::uint32_t unused = padding == 0 ? 0 : padding == 1 ? 0xff : 0xffff;
  if (((all | bits) & kBad) != 0 || (bits & unused) != 0) return std::nullopt;
  std::uint8_t bytes[3];
  put_group(bytes, bits);
  std::memcpy(out, bytes, 3 - padding);
  return static_cast<std::size_t>(out - start) + 3 - padding;
}

void encode_base64(char* out, const std::uint8_t* in, std::size_t n) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    const std::size_t done = put_digits(out, in, n);
    out += done / 3 * 4;
    in += done;
    n -= done;
  }
#endif
  for (; n >= 8; n -= 6, in += 6, out += 8) {
    const std::uint64_t bits = __builtin_bswap64(load64(in));  // of which the last 16 wait
    put_pair(out, bits >> 52);
    put_pair(out + 2, bits >> 40);
    put_pair(out + 4, bits >> 28);
    put_pair(out + 6, bits >> 16);
  }
  for (; n >= 3; n -= 3, in += 3, out += 4) {
    const std::uint32_t bits =
        std::uint32_t{in[0]} << 16 | std::uint32_t{in[1]} << 8 | std::uint32_t{in[2]};
    put_pair(out, bits >> 12);
    put_pair(out + 2, bits);
  }
  if (n == 0) return;
  const std::uint32_t bits = std::uint32_t{in[0]} << 16 | (n == 2 ? std::uint32_t{in[1]} << 8 : 0);
  put_pair(out, bits >> 12);
  put_pair(out + 2, bits);
  out[3] = '=';
  if (n == 1) out[2] = '=';
}

bool decode_hex(std::uint8_t* out, std::size_t n, std::string_view text) noexcept {
  if (text.size() != 2 * n) return false;
  std::uint64_t faults = 0;
  std::size_t i = 0;
  for (; n - i >= 4; i += 4) store32(out + i, four_bytes(load64(text.data() + 2 * i), faults));
  int bad = faults == 0 ? 0 : -1;
  for (; i < n; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    bad |= high | low;
    out[i] = static_cast<std::uint8_t>((high & 15) << 4 | (low & 15));
  }
  return bad >= 0;
}

void encode_hex(char* out, const std::uint8_t* in, std::size_t n) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < n; ++i) {
    out[2 * i] = kHex[in[i] >> 4];
    out[2 * i + 1] = kHex[in[i] & 15];
  }
}

std::optional<std::uint8_t> parse_hex_byte(std::string_view text) noexcept {
  if (text.empty() || text.size() > 2) return std::nullopt;
  const char both[2] = {text.size() == 2 ? text[0] : '0', text.back()};
  std::uint8_t byte = 0;
  if (!decode_hex(&byte, 1, {both, 2})) return std::nullopt;
  return byte;
}

bool decode_uuid(std::uint8_t* out, std::string_view text) noexcept {
  constexpr std::size_t kParts[] = {4, 2, 2, 2, 6};  // bytes
  if (text.size() != 36) return false;
  std::size_t at = 0;
  for (const std::size_t n : kParts) {
    if (at != 0 && text[at++] != '-') return false;
    if (!decode_hex(out, n, text.substr(at, 2 * n))) return false;
    at += 2 * n;
    out += n;
  }
  return true;
}

}  // namespace fle::bson
