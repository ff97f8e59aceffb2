#ifndef FLE_TOOLS_MONGOCRYPT_ORIGINAL_CONTEXT_H_
#define FLE_TOOLS_MONGOCRYPT_ORIGINAL_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "library.h"

namespace fle::mongocrypt::original {

/// How a call of the original ended, as it tells it.
struct Told {
  mongocrypt_status_type_t type = MONGOCRYPT_STATUS_OK;
  std::uint32_t code = 0;
  std::string text;
};

/// Bytes as it takes them. It copies what it is handed.
class View {
 public:
  View(const Library& library, Bytes bytes);
  explicit View(const Library& library);
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() { library_.mongocrypt_binary_destroy(theirs_); }
  [[nodiscard]] mongocrypt_binary_t* get() const noexcept { return theirs_; }
  /// What it has handed out.
  [[nodiscard]] Bytes bytes() const noexcept;

 private:
  const Library& library_;
  mongocrypt_binary_t* theirs_;
};

/// One of its messages to a key management service. Its context's.
class Kms {
 public:
  Kms(const Library& library, mongocrypt_kms_ctx_t* theirs) : library_(library), theirs_(theirs) {}
  [[nodiscard]] bool is(const mongocrypt_kms_ctx_t* theirs) const noexcept {
    return theirs_ == theirs;
  }
  // As the interface has them.
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] std::string provider_id() const;
  [[nodiscard]] Outcome<Bytes> message();
  [[nodiscard]] std::uint32_t bytes_needed() noexcept;
  [[nodiscard]] std::int64_t microseconds_to_wait() const noexcept;
  [[nodiscard]] Outcome<bool> feed(Bytes bytes);
  [[nodiscard]] bool lost() noexcept;
  [[nodiscard]] Told told() const;

 private:
  [[nodiscard]] Done done(bool good) const;

  const Library& library_;
  mongocrypt_kms_ctx_t* theirs_;
};

/// One of its contexts. Every function that fails does so with the original's text; told() has its
/// type and code, too. For one thread at a time.
class Context {
 public:
  Context(const Library& library, mongocrypt_ctx_t* theirs) : library_(library), theirs_(theirs) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { library_.mongocrypt_ctx_destroy(theirs_); }

  template <class... Args>
  using Function = bool (*Library::*)(mongocrypt_ctx_t*, Args...);

  /// Sets an option.
  /// @retval Errc::command_not_supported  the library is too old for it, or says no
  template <class... Args>
  [[nodiscard]] Done set(Function<Args...> function, Args... args) {
    if (library_.*function == nullptr) return lacks();
    return done((library_.*function)(theirs_, args...));
  }
  /// Hands it bytes.
  /// @retval Errc::invalid_argument  none, which may end the process there
  [[nodiscard]] Done set_bytes(Function<mongocrypt_binary_t*> function, Bytes bytes);
  /// Says what it is for.
  [[nodiscard]] Done begin(Function<> function);
  [[nodiscard]] Done begin(Function<mongocrypt_binary_t*> function, Bytes document);
  [[nodiscard]] Done begin_command(std::string_view db, Bytes command);

  /// ERROR before begin(): to ask it then would end it.
  [[nodiscard]] mongocrypt_ctx_state_t state() const noexcept;
  [[nodiscard]] Outcome<Bytes> mongo_op();
  /// Null where the state has none.
  [[nodiscard]] const char* mongo_db() const noexcept;
  [[nodiscard]] Done mongo_feed(Bytes document);
  [[nodiscard]] Done mongo_done();
  [[nodiscard]] Done provide_credentials(Bytes document);
  /// Null when there is none left to run.
  [[nodiscard]] mongocrypt_kms_ctx_t* next_kms_context() noexcept;
  [[nodiscard]] Done kms_done();
  [[nodiscard]] Outcome<Bytes> finalize();

  [[nodiscard]] Told told() const;
  [[nodiscard]] const Library& library() const noexcept { return library_; }

 private:
  [[nodiscard]] Failure lacks() const;
  [[nodiscard]] Done done(bool good) const;

  // What it asked last. Asked twice for the filter of collection infos, 1.7.2 makes it anew and
  // loses the first one's memory.
  struct Question {
    mongocrypt_ctx_state_t state;
    Bytes filter;  // its own
  };

  const Library& library_;
  mongocrypt_ctx_t* theirs_;
  std::optional<Question> question_;
  bool began_ = false;
};

/// An option of a context, to be set there.
using Setting = std::function<Done(Context&)>;

/// One of its handles. Serves any number of threads once it is initialized.
class Crypt {
 public:
  explicit Crypt(std::shared_ptr<const Library> library);
  Crypt(const Crypt&) = delete;
  Crypt& operator=(const Crypt&) = delete;
  ~Crypt() { library_->mongocrypt_destroy(theirs_); }

  template <class... Args>
  using Function = bool (*Library::*)(mongocrypt_t*, Args...);
  template <class... Args>
  using Silent = void (*Library::*)(mongocrypt_t*, Args...);

  /// Sets an option. False: the library is too old for it.
  /// @retval Errc::command_not_supported  it says no
  template <class... Args>
  [[nodiscard]] Outcome<bool> set(Function<Args...> function, Args... args) {
    if ((*library_).*function == nullptr) return false;
    FLE_CHECK(done(((*library_).*function)(theirs_, args...)));
    return true;
  }
  template <class... Args>
  [[nodiscard]] Outcome<bool> set(Silent<Args...> function, Args... args) {
    if ((*library_).*function == nullptr) return false;
    ((*library_).*function)(theirs_, args...);
    return true;
  }
  [[nodiscard]] Done set_bytes(Function<mongocrypt_binary_t*> function, Bytes bytes);
  [[nodiscard]] Done init();
  /// Whether it has loaded MongoDB's analyzer.
  [[nodiscard]] bool has_analyzer() const noexcept;
  /// @retval Errc::no_memory
  [[nodiscard]] Outcome<std::unique_ptr<Context>> new_context();
  [[nodiscard]] const Library& library() const noexcept { return *library_; }

 private:
  [[nodiscard]] Done done(bool good) const;

  std::shared_ptr<const Library> library_;
  mongocrypt_t* theirs_;
};

}  // namespace fle::mongocrypt::original

#endif  // FLE_TOOLS_MONGOCRYPT_ORIGINAL_CONTEXT_H_
