#include "case_hints.h"

#include "fle/bson/cursor.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMostDocuments = 4096;
constexpr std::size_t kMostHints = 10;

}  // namespace

std::string in_small_letters(std::string_view text) {
  std::string s(text);
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

CaseHints::CaseHints(const schema::Plan& plan) {
  for (const schema::Leaf& leaf : plan.leaves()) {
    for (std::size_t dot = 0; dot != std::string::npos;) {
      dot = leaf.path.find('.', dot + 1);
      const std::string path = leaf.path.substr(0, dot);
      folded_.emplace(in_small_letters(path), path);
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
    const auto meant = folded_.find(in_small_letters(path));
    if (meant == folded_.end()) continue;
    if (!paths_.contains(path) && found_.size() < kMostHints) found_.emplace(path, meant->second);
    if (e.type == bson::Type::object) look(document, e.value_offset, path + ".");
  }
}

void CaseHints::save(Packer& out) const {
  out.add(std::uint64_t{looked_});
  out.add(std::uint64_t{found_.size()});
  for (const auto& [appears, meant] : found_) {
    out.add(appears);
    out.add(meant);
  }
}

void CaseHints::load(Unpacker& in) {
  looked_ = in.number();
  for (std::uint64_t left = in.number(); left != 0 && in.good(); --left) {
    std::string appears(in.text());
    found_.emplace(std::move(appears), in.text());
  }
}

std::vector<std::string> CaseHints::texts() const {
  std::vector<std::string> texts;
  for (const auto& [appears, meant] : found_) {
    std::string& text = texts.emplace_back("'");
    text.append(appears).append("' appears, the schema has '").append(meant).append("'");
  }
  return texts;
}

}  // namespace fle::tools
