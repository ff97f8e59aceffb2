#include <algorithm>
#include <optional>
#include <utility>

#include "edge.h"

using fle::WipedBytes;
using fle::client::Batch;

namespace {

/// Bytes of a batch: enough for every kernel to be busy, and little beside one large document.
constexpr std::size_t kBatch = 128 * 1024;

}  // namespace

struct fle_stream {
  fle_stream(fle_cipher c, bool e) : cipher(std::move(c)), encrypts(e) {}

  /// Takes bytes, and writes batches once they are full.
  Done push(Bytes data, fle_buffer& out) {
    while (!data.empty()) {
      const std::size_t n = std::min(data.size(), kBatch);
      pending.insert(pending.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(n));
      data = data.subspan(n);
      FLE_CHECK(cut());
      if (whole >= kBatch) FLE_CHECK(run(out));
    }
    return ok;
  }

  /// Writes what is whole.
  Done run(fle_buffer& out) {
    Bytes rest(pending.data(), whole);
    batch.clear();
    FLE_CHECK(fle::c::each_document(rest, cipher.limits, [this](Bytes document) -> Done {
      batch.add(document);
      return ok;
    }));
    Done done = encrypts ? cipher.cipher.encrypt(batch) : cipher.cipher.decrypt(batch);
    if (!done) {
      if (done.error().document != 0) done.error().document += n_written;
      return done;
    }
    fle::c::append(out, batch);
    n_written += batch.size();
    batch.clear();
    fle::wipe({pending.data(), whole});
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(whole));
    whole = n_whole = 0;
    return ok;
  }

  Done finish(fle_buffer& out) {
    FLE_CHECK(run(out));
    is_finished = true;
    if (pending.empty()) return ok;
    Failure why(Errc::truncated_stream, "the stream ends inside a document");
    why.document = n_written + 1;
    return why;
  }

  /// Finds the ends of further documents.
  Done cut() {
    for (;;) {
      const Bytes rest = Bytes(pending).subspan(whole);
      Outcome<std::optional<std::size_t>> next = fle::c::next_document(rest, cipher.limits);
      if (!next) {
        next.error().document = n_written + n_whole + 1;
        return std::move(next.error());
      }
      if (!*next) return ok;
      whole += **next;
      ++n_whole;
    }
  }

  const fle_cipher cipher;
  const bool encrypts;
  Batch batch;
  WipedBytes pending;  // begins with `n_whole` documents, `whole` bytes
  std::size_t whole = 0;
  std::uint64_t n_whole = 0;
  std::uint64_t n_written = 0;  // documents before those
  bool is_finished = false;
  std::optional<Failure> broken;  // what every further call fails with
};

namespace {

/// Runs `body`, a function of the stream; what it fails with the stream fails with from then on.
template <class Body>
int run(fle_stream* stream, fle_buffer* out, fle_error* error, Body body) noexcept {
  fle_buffer_clear(out);
  return fle::c::guarded(error, [&]() -> Done {
    FLE_CHECK(need(stream, "stream"));
    FLE_CHECK(need(out, "out"));
    if (stream->broken) return *stream->broken;
    if (stream->is_finished) return Failure(Errc::invalid_argument, "the stream is finished");
    // Unless something else comes of it: what runs out of memory half way cannot go on either.
    stream->broken.emplace(Errc::no_memory, "");
    Done done = body();
    if (done)
      stream->broken.reset();
    else
      stream->broken = done.error();
    return done;
  });
}

}  // namespace

fle_stream* fle_stream_create(const fle_cipher* cipher, int direction, fle_error* error) {
  return make(error, [&]() -> Outcome<std::unique_ptr<fle_stream>> {
    FLE_CHECK(need(cipher, "cipher"));
    if (direction != FLE_ENCRYPT && direction != FLE_DECRYPT)
      return Failure(Errc::invalid_argument, "direction is neither FLE_ENCRYPT nor FLE_DECRYPT");
    return std::make_unique<fle_stream>(*cipher, direction == FLE_ENCRYPT);
  });
}

void fle_stream_destroy(fle_stream* stream) { delete stream; }

int fle_stream_push(fle_stream* stream, fle_buffer* out, const void* data, std::size_t size,
                    fle_error* error) {
  return run(stream, out, error, [&]() -> Done {
    FLE_TRY(const Bytes bytes, bytes_of(data, size, "data"));
    return stream->push(bytes, *out);
  });
}

int fle_stream_flush(fle_stream* stream, fle_buffer* out, fle_error* error) {
  return run(stream, out, error, [&] { return stream->run(*out); });
}

int fle_stream_finish(fle_stream* stream, fle_buffer* out, fle_error* error) {
  return run(stream, out, error, [&] { return stream->finish(*out); });
}
