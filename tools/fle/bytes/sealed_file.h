#ifndef FLE_TOOLS_SEALED_FILE_H_
#define FLE_TOOLS_SEALED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "byte_sink.h"
#include "fle/data_key.h"
#include "fle/files/fd.h"
#include "fle/wiped.h"

namespace fle::tools {

/// Bytes that wait in a file instead of in memory, and that nobody else can read there: the file
/// has no name, and what is in it is sealed (fle/aead.h) under a key that is nowhere but in this
/// object. Written once, finished, then read once. Not thread-safe.
class SealedFile final : public ByteSink {
 public:
  /// @param beside  the file is on the file system of the folder where this path stands.
  /// @retval Errc::io_failed, Errc::io_busy, Errc::random_failed, Errc::no_memory
  [[nodiscard]] static Outcome<std::unique_ptr<SealedFile>> create(const std::string& beside);

  /// @retval Errc::io_failed, Errc::io_busy, Errc::random_failed
  Done write(Bytes data) override;
  Done finish() override;
  /// Bytes read, 0 at the end.
  /// @param into  not empty.
  /// @retval Errc::io_failed    the file has become shorter
  /// @retval Errc::auth_failed  it holds what was not written there
  Outcome<std::size_t> read(MutBytes into);

 private:
  SealedFile(std::string beside, files::Fd file, DataKey key)
      : beside_(std::move(beside)), file_(std::move(file)), key_(std::move(key)) {}
  Done seal();
  Done open();
  [[nodiscard]] Failure failed(Errc code, const char* what) const;

  std::string beside_;  // for messages
  files::Fd file_;
  DataKey key_;
  std::uint64_t n_pieces_ = 0;  // sealed or, once that is finished, opened
  std::uint64_t left_ = 0;      // bytes in the file that have not been opened
  WipedBytes piece_;            // what is yet to be sealed, or was opened
  std::size_t taken_ = 0;       // of that
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_SEALED_FILE_H_
