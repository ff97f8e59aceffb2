#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "context_options.h"
#include "crypt.h"
#include "fle/bytes.h"
#include "fle/kms/exchange.h"
#include "fle/kms/key_document.h"
#include "fle/kms/provider.h"
#include "handed_over.h"
#include "kms_context.h"
#include "status.h"

namespace fle::mongocrypt {

class Context;

/// What a context is for. It asks the context for what it needs and is called again when that is
/// there; at last it says Context::ready().
class Operation {
 public:
  virtual ~Operation() = default;
  /// Goes on from what is there.
  [[nodiscard]] virtual Done go_on(Context& context) = 0;
  /// A document of the key vault, which Context::ask_keys() asked for.
  [[nodiscard]] virtual Done feed_key(Context& context, kms::KeyDocument key);
  /// There are no more.
  [[nodiscard]] virtual Done keys_are_fed(Context& context);
  /// Every exchange of Context::run() has its result, in its order.
  [[nodiscard]] virtual Done exchanges_are_done(
      Context& context, std::span<const std::unique_ptr<kms::Exchange>> exchanges);
  /// Once ready; a BSON document that stays as long as the operation.
  [[nodiscard]] virtual Outcome<Bytes> result() = 0;
};

/// An exchange that is to be run with the KMS provider `provider_id`.
struct KmsTask {
  std::string provider_id;
  std::function<std::unique_ptr<kms::Exchange>(kms::Provider&)> begin;
};

/// What a mongocrypt_ctx_t stands for: the state machine of drivers around an operation. For one
/// thread at a time.
///
/// A context that shows that it needs Queryable Encryption is handed over to MongoDB's own library,
/// where FLE_MONGOCRYPT_QE names it: from there on every call goes there.
class Context {
 public:
  explicit Context(std::shared_ptr<Crypt> crypt) : crypt_(std::move(crypt)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  [[nodiscard]] mongocrypt_ctx_state_t state() const noexcept;
  /// What is in flight in a context is wiped in a forked child, and would pass for keys of zeros.
  /// @retval Errc::key_not_inherited  it was begun before the fork
  [[nodiscard]] Done check_process() const;
  [[nodiscard]] Crypt& crypt() noexcept { return *crypt_; }

  // ---- For drivers. Whatever fails ends the context: State ERROR, and `status` says why.

  /// The options, while they may be set.
  [[nodiscard]] Outcome<ContextOptions*> options_to_set();
  /// Notes an option that has been set: it is set there, too, once the context is handed over.
  /// @param make  makes the original::Setting; called only where that may happen.
  template <class Make>
  void note_option(Make make) {
    if (crypt_->original() != nullptr) settings_.push_back(make());
  }
  /// Begins.
  /// @param make  makes the operation, once it is known that the context may have one.
  [[nodiscard]] Done begin(
      const std::function<Outcome<std::unique_ptr<Operation>>(Context&)>& make);
  /// Begins, where it is handed over.
  [[nodiscard]] Done begin_handed(const original::Setting& begin);
  [[nodiscard]] Outcome<Bytes> mongo_op();
  /// Null but in state NEED_MONGO_COLLINFO_WITH_DB.
  [[nodiscard]] const char* mongo_db() const noexcept;
  [[nodiscard]] Done mongo_feed(Bytes document);
  [[nodiscard]] Done mongo_done();
  [[nodiscard]] Done provide_credentials(Bytes document);
  /// Null when there is none left to run.
  [[nodiscard]] _mongocrypt_kms_ctx_t* next_kms_context();
  [[nodiscard]] Done kms_done();
  [[nodiscard]] Outcome<Bytes> finalize();
  /// Something failed, as `status` says: nothing more can be done with this.
  void end() noexcept;

  Status status;

  // ---- For operations.

  [[nodiscard]] const ContextOptions& options() const noexcept { return options_; }
  [[nodiscard]] Engine& engine() noexcept { return *engine_; }
  /// Hands the context over.
  /// @param what   what needs that, for the text where nobody is there for it
  /// @param begin  begins what this has begun; may be empty
  /// @retval Errc::command_not_supported  nobody is; or the original says no
  [[nodiscard]] Done hand_over(std::string_view what, const original::Setting& begin);
  [[nodiscard]] bool is_handed_over() const noexcept { return handed_ != nullptr; }
  [[nodiscard]] original::Context& handed() noexcept { return handed_->theirs(); }
  void ready() noexcept { state_ = MONGOCRYPT_CTX_READY; }
  /// There was nothing to do, and there is no result.
  void nothing_to_do() noexcept { state_ = MONGOCRYPT_CTX_DONE; }
  /// listCollections of `db`: its answer, where the driver has given it; else it is asked for, and
  /// this fails with a Failure that means no more than "not yet": see has_asked().
  [[nodiscard]] Outcome<std::vector<std::vector<std::uint8_t>>> list_collections(
      std::string_view command_db, std::string_view db, Bytes filter);
  /// Whether go_on() has asked for collections.
  [[nodiscard]] bool has_asked() const noexcept {
    return state_ == MONGOCRYPT_CTX_NEED_MONGO_COLLINFO ||
           state_ == MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB;
  }
  void ask_keys(std::vector<std::uint8_t> filter);
  /// Runs exchanges, and asks for credentials first where they are missing.
  [[nodiscard]] Done run(std::vector<KmsTask> tasks);
  /// Calls the operation, which says what it needs.
  [[nodiscard]] Done go_on();

 private:
  [[nodiscard]] Outcome<kms::Provider*> provider(std::string_view id, bool& needs_credentials);
  [[nodiscard]] Done start_exchanges();
  [[nodiscard]] Done next_round();
  [[nodiscard]] Done answer_again();
  [[nodiscard]] Done check_markings(Done done) const;

  const std::shared_ptr<Crypt> crypt_;
  Engine* engine_ = nullptr;  // of `crypt_`, which keeps it
  mongocrypt_ctx_state_t state_ = MONGOCRYPT_CTX_ERROR;
  ContextOptions options_;
  bool began_ = false;

  // Questions to MongoDB.
  using Question = std::pair<std::string, std::vector<std::uint8_t>>;  // database, filter
  // All that were asked, the last one at the end: what a driver has seen of one stays as long as
  // the context does.
  std::deque<Question> questions_;
  std::vector<std::vector<std::uint8_t>> answer_;  // so far
  std::map<Question, std::vector<std::vector<std::uint8_t>>> answers_;

  // KMS. Before the operation and after the providers: exchanges refer to these.
  std::optional<Credentials> credentials_;  // of this context; stand above the handle's
  std::vector<KmsTask> tasks_;
  std::vector<std::unique_ptr<kms::Exchange>> exchanges_;  // null: not begun yet
  std::vector<std::unique_ptr<KmsHandle<KmsContext>>> round_;
  // Drivers may still hold those of earlier rounds, and ask for their status.
  std::vector<std::unique_ptr<KmsHandle<KmsContext>>> retired_;

  std::unique_ptr<Operation> operation_;

  std::vector<original::Setting> settings_;  // options, for the original
  std::unique_ptr<HandedOver> handed_;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_H_
