#include "fle/kms/key_vault.h"

#if FLE_WITH_SQLITE

#include <cerrno>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_db.h"
#include "text/text.h"
#include "vault_common.h"
#include "vault_file.h"

namespace fle::kms {
namespace {

using sqlite::Db;
using sqlite::Statement;
using sqlite::Transaction;
using Found = std::optional<KeyDocument>;

constexpr std::chrono::seconds kBusyTimeout{10};
constexpr std::int64_t kApplicationId = 0x464c4531;  // "FLE1"
constexpr std::int64_t kVersion = 1;

// `document` is the whole truth; the other columns are what it is found by.
constexpr const char* kSchema = R"(
  CREATE TABLE keys (
    id       BLOB PRIMARY KEY NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    created  INTEGER NOT NULL,
    document BLOB NOT NULL CHECK (typeof(document) = 'blob'));
  CREATE TABLE alt_names (
    name   TEXT PRIMARY KEY NOT NULL,
    key_id BLOB NOT NULL REFERENCES keys (id) ON DELETE CASCADE) WITHOUT ROWID;
  CREATE INDEX alt_names_by_key ON alt_names (key_id);
  PRAGMA application_id = 0x464c4531;
  PRAGMA user_version = 1;
)";

// The journal stays SQLite's default, a rollback journal, and not WAL: a vault is then one file,
// which people copy, mount read-only and back up, and its rare writes gain nothing from WAL. EXTRA
// syncs the directory too once the journal is gone: a data key that insert() reported as stored is
// still there after power loss. Whoever encrypted under it would otherwise lose all of that data.
//
// secure_delete, which some builds of SQLite have on and others not: who deletes a data key wants
// what it encrypted to be lost, and its wrapped material must not stay in a free page of the file.
constexpr const char* kSettings =
    "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON;";

class SqliteVault final : public KeyVault {
 public:
  explicit SqliteVault(VaultFile file)
      : file_(std::move(file)), db_(file_.path()), pid_(::getpid()) {}

  Done open(bool create) {
    // Before SQLite looks at anything, and once more of what it has opened.
    FLE_CHECK(file_.check());
    FLE_CHECK(db_.open(file_.real_path(), kBusyTimeout));
    FLE_CHECK(file_.check());
    if (db_.has_moved()) return db_.failure("it was replaced while it was opened");
    FLE_CHECK(db_.exec(kSettings));
    FLE_CHECK(refuse_short_file());
    FLE_TRY(const bool empty, is_empty());
    if (empty && !create) return db_.failure("not a key vault: the file is empty");
    if (empty) FLE_CHECK(create_tables());
    FLE_CHECK(check_version());
    return prepare();
  }

  Done insert(const KeyDocument& key) override {
    FLE_TRY(const auto bson, checked_bson(key));
    return in_transaction(ok, [&](auto&) { return insert_one(key, bson); });
  }

  Done insert_many(std::span<const KeyDocument> keys) override {
    return in_transaction(ok, [&](auto&) -> Done {
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto bson = checked_bson(keys[i]);
        const Done done = bson ? insert_one(keys[i], *bson) : Done(bson.error());
        if (!done) return at_key(done.error(), i);
      }
      return ok;
    });
  }

  // Looks up one key after the other in one read transaction. In process a prepared look-up costs
  // about a microsecond, has no limit on how many, and sees one state of the file.
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> alt_names) override {
    const std::scoped_lock lock(mutex_);
    FLE_CHECK(check_usable());
    Transaction t(db_);
    FLE_CHECK(t.begin(Transaction::Kind::read));
    std::vector<KeyDocument> out;
    SeenIds seen(0, SeededHash::random());
    for (const KeyId& id : ids) {
      if (seen.contains(id)) continue;
      by_id_.bind(1, Bytes(id.bytes));
      FLE_CHECK(collect(by_id_, out, seen));
    }
    for (const std::string& name : alt_names) {
      by_name_.bind(1, std::string_view(name));
      FLE_CHECK(collect(by_name_, out, seen));
    }
    FLE_CHECK(t.commit());
    return out;
  }

  Outcome<std::vector<KeyDocument>> list() override {
    const std::scoped_lock lock(mutex_);
    FLE_CHECK(check_usable());
    std::vector<KeyDocument> out;
    SeenIds seen(0, SeededHash::random());
    FLE_CHECK(collect(all_, out, seen));
    return out;
  }

  Outcome<Found> add_alt_name(const KeyId& id, std::string_view alt_name) override {
    return in_transaction(Found{}, [&](Found& before) -> Done {
      FLE_TRY(before, find_one(id));
      if (!before || has_name(*before, alt_name)) return ok;
      FLE_CHECK(put(with_name(*before, alt_name)));
      return name_key(alt_name, id);
    });
  }

  Outcome<Found> remove_alt_name(const KeyId& id, std::string_view alt_name) override {
    return in_transaction(Found{}, [&](Found& before) -> Done {
      FLE_TRY(before, find_one(id));
      if (!before || !has_name(*before, alt_name)) return ok;
      FLE_CHECK(put(without_name(*before, alt_name)));
      delete_name_.bind(1, std::string_view(alt_name));
      FLE_CHECK(delete_name_.step());
      return ok;
    });
  }

  Outcome<bool> delete_key(const KeyId& id) override {
    return in_transaction(false, [&](bool& existed) -> Done {
      delete_key_.bind(1, Bytes(id.bytes));  // and its names: ON DELETE CASCADE
      FLE_CHECK(delete_key_.step());
      existed = db_.changes() != 0;
      return ok;
    });
  }

  Outcome<std::vector<KeyId>> rewrap(std::span<const Rewrapping> keys) override {
    return in_transaction(std::vector<KeyId>{}, [&](std::vector<KeyId>& left_alone) -> Done {
      const KeyDocument::Time time = now();
      for (const Rewrapping& r : keys) {
        FLE_TRY(const Found before, find_one(r.id));
        if (before && is_as_before(*before, r)) {
          FLE_CHECK(put(rewrapped(*before, r, time)));
        } else {
          left_alone.push_back(r.id);
        }
      }
      return ok;
    });
  }

  Outcome<bool> replace(const KeyDocument& before, const KeyDocument& after) override {
    return in_transaction(false, [&](bool& replaced) -> Done {
      FLE_TRY(const Found stored, find_one(before.id));
      if (!stored || to_bson(*stored) != to_bson(before)) return ok;
      FLE_CHECK(put(after));
      for (const std::string& name : before.alt_names) {
        delete_name_.bind(1, std::string_view(name));
        FLE_CHECK(delete_name_.step());
      }
      for (const std::string& name : after.alt_names) FLE_CHECK(name_key(name, after.id));
      replaced = true;
      return ok;
    });
  }

 private:
  struct Reset {
    void operator()(Statement* s) const noexcept { s->reset(); }
  };

  // An empty file becomes a vault; a file with anything in it stays as it is.
  Outcome<bool> is_empty() {
    FLE_TRY(const std::int64_t id, db_.query_int("PRAGMA application_id"));
    FLE_TRY(const std::int64_t version, db_.query_int("PRAGMA user_version"));
    FLE_TRY(const std::int64_t objects, db_.query_int("SELECT count(*) FROM sqlite_master"));
    return id == 0 && version == 0 && objects == 0;
  }

  // SQLite takes a file shorter than its header for an empty one and would write over it. The size
  // is asked first: a file that another process fills right now has pages once they can be read.
  Done refuse_short_file() {
    struct stat st {};
    if (::stat(db_.path().c_str(), &st) != 0) return system_failure(db_.path(), errno);
    FLE_TRY(const std::int64_t pages, db_.query_int("PRAGMA page_count"));
    if (pages == 0 && st.st_size != 0) return db_.failure("not a key vault");
    return ok;
  }

  // Several processes may find the same new file empty: whoever gets the lock first fills it.
  Done create_tables() {
    Transaction t(db_);
    FLE_CHECK(t.begin(Transaction::Kind::write));
    FLE_TRY(const bool still_empty, is_empty());
    if (!still_empty) return ok;
    FLE_CHECK(db_.exec(kSchema));
    return t.commit();
  }

  Done check_version() {
    FLE_TRY(const std::int64_t id, db_.query_int("PRAGMA application_id"));
    if (id != kApplicationId)
      return db_.failure("not a key vault, but a SQLite file of another application");
    FLE_TRY(const std::int64_t version, db_.query_int("PRAGMA user_version"));
    if (version != kVersion)
      return db_.failure("has format version " + std::to_string(version) +
                         ", this libfle knows version " + std::to_string(kVersion) +
                         (version > kVersion ? ": written by a newer libfle" : ""));
    return ok;
  }

  Done prepare() {
    const std::pair<Statement*, const char*> statements[] = {
        {&insert_key_, "INSERT INTO keys (id, created, document) VALUES (?1, ?2, ?3)"},
        {&insert_name_, "INSERT INTO alt_names (name, key_id) VALUES (?1, ?2)"},
        {&by_id_, "SELECT id, document FROM keys WHERE id = ?1"},
        {&by_name_,
         "SELECT k.id, k.document FROM alt_names a JOIN keys k ON k.id = a.key_id"
         " WHERE a.name = ?1"},
        {&replace_, "UPDATE keys SET document = ?2 WHERE id = ?1"},
        {&delete_key_, "DELETE FROM keys WHERE id = ?1"},
        {&delete_name_, "DELETE FROM alt_names WHERE name = ?1"},
        {&all_, "SELECT id, document FROM keys ORDER BY created, id"},
    };
    for (const auto& [statement, sql] : statements) {
      FLE_TRY(*statement, db_.prepare(sql));
    }
    return ok;
  }

  // SQLite's locks belong to the process that opened the file: a forked child that went on with
  // this connection could damage the vault.
  [[nodiscard]] Done check_usable() const {
    if (::getpid() != pid_) return db_.failure("opened before a fork: open it again in the child");
    return file_.check_beside();
  }

  /// Runs `work`, which fills in `out`, as one transaction that holds the write lock. A failure
  /// takes all of it back.
  template <class T, class Work>
  Outcome<T> in_transaction(T out, Work work) {
    const std::scoped_lock lock(mutex_);
    FLE_CHECK(check_usable());
    Transaction t(db_);
    FLE_CHECK(t.begin(Transaction::Kind::write));
    FLE_CHECK(work(out));
    FLE_CHECK(t.commit());
    return out;
  }

  // What follows runs inside a transaction.

  Done insert_one(const KeyDocument& key, Bytes bson) {
    insert_key_.bind(1, Bytes(key.id.bytes));
    insert_key_.bind(2, std::int64_t{key.creation_date.time_since_epoch().count()});
    insert_key_.bind(3, bson);
    FLE_CHECK(run(insert_key_, [&] { return duplicate_id(key.id); }));
    for (const std::string& name : key.alt_names) FLE_CHECK(name_key(name, key.id));
    return ok;
  }

  Done name_key(std::string_view name, const KeyId& id) {
    insert_name_.bind(1, std::string_view(name));
    insert_name_.bind(2, Bytes(id.bytes));
    return run(insert_name_, [&] { return duplicate_name(name); });
  }

  Outcome<Found> find_one(const KeyId& id) {
    std::vector<KeyDocument> keys;
    SeenIds seen(0, SeededHash::random());
    by_id_.bind(1, Bytes(id.bytes));
    FLE_CHECK(collect(by_id_, keys, seen));
    return keys.empty() ? Found{} : Found{std::move(keys.front())};
  }

  Done put(const KeyDocument& key) {
    FLE_TRY(const auto bson, checked_bson(key));
    replace_.bind(1, Bytes(key.id.bytes));
    replace_.bind(2, Bytes(bson));
    FLE_CHECK(replace_.step());
    return ok;
  }

  template <class Duplicate>
  Done run(Statement& insert, Duplicate duplicate) {
    const auto row = insert.step();
    if (row) return ok;
    const int code = db_.code();
    if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
      return duplicate();
    return row.error();
  }

  Done collect(Statement& select, std::vector<KeyDocument>& out, SeenIds& seen) {
    const std::unique_ptr<Statement, Reset> reset(&select);  // a half-read one keeps its lock
    for (;;) {
      FLE_TRY(const bool row, select.step());
      if (!row) return ok;
      FLE_TRY(KeyDocument key, read_row(select));
      if (seen.insert(key.id).second) out.push_back(std::move(key));
    }
  }

  // The file may be damaged or edited: a document is checked on its way out as well.
  [[nodiscard]] Outcome<KeyDocument> read_row(const Statement& select) const {
    const auto id = KeyId::from(select.blob(0));
    if (!id) return db_.failure("a key id does not have 16 bytes");
    auto key = parse_key_document(select.blob(1));
    if (key && key->id != *id)
      key = Failure{Errc::key_document_invalid, "stored under another id", "_id"};
    if (key) return key;
    Failure f = key.error();
    f.message = "key " + id->to_string() + " in key vault '" + db_.path() + "': " + f.message;
    return f;
  }

  std::mutex mutex_;
  VaultFile file_;
  Db db_;
  pid_t pid_;
  Statement insert_key_;
  Statement insert_name_;
  Statement replace_;
  Statement delete_key_;
  Statement delete_name_;
  Statement by_id_;
  Statement by_name_;
  Statement all_;
};

// Readable by its owner alone from its first moment, whatever the umask. O_EXCL also because
// closing a descriptor of a file that is open elsewhere in this process would drop SQLite's locks.
Done create_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0 && errno == EEXIST) return ok;
  if (fd < 0) return system_failure(path, errno);
  const int rc = ::fchmod(fd, S_IRUSR | S_IWUSR);
  const int error = errno;
  ::close(fd);
  if (rc != 0) return system_failure(path, error);
  return ok;
}

}  // namespace

Outcome<std::unique_ptr<KeyVault>> open_sqlite_vault(std::string_view file_name, bool create) {
  const std::string path(file_name);
  if (path.empty() || path.find('\0') != std::string::npos)
    return Failure{Errc::vault_failed, "the key vault's file name is empty or holds a NUL byte"};
  if (create) {
    FLE_CHECK(VaultFile::check_place(path));  // so that a refusal leaves no empty file
    FLE_CHECK(create_file(path));
  }
  FLE_TRY(VaultFile file, VaultFile::find(path));
  auto vault = std::make_unique<SqliteVault>(std::move(file));
  FLE_CHECK(vault->open(create));
  return std::unique_ptr<KeyVault>(std::move(vault));
}

bool have_sqlite_vault() noexcept { return true; }

}  // namespace fle::kms

#else

namespace fle::kms {

Outcome<std::unique_ptr<KeyVault>> open_sqlite_vault(std::string_view, bool) {
  return Failure{Errc::not_in_build, "this libfle was built without SQLite (package sqlite3)"};
}

bool have_sqlite_vault() noexcept { return false; }

}  // namespace fle::kms

#endif  // FLE_WITH_SQLITE
