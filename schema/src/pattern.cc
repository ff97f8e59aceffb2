#include "pattern.h"

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

struct FreeContext {
  void operator()(pcre2_match_context* c) const noexcept { pcre2_match_context_free(c); }
};
struct FreeData {
  void operator()(pcre2_match_data* d) const noexcept { pcre2_match_data_free(d); }
};

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
                                   PCRE2_UTF, &error, &offset, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR why[128] = {};
    pcre2_get_error_message(error, why, sizeof why);
    return Failure(Errc::schema_bad_value,
                   "not a regular expression: " + std::string(reinterpret_cast<const char*>(why)) +
                       " at character " + std::to_string(offset + 1));
  }
  return Pattern(text, std::shared_ptr<const void>(code, [](const void* p) {
                   pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p)));
                 }));
}

Pattern::Match Pattern::search(std::string_view name) const noexcept {
  thread_local const Workspace w;
  if (w.context == nullptr || w.data == nullptr) return Match::failed;
  const int found = pcre2_match(static_cast<const pcre2_code*>(code_.get()),
                                reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                w.data.get(), w.context.get());
  if (found == PCRE2_ERROR_NOMATCH) return Match::no;
  return found >= 0 ? Match::yes : Match::failed;
}

#else

Outcome<Pattern> Pattern::compile(const std::string&) {
  return Failure(Errc::not_in_build,
                 "patternProperties need PCRE2, and this build was made without it");
}
Pattern::Match Pattern::search(std::string_view) const noexcept { return Match::failed; }

#endif

}  // namespace fle::schema
