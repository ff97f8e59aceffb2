#include "dump_folder.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace fle::tools {
namespace {

namespace fs = std::filesystem;

/// `name` without `ending`, or without that and .gz; nothing if it ends otherwise.
std::string_view stem(std::string_view name, std::string_view ending) noexcept {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (!name.ends_with(ending)) return {};
  return name.substr(0, name.size() - ending.size());
}

/// As mongo-tools cuts a name (mongodump/prepare.go): 208 bytes, "%24", and 27 of a hash.
bool is_cut(std::string_view stem) noexcept {
  constexpr std::size_t kKept = 208;
  constexpr std::size_t kWhole = 238;
  return stem.size() == kWhole && stem.substr(kKept).starts_with("%24");
}

int hex_digit(char c) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t at = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

class Lister {
 public:
  explicit Lister(const std::string& path) : folder_{path, {}, {}, {}, {}, {}} {}

  Outcome<DumpFolder> run() {
    std::error_code failed;
    const bool is_database = has_documents();
    const fs::path whole = fs::canonical(folder_.path, failed);
    FLE_CHECK(list({}, is_database ? whole.filename().string() : std::string(), !is_database));
    if (folder_.collections.empty())
      return Failure(
          Errc::invalid_argument,
          "'" + folder_.path + "' is no folder of mongodump: it has no DB/COLLECTION.bson");
    return std::move(folder_);
  }

 private:
  /// Whether files of documents stand in the folder itself: it is that of a database.
  [[nodiscard]] bool has_documents() const {
    std::error_code failed;
    return std::any_of(fs::directory_iterator(folder_.path, failed), fs::directory_iterator(),
                       [](const fs::directory_entry& e) {
                         const std::string name = e.path().filename().string();
                         const std::string_view collection = stem(name, ".bson");
                         return !collection.empty() && collection != "oplog";
                       });
  }

  /// @param within  the folder's path in the dump, with a slash behind it; empty: the dump itself
  Done list(const std::string& within, const std::string& db, bool may_have_folders) {
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator it(folder_.path + "/" + within, failed), end; !failed && it != end;
         it.increment(failed))
      names.push_back(it->path().filename().string());
    if (failed)
      return Failure(Errc::io_failed,
                     "cannot read '" + folder_.path + "/" + within + "': " + failed.message());
    std::ranges::sort(names);
    for (const std::string& name : names) FLE_CHECK(add(within, name, db, may_have_folders));
    return ok;
  }

  Done add(const std::string& within, const std::string& name, const std::string& db,
           bool may_have_folders) {
    const std::string file = within + name;
    std::error_code failed;
    const fs::path whole = folder_.path + "/" + file;
    const fs::file_status status = fs::symlink_status(whole, failed);
    if (fs::is_directory(status) && may_have_folders) {
      folder_.folders.push_back(file);
      return list(file + "/", name, false);
    }
    if (!fs::is_regular_file(status))
      return Failure(Errc::invalid_argument,
                     "'" + whole.string() + "' is not what a folder of mongodump has there");
    const std::string_view collection = stem(name, ".bson");
    const bool is_oplog = db.empty() && collection == "oplog";
    if (!collection.empty() && (is_oplog || !db.empty())) {
      if (is_cut(collection)) {
        const std::string stem_there = within + std::string(collection);
        folder_.cut_names.push_back(
            {folder_.collections.size(), db,
             stem_there + ".metadata.json" + (name.ends_with(".gz") ? ".gz" : "")});
      }
      const std::string ns = is_oplog ? "oplog" : db + "." + unescaped(collection);
      folder_.collections.push_back(
          std::make_shared<const Collection>(Collection{folder_.collections.size(), ns, file}));
      folder_.bytes += fs::file_size(whole, failed);
      return ok;
    }
    folder_.others.push_back(file);
    if (stem(name, ".metadata.json").empty() && name != "prelude.json" && name != "prelude.json.gz")
      folder_.strangers.push_back(file);
    return ok;
  }

  DumpFolder folder_;
};

}  // namespace

std::string unescaped(std::string_view name) {
  std::string s;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '%' && i + 2 < name.size() && hex_digit(name[i + 1]) >= 0 &&
                        hex_digit(name[i + 2]) >= 0;
    if (!escape) {
      s += name[i];
      continue;
    }
    s += static_cast<char>(hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2]));
    i += 2;
  }
  return s;
}

void DumpFolder::name(const CutName& cut, std::string_view collection) {
  Collection named = *collections[cut.collection];
  named.ns = cut.db + "." + std::string(collection);
  collections[cut.collection] = std::make_shared<const Collection>(std::move(named));
}

Outcome<DumpFolder> DumpFolder::open(const std::string& path) { return Lister(path).run(); }

}  // namespace fle::tools
