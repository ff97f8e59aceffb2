#ifndef FLE_TOOLS_CASE_HINTS_H_
#define FLE_TOOLS_CASE_HINTS_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/schema/plan.h"
#include "packed.h"

namespace fle::tools {

/// With small letters, of ASCII alone.
[[nodiscard]] std::string in_small_letters(std::string_view text);

/// Finds field names that are those of a schema but for upper and lower case: "SSN" where the
/// schema encrypts "ssn" goes out as it is. Letters of ASCII only; patterns are not looked at.
class CaseHints {
 public:
  explicit CaseHints(const schema::Plan& plan);

  /// Looks at a document that was encrypted without a failure, at a few thousand of them at most.
  void look(Bytes document);
  /// For another process to go on with, and back.
  void save(Packer& out) const;
  void load(Unpacker& in);
  /// "'SSN' appears, the schema has 'ssn'", for each such name, up to ten.
  [[nodiscard]] std::vector<std::string> texts() const;

 private:
  void look(Bytes document, std::uint32_t offset, const std::string& above);

  std::set<std::string, std::less<>> paths_;                // of encrypted fields and above them
  std::map<std::string, std::string, std::less<>> folded_;  // in small letters, to one of these
  std::map<std::string, std::string, std::less<>> found_;   // what appears, to what is meant
  std::size_t looked_ = 0;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CASE_HINTS_H_
