#ifndef FLE_KMS_SQLITE_DB_H_
#define FLE_KMS_SQLITE_DB_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "fle/bytes.h"
#include "fle/failure.h"

// As much of SQLite as a key vault needs. Every Failure names the file. Not thread-safe: the vault
// holds a lock.
namespace fle::kms::sqlite {

class Db;

/// A prepared statement, made once and used again.
class Statement {
 public:
  Statement() noexcept = default;

  // A value that cannot be bound, for lack of memory, is what the next step() fails with: it would
  // be NULL, of which no row has one.
  void bind(int index, Bytes blob) noexcept;
  void bind(int index, std::string_view text) noexcept;
  void bind(int index, std::int64_t value) noexcept;
  /// Runs to the next row: true, or false at the end. Once false or failed, the statement is ready
  /// for its next use.
  [[nodiscard]] Outcome<bool> step();
  /// The same for a statement without rows, where failure is nobody's.
  void run() noexcept;
  /// Valid until the next step().
  [[nodiscard]] Bytes blob(int column) const noexcept;
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  /// Ready for its next use, bound values forgotten.
  void reset() noexcept;

 private:
  friend class Db;
  struct Finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  struct Ready {
    void operator()(Statement* s) const noexcept;
  };
  void note(int result) noexcept;

  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
  const Db* db_ = nullptr;
  int bound_ = SQLITE_OK;  // the first result of bind() that is another
};

/// A connection. Does not move: its statements point to it.
class Db {
 public:
  explicit Db(std::string path) : path_(std::move(path)) {}

  /// Opens an existing file for reading and writing, or for reading where it is write-protected.
  /// @param real_path  absolute, and without a link in it
  [[nodiscard]] Done open(const std::string& real_path, std::chrono::milliseconds busy_timeout);
  /// Whether the file that is open does not have that path any more, or never had.
  [[nodiscard]] bool has_moved() const noexcept;
  [[nodiscard]] Done exec(const char* sql);
  /// Ends a transaction that is open, if one is. Takes no memory.
  void roll_back() noexcept;
  [[nodiscard]] Outcome<Statement> prepare(std::string_view sql);
  /// The first column of the first row, an integer.
  [[nodiscard]] Outcome<std::int64_t> query_int(std::string_view sql);

  /// What the last call failed with: vault_busy, io_busy, no_memory or vault_failed.
  [[nodiscard]] Failure failure() const { return failure_of(code()); }
  [[nodiscard]] Failure failure(std::string_view why) const;
  /// The same of a result code that the last call need not have had.
  [[nodiscard]] Failure failure_of(int code) const;
  /// Extended result code of the last call, e.g. SQLITE_CONSTRAINT_PRIMARYKEY.
  [[nodiscard]] int code() const noexcept { return sqlite3_extended_errcode(db_.get()); }
  /// Rows that the last statement inserted, changed or deleted.
  [[nodiscard]] int changes() const noexcept { return sqlite3_changes(db_.get()); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* p) const noexcept { sqlite3_close_v2(p); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  Statement roll_back_;  // prepared ahead: when it is needed, memory may be lacking
};

/// A transaction that rolls back unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t {
    read,   ///< One view of the file for all that is read.
    write,  ///< The write lock from the start, so that no later step meets a busy file.
  };
  explicit Transaction(Db& db) noexcept : db_(db) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  [[nodiscard]] Done begin(Kind kind);
  [[nodiscard]] Done commit();

 private:
  Db& db_;
  bool open_ = false;
};

}  // namespace fle::kms::sqlite

#endif  // FLE_KMS_SQLITE_DB_H_
