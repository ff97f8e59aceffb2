#include "case_hints.h"

#include "fle/bson/cursor.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMostDocuments = 4096;
constexpr std::size_t kMostHints = 10;

std::string folded(std::string_view text) {
  std::string s(text);
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

}  // namespace

CaseHints::CaseHints(const schema::Plan& plan) {
  for (const schema::Leaf& leaf : plan.leaves()) {
    for (std::size_t dot = 0; dot != std::string::npos;) {
      dot = leaf.path.find('.', dot + 1);
      const std::string path = leaf.path.substr(0, dot);
      folded_.emplace(folded(path), path);
      paths_.insert(path);
    }
  }
}

void CaseHints::look(Bytes document) {
  if (paths_.empty() || found_.size() == kMostHints || looked_ == kMostDocuments) return;
  ++looked_;
  look(document, 0, {});
}

void CaseHints::look(Bytes document, std::uint32_t offset, const std::string& above) {
  for (bson::Cursor c(document, offset); c.next();) {
    const bson::Element& e = c.element();
    const std::string path = above + std::string(e.name);
    const auto meant = folded_.find(folded(path));
    if (meant == folded_.end()) continue;
    if (!paths_.contains(path) && found_.size() < kMostHints) found_.emplace(path, meant->second);
    if (e.type == bson::Type::object) look(document, e.value_offset, path + ".");
  }
}

std::vector<std::string> CaseHints::texts() const {
  std::vector<std::string> texts;
  for (const auto& [appears, meant] : found_)
    texts.push_back("'" + appears + "' appears, the schema has '" + meant + "'");
  return texts;
}

}  // namespace fle::tools
