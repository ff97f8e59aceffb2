#include "pattern.h"

#include <cstdint>

#if FLE_WITH_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

namespace fle::schema {

#if FLE_WITH_PCRE2

namespace {

// A field name is short and a schema's expressions are simple: whatever needs more than this is
// hostile, or a mistake.
constexpr std::uint32_t kMatchLimit = 100'000;
constexpr std::uint32_t kDepthLimit = 1'000;
constexpr std::uint32_t kHeapLimitKib = 1'024;
/// Of a search that tries nothing.
constexpr std::uint64_t kCallSteps = 2;

struct FreeContext {
  void operator()(pcre2_match_context* c) const noexcept { pcre2_match_context_free(c); }
};
struct FreeData {
  void operator()(pcre2_match_data* d) const noexcept { pcre2_match_data_free(d); }
};

/// Counts a search. PCRE2 says nothing of what a search has cost, and its match limit starts anew
/// at each place of the name; but a pattern compiled with PCRE2_AUTO_CALLOUT calls back before each
/// of its items, whenever it tries one. That costs a simple pattern nothing to a third more time,
/// since most names are told apart before an item is tried, and a hostile one twice.
struct Meter {
  std::uint64_t left;
  const Work* work;
  std::size_t reference_cost;  // of an item that may compare all that was matched before
  std::uint64_t used = 0;
  std::size_t item = 0;  // pattern bytes of the one that was tried last
  std::size_t at = 0;    // where in the name
};

// A class has many ranges, and a repeated item runs over much of the name in one go.
constexpr std::size_t kRangesInStep = 32;
constexpr std::size_t kCharactersInStep = 4;

int count(pcre2_callout_block* block, void* data) noexcept {
  Meter& m = *static_cast<Meter*>(data);
  const std::size_t run = block->current_position > m.at ? block->current_position - m.at : 0;
  m.used += 1 + run * (1 + m.item / kRangesInStep) / kCharactersInStep +
            block->next_item_length / kRangesInStep + m.reference_cost;
  m.item = block->next_item_length;
  m.at = block->current_position;
  const bool ends = m.used > m.left || (m.work != nullptr && m.work->is_abandoned());
  return ends ? PCRE2_ERROR_CALLOUT : 0;
}

/// What a search writes to: one for each thread, kept.
struct Workspace {
  std::unique_ptr<pcre2_match_context, FreeContext> context{pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_match_data, FreeData> data{pcre2_match_data_create(1, nullptr)};
  Workspace() noexcept {
    if (context == nullptr) return;
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_set_depth_limit(context.get(), kDepthLimit);
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  }
};

}  // namespace

Outcome<Pattern> Pattern::compile(const std::string& text) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                   PCRE2_UTF | PCRE2_AUTO_CALLOUT, &error, &offset, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR why[128] = {};
    pcre2_get_error_message(error, why, sizeof why);
    return Failure(Errc::schema_bad_value,
                   "not a regular expression: " + std::string(reinterpret_cast<const char*>(why)) +
                       " at character " + std::to_string(offset + 1));
  }
  std::shared_ptr<const void> kept(
      code, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); });
  std::uint32_t last_reference = 0;
  pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &last_reference);
  return Pattern(text, std::move(kept), last_reference != 0);
}

Pattern::Match Pattern::search(std::string_view name, Work* work) const noexcept {
  thread_local const Workspace w;
  if (w.context == nullptr || w.data == nullptr) return Match::failed;
  Meter meter{UINT64_MAX, work, refers_back_ ? name.size() / Work::kBytesInStep : 0};
  if (work != nullptr) {
    work->step(kCallSteps);
    work->bytes(name.size());
    if (work->spent()) return Match::failed;
    meter.left = work->limit() - work->steps();
  }
  pcre2_set_callout(w.context.get(), count, &meter);
  const int found = pcre2_match(static_cast<const pcre2_code*>(code_.get()),
                                reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                w.data.get(), w.context.get());
  if (work != nullptr) {
    work->step(meter.used);
    work->took(meter.used, text_);
  }
  if (found == PCRE2_ERROR_NOMATCH) return Match::no;
  return found >= 0 ? Match::yes : Match::failed;
}

#else

Outcome<Pattern> Pattern::compile(const std::string&) {
  return Failure(Errc::not_in_build,
                 "patternProperties need PCRE2, and this build was made without it");
}
Pattern::Match Pattern::search(std::string_view, Work*) const noexcept { return Match::failed; }

#endif

}  // namespace fle::schema
