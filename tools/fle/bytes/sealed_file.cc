#include "sealed_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "fle/aead.h"
#include "fle/files/place.h"
#include "fle/files/unnamed_file.h"
#include "fle/random.h"

namespace fle::tools {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

/// Each piece is sealed for its place.
std::array<std::uint8_t, 8> place_of(std::uint64_t piece) noexcept {
  std::array<std::uint8_t, 8> bytes{};
  std::memcpy(bytes.data(), &piece, sizeof piece);
  return bytes;
}

}  // namespace

Outcome<std::unique_ptr<SealedFile>> SealedFile::create(const std::string& beside) {
  FLE_TRY(SecretBytes bytes, SecretBytes::create(DataKey::kLen, LockPolicy::best_effort));
  FLE_CHECK(random_key_material(bytes.expose_mut()));
  FLE_TRY(DataKey key, DataKey::create(bytes.expose(), LockPolicy::best_effort));
  FLE_TRY(files::Fd file, files::unnamed_file(beside));
  return std::unique_ptr<SealedFile>(new SealedFile(beside, std::move(file), std::move(key)));
}

Done SealedFile::write(Bytes data) {
  piece_.reserve(kPiece);
  while (!data.empty()) {
    const Bytes some = data.first(std::min(data.size(), kPiece - piece_.size()));
    piece_.insert(piece_.end(), some.begin(), some.end());
    data = data.subspan(some.size());
    if (piece_.size() == kPiece) FLE_CHECK(seal());
  }
  return ok;
}

Done SealedFile::seal() {
  std::vector<std::uint8_t> sealed(sealed_len(piece_.size()));
  const auto done = aead_seal(sealed, piece_, place_of(n_pieces_), key_);
  if (!done) return failed(done.error().code, "cannot be encrypted");
  if (!files::write_all(file_.get(), sealed))
    return files::failure("write to a file beside", beside_, errno);
  ++n_pieces_;
  left_ += piece_.size();
  piece_.clear();
  return ok;
}

Done SealedFile::finish() {
  if (!piece_.empty()) FLE_CHECK(seal());
  n_pieces_ = 0;
  WipedBytes().swap(piece_);  // until it is read
  return ok;
}

Done SealedFile::open() {
  piece_.clear();
  taken_ = 0;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kPiece));
  std::vector<std::uint8_t> sealed(sealed_len(size));
  const std::uint64_t from = n_pieces_ * sealed_len(kPiece);
  for (std::size_t have = 0; have < sealed.size();) {
    const ssize_t n = ::pread(file_.get(), sealed.data() + have, sealed.size() - have,
                              static_cast<off_t>(from + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return files::failure("read a file beside", beside_, errno);
    if (n == 0) return failed(Errc::io_failed, "has become shorter");
    have += static_cast<std::size_t>(n);
  }
  piece_.resize(sealed.size());
  const auto done = aead_open(piece_, sealed, place_of(n_pieces_), key_);
  piece_.resize(done ? *done : 0);
  if (!done) return failed(done.error().code, "cannot be decrypted");
  ++n_pieces_;
  left_ -= size;
  return ok;
}

Outcome<std::size_t> SealedFile::read(MutBytes into) {
  if (taken_ == piece_.size()) {
    if (left_ == 0) return 0;
    FLE_CHECK(open());
  }
  const std::size_t n = std::min(into.size(), piece_.size() - taken_);
  std::memcpy(into.data(), piece_.data() + taken_, n);
  taken_ += n;
  return n;
}

Failure SealedFile::failed(Errc code, const char* what) const {
  return Failure(code, "a temporary file beside '" + beside_ + "' " + what);
}

}  // namespace fle::tools
