#include "edge.h"

#include <cstring>
#include <limits>
#include <string>

#include "fle/bson/little_endian.h"
#include "fle/random.h"

namespace fle::c {
namespace {

Failure refused(const char* name, const char* why) {
  return {Errc::invalid_argument, std::string(name) + why};
}

}  // namespace

int succeeded(fle_error* error) noexcept {
  if (error == nullptr) return FLE_OK;
  error->code = FLE_OK;
  error->failure.path.clear();
  error->failure.document = 0;
  error->failure.line = error->failure.column = 0;
  error->line.clear();
  return FLE_OK;
}

int failed(fle_error* error, Failure&& why) noexcept {
  const int code = static_cast<int>(why.code);
  if (error == nullptr) return code;
  error->failure = std::move(why);
  error->code = code;
  error->line.clear();
  try {
    error->line = error->failure.to_string();
  } catch (const std::exception&) {  // no memory: the code has to do
  }
  return code;
}

Done need(const void* pointer, const char* name) {
  if (pointer != nullptr) return ok;
  return refused(name, " is NULL");
}

Done check_flags(unsigned flags, unsigned known) {
  if ((flags & ~known) == 0) return ok;
  return refused("flags", " has some that this function does not take");
}

Outcome<Bytes> bytes_of(const void* data, std::size_t size, const char* name) {
  if (size == 0) return Bytes();
  FLE_CHECK(need(data, name));
  if (size > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()))
    return refused(name, " has a size that no memory has");
  return Bytes(static_cast<const std::uint8_t*>(data), size);
}

Outcome<std::string_view> text_of(const char* text, std::size_t size, const char* name) {
  if (size == FLE_NUL) {
    FLE_CHECK(need(text, name));
    size = std::strlen(text);
  }
  FLE_TRY(const Bytes bytes, bytes_of(text, size, name));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Outcome<std::string_view> path_of(const char* text, std::size_t size, const char* name) {
  FLE_TRY(const std::string_view path, text_of(text, size, name));
  if (path.empty()) return refused(name, " is empty");
  if (path.find('\0') != std::string_view::npos) return refused(name, " has a NUL in it");
  return path;
}

Outcome<KeyId> key_id_of(const std::uint8_t* id) {
  FLE_CHECK(need(id, "the key's id"));
  return *KeyId::from({id, 16});
}

void append(fle_buffer& out, Bytes bytes) {
  out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
}

void append(fle_buffer& out, const client::Batch& batch) {
  std::size_t size = out.bytes.size();
  for (std::size_t i = 0; i < batch.size(); ++i) size += batch.output(i).size();
  out.bytes.reserve(size);
  for (std::size_t i = 0; i < batch.size(); ++i) append(out, batch.output(i));
  out.fields += batch.fields();
  out.kept += batch.kept().size();
}

Outcome<std::optional<std::size_t>> next_document(Bytes rest, const bson::Limits& limits) {
  if (rest.size() < 4) return std::optional<std::size_t>();
  const std::uint32_t size = bson::load32(rest.data());
  if (size > rest.size() && size <= limits.max_bytes) return std::optional<std::size_t>();
  FLE_TRY(const std::size_t whole, bson::document_size(rest, limits));
  return std::optional(whole);
}

}  // namespace fle::c

const char* fle_version(void) { return fle::version(); }
int fle_version_number(void) { return fle::version_number(); }

const char* fle_errc_name(int code) {
  if (code == FLE_OK) return "ok";
  return code > 0 && code <= 0xffff ? fle::name(static_cast<fle::Errc>(code)) : "unknown";
}

fle_error* fle_error_create(void) { return new (std::nothrow) fle_error; }
void fle_error_destroy(fle_error* error) { delete error; }
int fle_error_code(const fle_error* error) { return error == nullptr ? FLE_OK : error->code; }
const char* fle_error_message(const fle_error* error) {
  if (error == nullptr) return "";
  return error->line.empty() && error->code != FLE_OK ? fle_errc_name(error->code)
                                                      : error->line.c_str();
}
const char* fle_error_path(const fle_error* error) {
  return error == nullptr ? "" : error->failure.path.c_str();
}
std::uint64_t fle_error_document(const fle_error* error) {
  return error == nullptr ? 0 : error->failure.document;
}
std::uint32_t fle_error_line(const fle_error* error) {
  return error == nullptr ? 0 : error->failure.line;
}
std::uint32_t fle_error_column(const fle_error* error) {
  return error == nullptr ? 0 : error->failure.column;
}

fle_buffer* fle_buffer_create(void) { return new (std::nothrow) fle_buffer; }
void fle_buffer_destroy(fle_buffer* buffer) { delete buffer; }
void fle_buffer_clear(fle_buffer* buffer) {
  if (buffer == nullptr) return;
  fle::wipe(buffer->bytes);
  buffer->bytes.clear();
  buffer->fields = buffer->kept = 0;
}
const std::uint8_t* fle_buffer_data(const fle_buffer* buffer) {
  return buffer == nullptr || buffer->bytes.empty() ? nullptr : buffer->bytes.data();
}
std::size_t fle_buffer_size(const fle_buffer* buffer) {
  return buffer == nullptr ? 0 : buffer->bytes.size();
}
std::uint64_t fle_buffer_fields(const fle_buffer* buffer) {
  return buffer == nullptr ? 0 : buffer->fields;
}
std::uint64_t fle_buffer_kept(const fle_buffer* buffer) {
  return buffer == nullptr ? 0 : buffer->kept;
}

int fle_random_bytes(void* out, std::size_t size, fle_error* error) {
  return guarded(error, [&]() -> fle::Done {
    FLE_CHECK(bytes_of(out, size, "out"));
    const fle::Status done = fle::random_bytes({static_cast<std::uint8_t*>(out), size});
    if (!done) return fle::Failure(done.error());
    return fle::ok;
  });
}
