#include "context.h"

#include <algorithm>
#include <utility>

namespace fle::mongocrypt {
namespace {

Failure wrong_state(const char* call, mongocrypt_ctx_state_t state) {
  static constexpr const char* kStates[] = {"ERROR",
                                            "NEED_MONGO_COLLINFO",
                                            "NEED_MONGO_MARKINGS",
                                            "NEED_MONGO_KEYS",
                                            "NEED_KMS",
                                            "READY",
                                            "DONE",
                                            "NEED_KMS_CREDENTIALS",
                                            "NEED_MONGO_COLLINFO_WITH_DB"};
  return {Errc::invalid_argument, std::string(call) + " does not fit the context's state, " +
                                      kStates[static_cast<std::size_t>(state)]};
}

/// Where no operation asks for this, a driver that feeds it is out of step.
Failure out_of_step() {
  return {Errc::invalid_argument, "the operation of this context has not asked for that"};
}

Failure not_answered_yet() {
  return {Errc::server_unreachable, "the driver has not answered listCollections yet"};
}

using Documents = std::vector<std::vector<std::uint8_t>>;

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): for those that keep it
Done Operation::feed_key(Context&, kms::KeyDocument) { return out_of_step(); }
Done Operation::keys_are_fed(Context&) { return out_of_step(); }
Done Operation::exchanges_are_done(Context&, std::span<const std::unique_ptr<kms::Exchange>>) {
  return out_of_step();
}

Context::~Context() {
  if (handed_ != nullptr && !engine_->is_of_this_process()) handed_->abandon();
}

mongocrypt_ctx_state_t Context::state() const noexcept {
  // One that the original has ended, or that a fork has, is asked no more.
  return handed_ == nullptr || !status.is_ok() ? state_ : handed_->theirs().state();
}

void Context::end() noexcept {
  state_ = MONGOCRYPT_CTX_ERROR;
  if (handed_ != nullptr && engine_->is_of_this_process()) handed_->tell(status);
}

Done Context::check_process() const {
  if (engine_ == nullptr || engine_->is_of_this_process()) return ok;
  return Failure(Errc::key_not_inherited,
                 "this context was begun before the process forked: make a new one in the child");
}

Outcome<ContextOptions*> Context::options_to_set() {
  if (began_)
    return Failure(Errc::invalid_argument, "options of a context are set before its init");
  return &options_;
}

Done Context::begin(const std::function<Outcome<std::unique_ptr<Operation>>(Context&)>& make) {
  if (std::exchange(began_, true))
    return Failure(Errc::invalid_argument, "the context was initialized before");
  FLE_TRY(engine_, crypt_->engine());
  FLE_TRY(operation_, make(*this));
  return go_on();
}

Done Context::begin_handed(const original::Setting& begin) {
  return check_markings(begin(handed_->theirs()));
}

Done Context::hand_over(std::string_view what, const original::Setting& begin) {
  if (crypt_->original() == nullptr) return crypt_->refuse_queryable(what);
  FLE_TRY(engine_, crypt_->engine());
  FLE_TRY(original::Crypt* const crypt, engine_->original(*crypt_));
  FLE_TRY(std::unique_ptr<original::Context> theirs, crypt->new_context());
  handed_ = std::make_unique<HandedOver>(std::move(theirs));
  for (const original::Setting& set : settings_) FLE_CHECK(set(handed_->theirs()));
  settings_.clear();
  if (!begin) return ok;
  FLE_CHECK(begin(handed_->theirs()));
  return check_markings(answer_again());
}

/// What the driver has answered already it is not asked again.
Done Context::answer_again() {
  original::Context& theirs = handed_->theirs();
  for (;;) {
    const auto state = theirs.state();
    const bool names_db = state == MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB;
    if (state != MONGOCRYPT_CTX_NEED_MONGO_COLLINFO && !names_db) return ok;
    FLE_TRY(const Bytes filter, theirs.mongo_op());
    const char* const db = names_db ? theirs.mongo_db() : nullptr;
    const auto known = std::ranges::find_if(answers_, [&](const auto& answer) {
      const auto& [asked_db, asked] = answer.first;
      return std::ranges::equal(asked, filter) && (db == nullptr || asked_db == db);
    });
    if (known == answers_.end()) return ok;
    for (const auto& document : known->second) FLE_CHECK(theirs.mongo_feed(document));
    FLE_CHECK(theirs.mongo_done());
    answers_.erase(known);
  }
}

/// A driver that was told of an analyzer in here has brought none, and may end its process where it
/// is asked for what only that could tell.
Done Context::check_markings(Done done) const {
  if (done && handed_->theirs().state() == MONGOCRYPT_CTX_NEED_MONGO_MARKINGS &&
      !crypt_->asks_markings())
    return Failure(Errc::command_not_supported,
                   "automatic encryption of Queryable Encryption needs MongoDB's analyzer: name "
                   "crypt_shared (cryptSharedLibPath), or the collection in encryptedFieldsMap, so "
                   "that the driver brings mongocryptd");
  return done;
}

Done Context::go_on() {
  state_ = MONGOCRYPT_CTX_ERROR;  // until the operation says otherwise
  return operation_->go_on(*this);
}

Outcome<Documents> Context::list_collections(std::string_view command_db, std::string_view db,
                                             Bytes filter) {
  Question question{std::string(db), std::vector<std::uint8_t>(filter.begin(), filter.end())};
  if (const auto known = answers_.find(question); known != answers_.end()) return known->second;
  const bool asks_with_db = crypt_->options().asks_with_db;
  if (db != command_db && !asks_with_db)
    return Failure(Errc::command_not_supported,
                   "the command is about a collection of another database, '" + std::string(db) +
                       "', which this driver cannot list: it has not enabled "
                       "mongocrypt_setopt_use_need_mongo_collinfo_with_db_state");
  questions_.push_back(std::move(question));
  answer_.clear();
  state_ = asks_with_db ? MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB
                        : MONGOCRYPT_CTX_NEED_MONGO_COLLINFO;
  return not_answered_yet();
}

void Context::ask_keys(std::vector<std::uint8_t> filter) {
  questions_.emplace_back(std::string(), std::move(filter));
  state_ = MONGOCRYPT_CTX_NEED_MONGO_KEYS;
}

Outcome<Bytes> Context::mongo_op() {
  if (handed_ != nullptr) return handed_->theirs().mongo_op();
  switch (state_) {
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO:
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB:
    case MONGOCRYPT_CTX_NEED_MONGO_KEYS:
      return Bytes(questions_.back().second);
    default:
      return wrong_state("mongocrypt_ctx_mongo_op", state_);
  }
}

const char* Context::mongo_db() const noexcept {
  if (handed_ != nullptr) return handed_->theirs().mongo_db();
  return state_ == MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB ? questions_.back().first.c_str()
                                                              : nullptr;
}

Done Context::mongo_feed(Bytes document) {
  if (handed_ != nullptr) return handed_->theirs().mongo_feed(document);
  switch (state_) {
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO:
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB:
      answer_.emplace_back(document.begin(), document.end());
      return ok;
    case MONGOCRYPT_CTX_NEED_MONGO_KEYS: {
      FLE_TRY(kms::KeyDocument key, kms::parse_key_document(document));
      return operation_->feed_key(*this, std::move(key));
    }
    default:
      return wrong_state("mongocrypt_ctx_mongo_feed", state_);
  }
}

Done Context::mongo_done() {
  if (handed_ != nullptr) return check_markings(handed_->theirs().mongo_done());
  switch (state_) {
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO:
    case MONGOCRYPT_CTX_NEED_MONGO_COLLINFO_WITH_DB:
      answers_[questions_.back()] = std::move(answer_);
      return go_on();
    case MONGOCRYPT_CTX_NEED_MONGO_KEYS:
      return operation_->keys_are_fed(*this);
    default:
      return wrong_state("mongocrypt_ctx_mongo_done", state_);
  }
}

Done Context::run(std::vector<KmsTask> tasks) {
  tasks_ = std::move(tasks);
  exchanges_.clear();
  exchanges_.resize(tasks_.size());
  return start_exchanges();
}

Outcome<kms::Provider*> Context::provider(std::string_view id, bool& needs_credentials) {
  if (credentials_) {
    auto own = credentials_->providers()->find(id);
    if (own) return own;
  }
  const Credentials& of_handle = engine_->credentials();
  if (!of_handle.is_on_demand(id)) return of_handle.providers()->find(id);
  if (!credentials_ && crypt_->options().asks_credentials) {
    needs_credentials = true;
    return static_cast<kms::Provider*>(nullptr);
  }
  return Failure(Errc::kms_no_credentials,
                 "KMS provider '" + std::string(id) +
                     "' is configured without credentials, and the driver has given none");
}

Done Context::start_exchanges() {
  std::vector<kms::Provider*> providers;
  bool needs_credentials = false;
  for (const KmsTask& task : tasks_) {
    FLE_TRY(kms::Provider* const found, provider(task.provider_id, needs_credentials));
    providers.push_back(found);
  }
  if (needs_credentials) {
    state_ = MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS;
    return ok;
  }
  for (std::size_t i = 0; i < tasks_.size(); ++i)
    if (exchanges_[i] == nullptr) exchanges_[i] = tasks_[i].begin(*providers[i]);
  return next_round();
}

Done Context::provide_credentials(Bytes document) {
  if (handed_ != nullptr) return handed_->theirs().provide_credentials(document);
  if (state_ != MONGOCRYPT_CTX_NEED_KMS_CREDENTIALS)
    return wrong_state("mongocrypt_ctx_provide_kms_providers", state_);
  std::vector<WipedBytes> documents(1);
  documents[0].assign(document.begin(), document.end());
  FLE_TRY(credentials_, Credentials::from_bson(documents, Crypt::kms_options(crypt_->options())));
  return start_exchanges();
}

/// One KMS context for every message that can go now. Two exchanges that ask a server the same, for
/// a token, do so once: the other one begins when the answer is there.
Done Context::next_round() {
  for (auto& kms : round_) {
    kms->context.retire();
    retired_.push_back(std::move(kms));
  }
  round_.clear();
  bool all_done = true;
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    std::unique_ptr<kms::Exchange>& exchange = exchanges_[i];
    if (exchange->state() == kms::Exchange::State::failed) return exchange->failure();
    if (exchange->state() == kms::Exchange::State::done) continue;
    all_done = false;
    auto made = std::make_unique<KmsHandle<KmsContext>>(*exchange, tasks_[i].provider_id);
    // A KMIP server is asked for the master key itself, for every data key.
    const bool may_share = !tasks_[i].provider_id.starts_with("kmip");
    const bool is_asked = may_share && std::ranges::any_of(round_, [&made](const auto& other) {
                            return other->context.is_same_as(made->context);
                          });
    if (is_asked) {
      exchange.reset();
    } else {
      round_.push_back(std::move(made));
    }
  }
  if (all_done) return operation_->exchanges_are_done(*this, exchanges_);
  state_ = MONGOCRYPT_CTX_NEED_KMS;
  return ok;
}

_mongocrypt_kms_ctx_t* Context::next_kms_context() {
  if (handed_ != nullptr) {
    _mongocrypt_kms_ctx_t* const next = handed_->next_kms_context();
    // There it is an error to ask in another state.
    if (next == nullptr && handed_->theirs().state() == MONGOCRYPT_CTX_ERROR) end();
    return next;
  }
  if (state_ != MONGOCRYPT_CTX_NEED_KMS) return nullptr;
  for (const auto& kms : round_) {
    if (!kms->context.is_to_run()) continue;
    kms->context.hand_out();
    return kms.get();
  }
  return nullptr;
}

Done Context::kms_done() {
  if (handed_ != nullptr) return handed_->theirs().kms_done();
  if (state_ != MONGOCRYPT_CTX_NEED_KMS) return wrong_state("mongocrypt_ctx_kms_done", state_);
  for (const auto& exchange : exchanges_)
    if (exchange != nullptr && exchange->state() == kms::Exchange::State::failed)
      return exchange->failure();
  for (const auto& kms : round_)
    if (!kms->context.is_over())
      return Failure(Errc::kms_bad_answer, "KMS response unfinished: the answer of " +
                                               kms->context.endpoint() + " is not complete");
  return start_exchanges();
}

Outcome<Bytes> Context::finalize() {
  if (handed_ != nullptr) return handed_->theirs().finalize();
  if (state_ != MONGOCRYPT_CTX_READY) return wrong_state("mongocrypt_ctx_finalize", state_);
  FLE_TRY(const Bytes result, operation_->result());
  state_ = MONGOCRYPT_CTX_DONE;
  return result;
}

}  // namespace fle::mongocrypt
