#include "sqlite_db.h"

#include <system_error>

#include "fle/files/place.h"

namespace fle::kms::sqlite {

void Statement::bind(int index, Bytes blob) noexcept {
  // A null pointer would bind NULL, which is not the empty blob.
  const void* p = blob.empty() ? "" : static_cast<const void*>(blob.data());
  note(sqlite3_bind_blob64(stmt_.get(), index, p, blob.size(), SQLITE_TRANSIENT));
}

void Statement::bind(int index, std::string_view text) noexcept {
  const char* p = text.empty() ? "" : text.data();
  note(sqlite3_bind_text64(stmt_.get(), index, p, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, std::int64_t value) noexcept {
  note(sqlite3_bind_int64(stmt_.get(), index, value));
}

void Statement::note(int result) noexcept {
  if (bound_ == SQLITE_OK) bound_ = result;
}

Outcome<bool> Statement::step() {
  if (const int bound = bound_; bound != SQLITE_OK) {
    reset();
    return db_->failure_of(bound);
  }
  const int rc = sqlite3_step(stmt_.get());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    reset();
    return false;
  }
  // Reset behind the failure, for that sets the connection's code anew, and also where there is no
  // memory for a text. The extended code stays for Db::code().
  const std::unique_ptr<Statement, Ready> ready(this);
  return db_->failure();
}

void Statement::Ready::operator()(Statement* s) const noexcept {
  sqlite3_reset(s->stmt_.get());
  sqlite3_clear_bindings(s->stmt_.get());
}

void Statement::run() noexcept {
  sqlite3_step(stmt_.get());
  reset();
}

Bytes Statement::blob(int column) const noexcept {
  const void* p = sqlite3_column_blob(stmt_.get(), column);
  const int n = sqlite3_column_bytes(stmt_.get(), column);
  return {static_cast<const std::uint8_t*>(p), p == nullptr ? 0 : static_cast<std::size_t>(n)};
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(stmt_.get(), column);
}

void Statement::reset() noexcept {
  bound_ = SQLITE_OK;
  Ready()(this);
}

Done Db::open(const std::string& real_path, std::chrono::milliseconds busy_timeout) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int rc = sqlite3_open_v2(real_path.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (db == nullptr) return Failure{Errc::no_memory, "sqlite3_open_v2"};
  if (rc != SQLITE_OK) return failure();
  sqlite3_busy_timeout(db, static_cast<int>(busy_timeout.count()));
  // The file may come from somebody else: nothing in its schema may run code or be rewritten.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  FLE_TRY(roll_back_, prepare("ROLLBACK"));
  return ok;
}

bool Db::has_moved() const noexcept {
  int moved = 1;
  return sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
         moved != 0;
}

Done Db::exec(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
  return ok;
}

void Db::roll_back() noexcept {
  if (sqlite3_get_autocommit(db_.get()) == 0) roll_back_.run();
}

Outcome<Statement> Db::prepare(std::string_view sql) {
  Statement s;
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  s.stmt_.reset(raw);
  s.db_ = this;
  if (rc != SQLITE_OK) return failure();
  return s;
}

Outcome<std::int64_t> Db::query_int(std::string_view sql) {
  FLE_TRY(Statement s, prepare(sql));
  FLE_TRY(const bool row, s.step());
  return row ? s.integer(0) : 0;
}

Failure Db::failure_of(int code) const {
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY)
    return {Errc::vault_busy, "key vault '" + path_ + "': another process keeps it locked"};
  if (primary == SQLITE_FULL)
    return {Errc::io_busy, "key vault '" + path_ + "': no space left on the device"};
  if (primary == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
    return {Errc::no_memory, "key vault '" + path_ + "'"};
  if (primary == SQLITE_NOTADB) return failure("not a key vault");
  if (code == SQLITE_READONLY_DBMOVED)
    return failure("its file was moved, replaced or removed meanwhile");
  Failure f = failure(sqlite3_errmsg(db_.get()));
  const int error = sqlite3_system_errno(db_.get());
  if (primary == SQLITE_CANTOPEN && files::may_pass(error)) {
    f.code = Errc::io_busy;
    f.message += ": " + std::generic_category().message(error);
  }
  return f;
}

Failure Db::failure(std::string_view why) const {
  return {Errc::vault_failed, "key vault '" + path_ + "': " + std::string(why)};
}

Transaction::~Transaction() {
  if (open_) db_.roll_back();
}

Done Transaction::begin(Kind kind) {
  db_.roll_back();  // what could not be before
  FLE_CHECK(db_.exec(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
  open_ = true;
  return ok;
}

Done Transaction::commit() {
  FLE_CHECK(db_.exec("COMMIT"));
  open_ = false;
  return ok;
}

}  // namespace fle::kms::sqlite
