#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "edits_builder.h"
#include "fle/over_budget.h"

namespace fle::bson {

void Faults::add(Failure f) {
  if (n++ < kMost) first.push_back(std::move(f));
}

namespace {

using internal::Element;
using internal::Frame;
using internal::Visit;
using schema::Plan;

/// Whether a byte of `word` is a dot: Hacker's Delight, section 6-1.
bool word_has_dot(std::uint64_t word) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  const std::uint64_t zero_where_dot = word ^ kOnes * static_cast<std::uint64_t>('.');
  return ((zero_where_dot - kOnes) & ~zero_where_dot & kOnes << 7) != 0;
}

// Names are short: a call of memchr costs more than this.
/// @param readable  bytes that may be read from where the name begins
bool has_dot(std::string_view name, std::size_t readable) noexcept {
  std::uint64_t word = 0;
  bool found = false;
  if (name.size() < sizeof word) {
    if (std::endian::native == std::endian::little && readable >= sizeof word) [[likely]] {
      std::memcpy(&word, name.data(), sizeof word);
      return word_has_dot(word & ~(~std::uint64_t{0} << 8 * name.size()));
    }
    for (const char c : name) word = word << 8 | static_cast<unsigned char>(c);
    return word_has_dot(word);
  }
  for (std::size_t i = 0; i + sizeof word < name.size(); i += sizeof word) {
    std::memcpy(&word, name.data() + i, sizeof word);
    found |= word_has_dot(word);
  }
  std::memcpy(&word, name.data() + name.size() - sizeof word, sizeof word);
  return found || word_has_dot(word);
}

constexpr const char* kAlreadyEncrypted = "binary of subtype 6: the value is encrypted already";
constexpr const char* kHoldsEncrypted =
    "binary of subtype 6 within a value that is encrypted as a whole: it would be encrypted twice, "
    "and decrypted once";

bool is_encrypted(Type type, const std::uint8_t* value) noexcept {
  return type == Type::bin_data && internal::is_subtype_6(value);
}

bool type_fits(Type type, const schema::Leaf& leaf) noexcept {
  return encryptable(type, leaf.algorithm) && (leaf.types.empty() || leaf.types.contains(type));
}

/// Finds out whether a document that is encrypted as a whole holds what is encrypted already.
class EncryptedWithin {
 public:
  static constexpr bool kLooksIntoPlain = false;

  explicit EncryptedWithin(Bytes doc) noexcept : doc_(doc) {}
  Visit element(const Element& e, std::span<Frame>) noexcept {
    found_ = is_encrypted(e.type, doc_.data() + e.value_offset);
    return {found_ ? Visit::Next::stop : Visit::Next::enter};
  }
  bool leave(const Frame&) noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }
  [[nodiscard]] bool found() const noexcept { return found_; }

 private:
  Bytes doc_;
  bool found_ = false;
};

/// What is malformed holds nothing, and is refused elsewhere.
bool holds_encrypted(Type type, Bytes value) {
  if (type == Type::javascript_with_scope)
    value = value.subspan(8 + load32(value.data() + 4));
  else if (type != Type::object && type != Type::array)
    return false;
  EncryptedWithin within(value);
  return internal::Walker(value, kCommandLimits, within).run({}) && within.found();
}

std::string type_message(Type found, const schema::Leaf& leaf) {
  std::string text = "Cannot encrypt element of type: " + std::string(alias(found));
  if (leaf.types.empty() || leaf.types.contains(found)) return text;
  text += ", the schema expects";
  const char* separator = " ";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto type = static_cast<Type>(byte);
    if (!leaf.types.contains(type)) continue;
    text += separator + std::string(alias(type));
    separator = " or ";
  }
  return text;
}

class FieldVisitor {
 public:
  static constexpr bool kLooksIntoPlain = false;

  FieldVisitor(Bytes doc, const Plan& plan, const Start& start, internal::EditsBuilder& out,
               const Limits& limits) noexcept
      : doc_(doc),
        plan_(plan),
        start_(start),
        leaves_(plan.leaves()),
        out_(out),
        work_(limits.work),
        mark_encrypted_(limits.mark_encrypted),
        nulls_(limits.nulls),
        faults_(limits.faults) {}

  Visit element(const Element& e, std::span<Frame> frames) {
    if (is_encrypted(e.type, doc_.data() + e.value_offset)) [[unlikely]]
      return encrypted_value(e, frames);
    return frames.back().kind == Plan::Kind::object ? on_plan(e, frames) : within(frames.back());
  }

  bool leave(const Frame& frame) {
    if (frame.kind != Plan::Kind::object) return true;
    duplicate_ = out_.take_duplicate(doc_, frame.first_name);
    if (duplicate_ == internal::kNone) return true;
    if (faults_ == nullptr) return false;
    faults_->add(twice(std::exchange(duplicate_, internal::kNone)));
    return true;
  }

  [[nodiscard]] std::uint32_t first_name() const noexcept { return out_.n_names(); }

  /// What the walk stopped for, or what is missing after all of it.
  [[nodiscard]] Done verdict() {
    if (failure_) return std::move(*failure_);
    if (duplicate_ != internal::kNone) return twice(duplicate_);
    if (!start_.needs_id || !plan_.encrypts_id() || has_id_) return ok;
    Failure missing(Errc::missing_id,
                    "the schema encrypts _id: the server would add one that is not", "_id");
    if (faults_ == nullptr) return missing;
    faults_->add(std::move(missing));
    return ok;
  }

 private:
  /// What stands in a frame that the plan goes no further into is what the frame is.
  [[nodiscard]] static Visit within(const Frame& frame) noexcept {
    return {Visit::Next::enter, frame.kind};
  }

  [[nodiscard]] Failure twice(std::uint32_t type_offset) const {
    return {Errc::duplicate_field,
            "appears twice in its document, and the schema encrypts it or a field below it",
            path_of(doc_, type_offset)};
  }

  [[gnu::noinline]] Visit encrypted_value(const Element& e, std::span<Frame> frames) {
    const Plan::Kind kind = frames.back().kind;
    if (kind == Plan::Kind::encrypted)
      return refuse(e, frames, Errc::already_encrypted, kHoldsEncrypted);
    const std::size_t marks = out_.n_marks();
    const Visit next = kind == Plan::Kind::object ? on_plan(e, frames) : Visit{};
    if (out_.n_marks() == marks) out_.note_unmarked(doc_, e);
    return next;
  }

  // Out of line, so that the walk over all that the plan does not reach stays small.
  [[gnu::noinline]] Visit on_plan(const Element& e, std::span<Frame> frames) {
    const Frame& frame = frames.back();
    // In two parts: GCC would copy it in one, which waits for the stores of both to retire.
    const std::string_view name(e.name.data(), e.name.size());
    const Plan::Step step = plan_.child(frame.node, name, work_);
    if (step.kind != Plan::Kind::encrypted && has_dot(name, doc_.size() - e.type_offset - 1) &&
        plan_.dotted_name_is_encrypted(frame.node, name, work_))
      return refuse(e, frames, Errc::dotted_field_name,
                    "a field name with dots where the schema encrypts the path of that name");
    switch (step.kind) {
      case Plan::Kind::plain:
        return {};
      case Plan::Kind::object:
        return on_the_way(e, frames, step);
      case Plan::Kind::encrypted:
        return encrypted(e, frames, step);
      case Plan::Kind::ambiguous:
        break;
    }
    return refuse(e, frames, Errc::ambiguous_path,
                  "the schema gives this field more than one meaning");
  }

  Visit on_the_way(const Element& e, std::span<Frame> frames, const Plan::Step& step) {
    out_.add_name(e);
    switch (e.type) {
      case Type::object:
        return {Visit::Next::enter, Plan::Kind::object, step.node};
      case Type::null:  // carries nothing
        return {};
      case Type::array:
        return refuse(e, frames, Errc::encrypted_below_array,
                      "the schema encrypts fields below: expected object, found array");
      default:
        return refuse_no_object(e, frames);
    }
  }

  Visit encrypted(const Element& e, std::span<Frame> frames, const Plan::Step& step) {
    out_.add_name(e);
    const schema::Leaf& leaf = leaves_[step.leaf];
    const std::uint8_t* const value = doc_.data() + e.value_offset;
    if (is_encrypted(e.type, value)) [[unlikely]]
      return encrypted_already(e, frames, step.leaf);
    const bool top_level = start_.stored && frames.size() == 1;
    // The server replaces this one value by its clock, at top level only. The specification's tests
    // want this answer also where the schema does not allow a timestamp.
    if (top_level && e.type == Type::timestamp && load32(value) == 0 && load32(value + 4) == 0)
      return refuse(e, frames, Errc::timestamp_zero,
                    "A command that inserts cannot supply Timestamp(0, 0) for an encrypted field");
    if (!type_fits(e.type, leaf)) return unfit(e, frames, step.leaf);
    has_id_ |= top_level && e.name == "_id";
    out_.add_mark(e, frames, step.leaf);
    return {Visit::Next::enter, Plan::Kind::encrypted};  // what is inside goes with the value
  }

  [[gnu::noinline]] Visit encrypted_already(const Element& e, std::span<Frame> frames,
                                            Plan::LeafId leaf) {
    if (!mark_encrypted_ || !internal::is_ciphertext(doc_.data() + e.value_offset, e.value_size))
      return refuse(e, frames, Errc::already_encrypted, kAlreadyEncrypted);
    has_id_ |= start_.stored && frames.size() == 1 && e.name == "_id";
    out_.add_mark(e, frames, leaf);
    return {};
  }

  // Texts are made out of line, so that the way of a document that fits needs no room for them.
  [[gnu::noinline]] Visit refuse_no_object(const Element& e, std::span<Frame> frames) {
    const std::string text =
        "the schema encrypts fields below: expected object, found " + std::string(alias(e.type));
    return refuse(e, frames, Errc::not_an_object, text.c_str());
  }
  [[gnu::noinline]] Visit unfit(const Element& e, std::span<Frame> frames, Plan::LeafId leaf) {
    if (e.type == Type::null && nulls_ != Nulls::refuse) {
      out_.add_null(e, frames, leaf, nulls_ == Nulls::omit);
      has_id_ |= nulls_ == Nulls::keep && start_.stored && frames.size() == 1 && e.name == "_id";
      return {};
    }
    const ErrorCode code = e.type == Type::null ? ErrorCode(ErrorDetail::null_not_encryptable)
                                                : ErrorCode(Errc::type_not_allowed);
    return refuse(e, frames, code, type_message(e.type, leaves_[leaf]).c_str());
  }
  [[gnu::noinline]] Visit refuse(const Element& e, std::span<Frame> frames, ErrorCode code,
                                 const char* text) {
    std::string path = internal::dotted_path(doc_, frames, e.name);
    // Patterns are not searched to the end then, and say nothing.
    const bool spent = work_ != nullptr && work_->spent();
    if (faults_ != nullptr && !spent) {
      faults_->add(Failure(code, text, std::move(path)));
      return {};  // what is inside is not on the plan
    }
    failure_ = spent ? over_budget(*work_, std::move(path)) : Failure(code, text, std::move(path));
    return {Visit::Next::stop};
  }

  Bytes doc_;
  const Plan& plan_;
  const Start& start_;
  std::span<const schema::Leaf> leaves_;
  internal::EditsBuilder& out_;
  Work* work_;
  bool mark_encrypted_;
  Nulls nulls_;
  Faults* faults_;
  std::optional<Failure> failure_;
  std::uint32_t duplicate_ = internal::kNone;  // the type offset of a name that appears twice
  bool has_id_ = false;
};

Done walk(Bytes doc, const Plan& plan, const Start& start, internal::EditsBuilder& builder,
          const Limits& limits) {
  FieldVisitor visitor(doc, plan, start, builder, limits);
  FLE_CHECK(internal::Walker(doc, limits, visitor)
                .run({Visit::Next::enter, start.step.kind, start.step.node}));
  FLE_CHECK(visitor.verdict());
  if (limits.work != nullptr && limits.work->spent()) return over_budget(*limits.work, {});
  return ok;
}

}  // namespace

Done find_fields(Bytes doc, const Plan& plan, Edits& out, const Limits& limits) {
  return internal::fill(out, doc, limits, [&](internal::EditsBuilder& builder) {
    return walk(doc, plan, {plan.root()}, builder, limits);
  });
}

Done may_encrypt(Type type, Bytes value, const schema::Leaf& leaf) {
  if (is_encrypted(type, value.data())) return Failure(Errc::already_encrypted, kAlreadyEncrypted);
  if (!type_fits(type, leaf)) return Failure(Errc::type_not_allowed, type_message(type, leaf));
  if (holds_encrypted(type, value)) return Failure(Errc::already_encrypted, kHoldsEncrypted);
  return ok;
}

Done Editor::find_fields(const Element& e, const Plan& plan, const Start& start,
                         const Limits& limits) {
  FLE_CHECK(in_order(e));
  FLE_CHECK(internal::fits(e.value_size, limits));
  const std::size_t before = n_marks();
  const std::size_t names = edits_.names_.size();
  internal::EditsBuilder builder(*this, e.value_offset);
  Done done = walk(whole_.subspan(e.value_offset, e.value_size), plan, start, builder, limits);
  if (!done) keep(before);
  edits_.names_.resize(names);
  return done;
}

}  // namespace fle::bson
