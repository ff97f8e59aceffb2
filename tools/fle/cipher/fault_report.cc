#include "fault_report.h"

#include <utility>

namespace fle::tools {
namespace {

/// "1 fault", "2 faults".
std::string count_of(std::uint64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

void KeptReport::add(const client::KeptField& f, std::uint64_t document, const std::string& ns) {
  lines_.add("document " + std::to_string(document) + ": field '" + f.path + "': left encrypted: " +
             name(f.reason) + ": " + f.message + (ns.empty() ? "" : " (in " + ns + ")"));
}

void KeptReport::finish() const {
  if (lines_.n() != 0) complain(std::to_string(lines_.n()) + " fields were left encrypted");
}

void LeftOutReport::add(const bson::Faults& faults) {
  ++n_documents_;
  for (const Failure& f : faults.first) lines_.add(f.to_string());
  lines_.add(faults.n - faults.first.size());
}

void LeftOutReport::finish(const std::string& quarantine) const {
  if (n_documents_ == 0) return;
  std::string line =
      count_of(n_documents_, "document") + " left out for " + count_of(lines_.n(), "fault");
  if (lines_.n() > LongReport::kMost)
    line += ", the first " + std::to_string(LongReport::kMost) + " of which are above";
  if (!quarantine.empty()) line += "; as they came: '" + quarantine + "'";
  complain(line);
}

void StopReport::note(std::uint64_t chunk, bson::Faults faults) {
  const std::lock_guard lock(mutex_);
  if (chunk >= chunk_) return;
  chunk_ = chunk;
  faults_ = std::move(faults);
}

Ending StopReport::tell(Failure why) const {
  const bool has_more = faults_.n > 1 && faults_.first.front().to_string() == why.to_string();
  if (!has_more) return why;
  for (const Failure& f : faults_.first) complain(f.to_string());
  if (const std::uint64_t more = faults_.n - faults_.first.size(); more != 0)
    complain("document " + std::to_string(why.document) + ": and " + count_of(more, "more fault"));
  return status_of(why.code);
}

}  // namespace fle::tools
