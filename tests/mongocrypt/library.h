#ifndef FLE_TESTS_MONGOCRYPT_LIBRARY_H_
#define FLE_TESTS_MONGOCRYPT_LIBRARY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "fle/bytes.h"
#include "functions.h"
#include "mongocrypt/mongocrypt.h"
#include "support/bson_values.h"

namespace fle::test {

// What a context waits for.
inline constexpr auto kCollInfo = MONGOCRYPT_CTX_NEED_MONGO_COLLINFO;
inline constexpr auto kMarkings = MONGOCRYPT_CTX_NEED_MONGO_MARKINGS;
inline constexpr auto kKeys = MONGOCRYPT_CTX_NEED_MONGO_KEYS;
inline constexpr auto kKms = MONGOCRYPT_CTX_NEED_KMS;
inline constexpr auto kReady = MONGOCRYPT_CTX_READY;
inline constexpr auto kError = MONGOCRYPT_CTX_ERROR;

/// A libmongocrypt.so.0, opened as drivers open it: ours, or the one that Debian has. Both may be
/// in one process.
class Library {
 public:
  /// @param path  throws std::runtime_error where there is none.
  explicit Library(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  [[nodiscard]] static Library& ours();
  /// Null where Debian's package is not installed.
  [[nodiscard]] static Library* theirs();

#define FLE_MEMBER(name, newer, text) decltype(::name)* name = nullptr;
  FLE_MONGOCRYPT_FUNCTIONS(FLE_MEMBER)
#undef FLE_MEMBER

 private:
  void* handle_;
};

/// While it lives, clients that are made with our library know the original by `path`.
class NamesOriginal {
 public:
  explicit NamesOriginal(const std::string& path);
  ~NamesOriginal();
  NamesOriginal(const NamesOriginal&) = delete;
  NamesOriginal& operator=(const NamesOriginal&) = delete;
};

/// A view of bytes.
class View {
 public:
  explicit View(const Library& library, Bytes bytes = {});
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  operator mongocrypt_binary_t*() const noexcept { return b_; }  // NOLINT
  [[nodiscard]] Buf bytes() const;

 private:
  const Library& l_;
  Buf bytes_;
  mongocrypt_binary_t* b_;
};

struct StatusText {
  int type = 0;
  std::uint32_t code = 0;
  std::string message;
  friend bool operator==(const StatusText&, const StatusText&) = default;
};

/// A client of a library: a mongocrypt_t.
class Client {
 public:
  struct Options {
    std::string kms_providers;  ///< Extended JSON.
    std::string schema_map{};   ///< Likewise; empty: none.
    std::function<void(const Library&, mongocrypt_t*)> more{};
  };
  Client(const Library& library, const Options& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] const Library& library() const noexcept { return l_; }
  operator mongocrypt_t*() const noexcept { return crypt_; }  // NOLINT
  [[nodiscard]] StatusText status() const;
  [[nodiscard]] bool is_ready() const noexcept { return ready_; }
  /// Destroys the handle early.
  void destroy();

 private:
  const Library& l_;
  mongocrypt_t* crypt_;
  bool ready_ = false;
};

/// What is at the other ends of a driver.
struct World {
  std::map<std::string, Buf> collections;  ///< By name, documents of listCollections.
  std::vector<Buf> keys;                   ///< The key vault.
  /// A KMS: from the endpoint and the message to the answer.
  std::function<std::string(const std::string& endpoint, const std::string& message)> kms;
  std::string credentials{};  ///< For NEED_KMS_CREDENTIALS; Extended JSON.
  /// An analyzer, for NEED_MONGO_MARKINGS: from the command to its reply.
  std::function<Buf(Bytes command)> mark{};
};

/// A context, with the steps of a driver.
class Ctx {
 public:
  explicit Ctx(const Client& client);
  ~Ctx();
  Ctx(const Ctx&) = delete;
  Ctx& operator=(const Ctx&) = delete;
  operator mongocrypt_ctx_t*() const noexcept { return ctx_; }  // NOLINT

  [[nodiscard]] mongocrypt_ctx_state_t state() const { return l_.mongocrypt_ctx_state(ctx_); }
  [[nodiscard]] StatusText status() const;
  [[nodiscard]] Buf op() const;
  bool feed(Bytes document) const;
  bool done() const { return l_.mongocrypt_ctx_mongo_done(ctx_); }
  [[nodiscard]] std::optional<Buf> finalize() const;
  /// Runs the state machine to its end, as drivers do. Nothing when the context failed.
  std::optional<Buf> run(World& world);

  std::vector<mongocrypt_ctx_state_t> states;  ///< That run() went through.
  std::vector<std::string> requests;  ///< That it sent: the endpoint, a line end, the rest.

 private:
  bool run_kms(World& world);

  const Library& l_;
  mongocrypt_ctx_t* ctx_;
};

// Operations, from the options on; nothing when they failed: see `why`.
std::optional<Buf> create_data_key(const Client& client, World& world, const std::string& kek,
                                   const std::vector<std::string>& names = {}, Bytes material = {},
                                   std::string* why = nullptr);
std::optional<Buf> encrypt_value(const Client& client, World& world, Bytes key_id,
                                 std::string_view algorithm, const std::string& value,
                                 std::string* why = nullptr);
std::optional<Buf> decrypt_value(const Client& client, World& world, Bytes document,
                                 std::string* why = nullptr);
std::optional<Buf> encrypt_command(const Client& client, World& world, const std::string& db,
                                   Bytes command, std::string* why = nullptr);
std::optional<Buf> decrypt_reply(const Client& client, World& world, Bytes reply,
                                 std::string* why = nullptr);

/// {"local": ...} with 96 times 0x5a.
extern const std::string kLocal;
extern const std::string_view kDeterministic;
extern const std::string_view kRandom;

/// The content of the binary `name` of a document: an id, a payload. Throws where it has none.
Buf binary_of(Bytes document, std::string_view name);

/// Runs `work` in a forked child. Its exit status: 0 where it returned true.
template <class Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = -1;
  return ::waitpid(child, &status, 0) == child ? status : -1;
}

}  // namespace fle::test

#endif  // FLE_TESTS_MONGOCRYPT_LIBRARY_H_
