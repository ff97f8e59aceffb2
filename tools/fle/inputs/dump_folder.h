#ifndef FLE_TOOLS_DUMP_FOLDER_H_
#define FLE_TOOLS_DUMP_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chunk.h"
#include "fle/failure.h"

namespace fle::tools {

/// A folder of mongodump: DB/COLLECTION.bson, each with COLLECTION.metadata.json beside it, all of
/// them compressed (.gz) or not; prelude.json and oplog.bson may stand above. The folder of one
/// database is one, too.
struct DumpFolder {
  /// A file whose name has no more than the start of its collection's, and a hash: mongodump cuts
  /// names that are too long for a file, and the metadata beside it have the whole one.
  struct CutName {
    std::size_t collection = 0;  // in `collections`
    std::string db{};
    std::string metadata{};  // path in the folder; nothing may be there
  };

  std::string path;
  std::vector<std::string> folders;                            // in it, by their paths there
  std::vector<std::shared_ptr<const Collection>> collections;  // each with its file
  std::vector<CutName> cut_names;
  std::vector<std::string> others;     // files that are no documents: metadata
  std::vector<std::string> strangers;  // that mongodump does not write
  std::uint64_t bytes = 0;             // of the files with documents

  /// @retval Errc::io_failed  it cannot be read
  /// @retval Errc::invalid_argument  what is in it is not of mongodump, or is no file
  static Outcome<DumpFolder> open(const std::string& path);

  /// Gives the collection the name that its metadata have.
  void name(const CutName& cut, std::string_view collection);
};

/// The collection's name out of that of its file, where mongodump has written some characters as
/// %XX.
[[nodiscard]] std::string unescaped(std::string_view name);

}  // namespace fle::tools

#endif  // FLE_TOOLS_DUMP_FOLDER_H_
