#include "context.h"

namespace fle::mongocrypt::original {
namespace {

/// @param read  mongocrypt_status or one of its kind, for `handle`.
template <class Read, class Handle>
Told read_status(const Library& l, Read read, Handle handle) {
  mongocrypt_status_t* const theirs = l.mongocrypt_status_new();
  if (theirs == nullptr) throw std::bad_alloc();
  Told told;
  try {
    static_cast<void>(read(handle, theirs));
    std::uint32_t len = 0;
    const char* const text = l.mongocrypt_status_message(theirs, &len);
    told.type = l.mongocrypt_status_type(theirs);
    told.code = l.mongocrypt_status_code(theirs);
    if (text != nullptr) told.text.assign(text, len);
  } catch (...) {
    l.mongocrypt_status_destroy(theirs);
    throw;
  }
  l.mongocrypt_status_destroy(theirs);
  return told;
}

Failure failure(const Library& library, const Told& told) {
  return {Errc::command_not_supported, library.title() + " (FLE_MONGOCRYPT_QE): " +
                                           (told.text.empty() ? "no reason given" : told.text)};
}

Failure nothing() { return {Errc::invalid_argument, "no bytes where a document is expected"}; }

}  // namespace

// It takes no null pointers, and may end the process where it meets one.
View::View(const Library& library, Bytes bytes) : library_(library) {
  static std::uint8_t nothing = 0;
  std::uint8_t* const data = bytes.empty() ? &nothing : const_cast<std::uint8_t*>(bytes.data());
  theirs_ = library.mongocrypt_binary_new_from_data(data, static_cast<std::uint32_t>(bytes.size()));
  if (theirs_ == nullptr) throw std::bad_alloc();
}

View::View(const Library& library) : library_(library), theirs_(library.mongocrypt_binary_new()) {
  if (theirs_ == nullptr) throw std::bad_alloc();
}

Bytes View::bytes() const noexcept {
  return {library_.mongocrypt_binary_data(theirs_), library_.mongocrypt_binary_len(theirs_)};
}

// ---- Kms

Told Kms::told() const {
  return read_status(library_, library_.mongocrypt_kms_ctx_status, theirs_);
}

Done Kms::done(bool good) const {
  if (good) return ok;
  return failure(library_, told());
}

std::string Kms::endpoint() const {
  const char* text = nullptr;
  if (!library_.mongocrypt_kms_ctx_endpoint(theirs_, &text) || text == nullptr) return {};
  return text;
}

std::string Kms::provider_id() const {
  std::uint32_t len = 0;
  const char* const text = library_.mongocrypt_kms_ctx_get_kms_provider(theirs_, &len);
  return text == nullptr ? std::string() : std::string(text, len);
}

Outcome<Bytes> Kms::message() {
  const View out(library_);
  FLE_CHECK(done(library_.mongocrypt_kms_ctx_message(theirs_, out.get())));
  return out.bytes();
}

std::uint32_t Kms::bytes_needed() noexcept {
  return library_.mongocrypt_kms_ctx_bytes_needed(theirs_);
}

std::int64_t Kms::microseconds_to_wait() const noexcept {
  if (library_.mongocrypt_kms_ctx_usleep == nullptr) return 0;
  return library_.mongocrypt_kms_ctx_usleep(theirs_);
}

Outcome<bool> Kms::feed(Bytes bytes) {
  const View view(library_, bytes);
  bool again = false;
  FLE_CHECK(done(library_.mongocrypt_kms_ctx_feed_with_retry == nullptr
                     ? library_.mongocrypt_kms_ctx_feed(theirs_, view.get())
                     : library_.mongocrypt_kms_ctx_feed_with_retry(theirs_, view.get(), &again)));
  return again;
}

bool Kms::lost() noexcept {
  return library_.mongocrypt_kms_ctx_fail != nullptr && library_.mongocrypt_kms_ctx_fail(theirs_);
}

// ---- Context

Told Context::told() const {
  return read_status(library_, library_.mongocrypt_ctx_status, theirs_);
}

Done Context::done(bool good) const {
  if (good) return ok;
  return failure(library_, told());
}

Done Context::set_bytes(Function<mongocrypt_binary_t*> function, Bytes bytes) {
  if (bytes.empty()) return nothing();
  return set(function, View(library_, bytes).get());
}

Failure Context::lacks() const {
  return {Errc::command_not_supported,
          library_.title() + " (FLE_MONGOCRYPT_QE) is too old for this option: name a newer one"};
}

Done Context::begin(Function<> function) {
  began_ = true;
  return set(function);
}

Done Context::begin(Function<mongocrypt_binary_t*> function, Bytes document) {
  began_ = true;
  return set_bytes(function, document);
}

Done Context::begin_command(std::string_view db, Bytes command) {
  began_ = true;
  if (command.empty()) return nothing();
  const View view(library_, command);
  return done(library_.mongocrypt_ctx_encrypt_init(
      theirs_, db.data(), static_cast<std::int32_t>(db.size()), view.get()));
}

mongocrypt_ctx_state_t Context::state() const noexcept {
  return began_ ? library_.mongocrypt_ctx_state(theirs_) : MONGOCRYPT_CTX_ERROR;
}

Outcome<Bytes> Context::mongo_op() {
  const mongocrypt_ctx_state_t now = state();
  if (question_ && question_->state == now) return question_->filter;
  const View out(library_);
  FLE_CHECK(done(library_.mongocrypt_ctx_mongo_op(theirs_, out.get())));
  question_ = Question{now, out.bytes()};
  return question_->filter;
}

const char* Context::mongo_db() const noexcept {
  if (library_.mongocrypt_ctx_mongo_db == nullptr ||
      state() != MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB)
    return nullptr;
  return library_.mongocrypt_ctx_mongo_db(theirs_);
}

Done Context::mongo_feed(Bytes document) {
  return set_bytes(&Library::mongocrypt_ctx_mongo_feed, document);
}

Done Context::mongo_done() {
  question_.reset();
  return set(&Library::mongocrypt_ctx_mongo_done);
}

Done Context::provide_credentials(Bytes document) {
  return set_bytes(&Library::mongocrypt_ctx_provide_kms_providers, document);
}

mongocrypt_kms_ctx_t* Context::next_kms_context() noexcept {
  return library_.mongocrypt_ctx_next_kms_ctx(theirs_);
}

Done Context::kms_done() { return set(&Library::mongocrypt_ctx_kms_done); }

Outcome<Bytes> Context::finalize() {
  const View out(library_);
  FLE_CHECK(done(library_.mongocrypt_ctx_finalize(theirs_, out.get())));
  return out.bytes();
}

// ---- Crypt

Crypt::Crypt(std::shared_ptr<const Library> library)
    : library_(std::move(library)), theirs_(library_->mongocrypt_new()) {
  if (theirs_ == nullptr) throw std::bad_alloc();
}

Done Crypt::done(bool good) const {
  if (good) return ok;
  return failure(*library_, read_status(*library_, library_->mongocrypt_status, theirs_));
}

Done Crypt::set_bytes(Function<mongocrypt_binary_t*> function, Bytes bytes) {
  const View view(*library_, bytes);
  return done(((*library_).*function)(theirs_, view.get()));
}

Done Crypt::init() { return done(library_->mongocrypt_init(theirs_)); }

bool Crypt::has_analyzer() const noexcept {
  return library_->mongocrypt_crypt_shared_lib_version_string(theirs_, nullptr) != nullptr;
}

Outcome<std::unique_ptr<Context>> Crypt::new_context() {
  mongocrypt_ctx_t* const theirs = library_->mongocrypt_ctx_new(theirs_);
  if (theirs == nullptr) {
    FLE_CHECK(done(false));
  }
  return std::make_unique<Context>(*library_, theirs);
}

}  // namespace fle::mongocrypt::original
