#ifndef FLE_TOOLS_JOURNAL_H_
#define FLE_TOOLS_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/files/fd.h"

namespace fle::tools {

/// What a run is of; another run goes on only where all of it is the same.
struct RunIdentity {
  std::string input;    // file, size, time of the last change, how it begins
  std::string options;  // a hash of all that decides about the results

  friend bool operator==(const RunIdentity&, const RunIdentity&) = default;
};

/// How far a run has come: everything up to here is on the disk.
struct Checkpoint {
  std::uint64_t input = 0;      // bytes that were read
  std::uint64_t documents = 0;  // that were in them
  std::uint64_t line = 1;       // of texts, where the next one is looked for
  std::uint64_t column = 1;
  std::uint64_t output = 0;           // bytes that came of them
  std::uint64_t put_aside = 0;        // bytes of the file of --on-error quarantine
  std::uint64_t complete = 0;         // 1: nothing is left but to name the files
  std::uint64_t output_inode = 0;     // once it is complete
  std::uint64_t put_aside_inode = 0;  // likewise; 0: there is no such file
  std::string counts;                 // of CipherRun
};

/// The journal of a run, FILE.journal beside its output: records with a checksum each, the first of
/// what the run is of, one for each checkpoint. A record counts only once it is there as a whole,
/// and is written only once what it tells of is on the disk. Of mode 0600; has counts and names of
/// fields, no values.
class Journal {
 public:
  /// Opens the journal of an earlier run, or begins one. It is locked as long as this object lives.
  /// @retval Errc::io_busy        another process has it
  /// @retval Errc::cannot_resume  it is of another run: says what is not the same
  /// @retval Errc::io_failed
  static Outcome<Journal> open(const std::string& path, const RunIdentity& identity);

  /// Whether no run has left it.
  [[nodiscard]] bool is_new() const noexcept { return new_; }
  /// Where the earlier run was; none where it had not come to a checkpoint.
  [[nodiscard]] const std::optional<Checkpoint>& last() const noexcept { return last_; }

  /// Everything that the checkpoint tells of is on the disk already.
  [[nodiscard]] Done add(const Checkpoint& c);
  /// Bytes of the record that was added last.
  [[nodiscard]] std::size_t record_size() const noexcept { return record_size_; }
  /// The run is over.
  [[nodiscard]] Done remove();

 private:
  Journal(files::Fd fd, std::string path) noexcept : fd_(std::move(fd)), path_(std::move(path)) {}
  Done read(const RunIdentity& identity);
  Done append(std::string_view payload);

  files::Fd fd_;
  std::string path_;
  bool new_ = false;
  std::optional<Checkpoint> last_;
  std::uint64_t end_ = 0;  // of the last whole record
  std::size_t record_size_ = 0;
};

/// A hash of any bytes, as RunIdentity keeps it (SHA-256, FIPS 180-4).
/// @retval Errc::crypto_failed
[[nodiscard]] Outcome<std::string> hash_of(std::string_view bytes);

}  // namespace fle::tools

#endif  // FLE_TOOLS_JOURNAL_H_
