#ifndef FLE_TESTS_QUERY_RESULTS_NODE_SIDE_H_
#define FLE_TESTS_QUERY_RESULTS_NODE_SIDE_H_

#include <memory>
#include <string>
#include <vector>

#include "query/leak/tree.h"

namespace fle::test::results {

/// What is written twice: as it is, and as the analysis gives it back (query::write_marked).
struct Twice {
  leak::Buf plain;
  leak::Buf marked;
};
/// A collection's documents, and for each path of its schema how a value there is encrypted:
/// {path: {} | {a: algorithm, key: the key's id}}.
struct Documents {
  std::string collection;
  leak::Value methods;
  std::vector<Twice> documents;
};

/// What oracle.mjs says of one command; see there.
struct Judgment {
  enum class Verdict { same, different, failed };
  Verdict verdict = Verdict::different;
  std::size_t n = 0;       ///< Documents or values in the answer.
  std::size_t tokens = 0;  ///< Encrypted values in it.
  std::string text;        ///< The answers, where they differ or were asked for.
};

/// oracle.mjs in a process of its own, which ends with this object.
class NodeSide {
 public:
  /// False: no node here, or no way to install what it needs.
  static bool is_available();

  NodeSide();
  ~NodeSide();

  /// Runs each command on the documents. Throws where Node does not answer.
  [[nodiscard]] std::vector<Judgment> judge(const std::vector<Documents>& documents,
                                            const std::vector<Twice>& commands, bool show = false);

 private:
  std::string rest_of(const leak::Buf& reply);
  struct Process;
  std::unique_ptr<Process> process_;
};

}  // namespace fle::test::results

#endif  // FLE_TESTS_QUERY_RESULTS_NODE_SIDE_H_
