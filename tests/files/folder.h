#ifndef FLE_TESTS_FILES_FOLDER_H_
#define FLE_TESTS_FILES_FOLDER_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fle::files::test {

/// A folder of its own, which other users may enter; removed with what is in it.
class Folder {
 public:
  explicit Folder(mode_t mode = 0755) {
    std::string name = (std::filesystem::temp_directory_path() / "fle-files-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    if (::chmod(name.c_str(), mode) != 0) throw std::runtime_error("chmod");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& content, mode_t mode = 0644) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    if (::chmod(file(name).c_str(), mode) != 0) throw std::runtime_error("chmod");
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] struct stat stat(const std::string& name) const {
    struct stat st {};
    if (::lstat(file(name).c_str(), &st) != 0) throw std::runtime_error("no " + name);
    return st;
  }
  void give(const std::string& name, uid_t user) const {
    if (::lchown(file(name).c_str(), user, user) != 0) throw std::runtime_error("chown");
  }
  void link(const std::string& name, const std::string& to) const {
    std::filesystem::create_symlink(to, path_ / name);
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& e : std::filesystem::directory_iterator(path_))
      all.insert(e.path().filename());
    return all;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace fle::files::test

#endif  // FLE_TESTS_FILES_FOLDER_H_
