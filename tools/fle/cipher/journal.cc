#include "journal.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fle/bytes.h"
#include "fle/files/own_file.h"
#include "fle/files/place.h"
#include "streams/packed.h"

namespace fle::tools {
namespace {

constexpr std::string_view kMagic = "fle journal 1";
constexpr std::size_t kChecksum = 16;  // bytes of a hash
constexpr std::size_t kLength = 8;
constexpr std::uint64_t kLongestRecord = 64 * 1024 * 1024;

Outcome<std::string> read_at(int fd, std::uint64_t from, std::size_t n, const std::string& path) {
  std::string bytes(n, '\0');
  std::size_t have = 0;
  while (have < n) {
    const ssize_t got = ::pread(fd, bytes.data() + have, n - have, static_cast<off_t>(from + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return files::failure("read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

/// The checksum of a record binds it to its place.
Outcome<std::string> checksum(std::string_view length_and_payload, std::uint64_t at) {
  Packer p;
  p.add(at);
  p.add(length_and_payload);
  FLE_TRY(std::string hash, hash_of(p.bytes()));
  hash.resize(kChecksum);
  return hash;
}

std::string packed(const Checkpoint& c) {
  Packer p;
  for (const std::uint64_t n : {c.input, c.documents, c.line, c.column, c.output, c.put_aside,
                                c.complete, c.output_inode, c.put_aside_inode})
    p.add(n);
  p.add(c.counts);
  return p.bytes();
}

std::optional<Checkpoint> unpacked(std::string_view bytes) {
  Unpacker u(bytes);
  Checkpoint c;
  for (std::uint64_t* n : {&c.input, &c.documents, &c.line, &c.column, &c.output, &c.put_aside,
                           &c.complete, &c.output_inode, &c.put_aside_inode})
    *n = u.number();
  c.counts = u.text();
  if (!u.whole()) return std::nullopt;
  return c;
}

std::string packed(const RunIdentity& identity) {
  Packer p;
  p.add(kMagic);
  p.add(identity.input);
  p.add(identity.options);
  return p.bytes();
}

Failure cannot_resume(const std::string& path, const std::string& why) {
  return {Errc::cannot_resume, "'" + path + "': " + why};
}

Done is_same(const std::string& path, std::string_view header, const RunIdentity& now) {
  Unpacker u(header);
  const std::string_view magic = u.text();
  const std::string_view input = u.text();
  const std::string_view options = u.text();
  constexpr const char* kBegin = "; remove it and what it belongs to (.partial) to begin anew";
  if (!u.whole() || magic != kMagic) return cannot_resume(path, "is no journal of this version");
  if (input != now.input)
    return cannot_resume(path, std::string("is of a run over another input, or the input has "
                                           "changed") +
                                   kBegin);
  if (options != now.options)
    return cannot_resume(path, std::string("is of a run with other options, another schema or "
                                           "another version of fle") +
                                   kBegin);
  return ok;
}

}  // namespace

Outcome<std::string> hash_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned n = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &n, EVP_sha256(), nullptr) != 1)
    return Failure(Errc::crypto_failed, "a hash could not be made");
  return std::string(reinterpret_cast<const char*>(out.data()), n);
}

Outcome<Journal> Journal::open(const std::string& path, const RunIdentity& identity) {
  FLE_TRY(files::Fd fd, files::open_own_file(files::FileKind::run_journal, path, O_RDWR));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return Failure(Errc::io_busy, "'" + path + "': another run is at work on it");
  Journal journal(std::move(fd), path);
  FLE_CHECK(journal.read(identity));
  return journal;
}

Done Journal::read(const RunIdentity& identity) {
  for (bool header = true;; header = false) {
    FLE_TRY(const std::string start, read_at(fd_.get(), end_, kLength, path_));
    const std::uint64_t size = start.size() == kLength ? Unpacker(start).number() : 0;
    if (size == 0 || size > kLongestRecord) break;
    FLE_TRY(const std::string rest, read_at(fd_.get(), end_ + kLength, size + kChecksum, path_));
    if (rest.size() != size + kChecksum) break;
    const std::string_view payload = std::string_view(rest).substr(0, size);
    FLE_TRY(const std::string sum, checksum(start + std::string(payload), end_));
    if (std::string_view(rest).substr(size) != sum) break;
    if (header) {
      FLE_CHECK(is_same(path_, payload, identity));
    } else {
      last_ = unpacked(payload);
      if (!last_) return cannot_resume(path_, "is no journal of this version");
    }
    end_ += kLength + size + kChecksum;
  }
  // What a kill has cut off; a file that was something else has no header, and stays as it is.
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) return files::failure("read", path_, errno);
  new_ = end_ == 0;
  FLE_TRY(const std::string start, read_at(fd_.get(), 0, kLength + 8, path_));
  Packer expected;
  expected.add(std::uint64_t{packed(identity).size()});
  expected.add(std::uint64_t{kMagic.size()});
  if (new_ && !std::string_view(expected.bytes()).starts_with(start))
    return cannot_resume(path_, "is no journal of this version, or is damaged");
  if (::ftruncate(fd_.get(), static_cast<off_t>(end_)) != 0)
    return files::failure("write", path_, errno);
  return new_ ? append(packed(identity)) : Done(ok);
}

Done Journal::append(std::string_view payload) {
  Packer length;
  length.add(std::uint64_t{payload.size()});
  std::string record = length.bytes();
  record += payload;
  FLE_TRY(const std::string sum, checksum(record, end_));
  record += sum;
  for (std::size_t done = 0; done < record.size();) {
    const ssize_t n = ::pwrite(fd_.get(), record.data() + done, record.size() - done,
                               static_cast<off_t>(end_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return files::failure("write", path_, errno);
    done += static_cast<std::size_t>(n);
  }
  while (::fdatasync(fd_.get()) != 0)
    if (errno != EINTR) return files::failure("write", path_, errno);
  end_ += record.size();
  record_size_ = record.size();
  return ok;
}

Done Journal::add(const Checkpoint& c) { return append(packed(c)); }

Done Journal::remove() {
  FLE_TRY(const files::Place place, files::find_place(path_, files::Links::refuse));
  if (::unlinkat(place.folder.get(), place.name.c_str(), 0) != 0)
    return files::failure("remove", path_, errno);
  return files::sync_folder(place);
}

}  // namespace fle::tools
