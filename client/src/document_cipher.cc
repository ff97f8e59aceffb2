#include "fle/client/document_cipher.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "batch_state.h"
#include "binary.h"
#include "count_fields.h"
#include "open_failures.h"

namespace fle::client {
namespace {

using Document = Batch::State::Document;

/// A failure at mark `m` of document `i`.
Failure at_field(Failure f, const Batch::State& s, std::size_t i, const bson::Mark& m) {
  f.document = i + 1;
  f.path = bson::path_of(s.documents[i].input, m.type_offset);
  return f;
}

/// Calls f(document index, mark, field index) for every mark, in order, until it gives a failure.
template <class F>
Done for_each_field(Batch::State& s, F f) {
  std::size_t field = 0;
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    for (bson::Mark& m : s.documents[i].edits.marks()) FLE_CHECK(f(i, m, field++));
  }
  return ok;
}

/// The failure of field number `field` of the batch.
Failure at_field_number(Failure f, Batch::State& s, std::size_t field) {
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    const auto marks = s.documents[i].edits.marks();
    if (field < marks.size()) return at_field(std::move(f), s, i, marks[field]);
    field -= marks.size();
  }
  return f;
}

/// Walks every document with `find`.
template <class Find>
Done walk_all(Batch::State& s, Find find) {
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    Document& d = s.documents[i];
    Done done = find(d.input, d.edits);
    if (!done) {
      done.error().document = i + 1;
      return done;
    }
    s.fields += d.edits.marks().size();
  }
  return ok;
}

/// Names the first field whose key is missing; `otherwise` when there is none.
Done first_missing_key(Batch::State& s, const Done& otherwise) {
  Done named =
      for_each_field(s, [&s](std::size_t i, const bson::Mark& m, std::size_t field) -> Done {
        const kms::KeyProblem* missing = s.keys.missing(s.field_keys[field]);
        if (missing != nullptr) return at_field(missing->why, s, i, m);
        return ok;
      });
  return named ? otherwise : named;
}

// ---- Encryption

/// The key that a JSON pointer leads to. Any number of fields can have one, and the whole document
/// is searched: once for all pointers.
Outcome<KeyTable::Index> key_by_pointer(Batch::State& s, const schema::Plan& plan,
                                        std::size_t document, schema::Plan::PointerId pointer) {
  s.pointer_keys.resize(plan.pointers().size());
  Batch::State::PointerKey& known = s.pointer_keys[pointer];
  if (known.document != document + 1) {
    if (std::exchange(s.pointers_of, document + 1) != document + 1)
      s.pointers.read(s.documents[document].input, plan);
    FLE_TRY(const std::string_view name, s.pointers.value(pointer));
    known = {document + 1, s.keys.add(name)};
  }
  return known.key;
}

Done choose_keys(Batch::State& s, const schema::Plan& plan) {
  return for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t) -> Done {
    const schema::KeySelector& key = plan.leaf(m.leaf).key;
    if (const auto* id = std::get_if<KeyId>(&key)) {
      s.field_keys.push_back(s.keys.add(*id));
      return ok;
    }
    auto by_name = key_by_pointer(s, plan, i, plan.pointer_of(m.leaf));
    if (!by_name) return at_field(by_name.error(), s, i, m);
    s.field_keys.push_back(*by_name);
    return ok;
  });
}

void add_seal_job(Batch::State& s, const schema::Plan& plan, const Document& d, const bson::Mark& m,
                  const kms::ResolvedKey& key) {
  const MutBytes value{s.output.data() + d.offset + m.new_offset, m.new_size};
  write_binary_header(value, m.new_size - kBinaryHeaderLen);
  s.seal_jobs.push_back(
      {&key.key, key.id, plan.leaf(m.leaf).algorithm, static_cast<std::uint8_t>(m.type),
       d.input.subspan(m.value_offset, m.value_size), value.subspan(kBinaryHeaderLen)});
}

std::size_t size_of_all(const Batch::State& s) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < s.n_documents; ++i) bytes += s.documents[i].input.size();
  return bytes;
}

Done encrypt_all(Batch::State& s, const schema::Plan& plan, kms::KeyRing* ring,
                 const DocumentCipher::Options& options) {
  bson::Limits limits = options.limits;
  fle::Work own;
  if (limits.work == nullptr) limits.work = &own;
  options.budget.allow(*limits.work, size_of_all(s));
  const Done walked = walk_all(s, [&](Bytes doc, bson::Edits& edits) {
    return bson::find_fields(doc, plan, edits, limits);
  });
  limits.work->end_limit();
  FLE_CHECK(walked);
  FLE_CHECK(choose_keys(s, plan));
  if (const Done resolved = s.keys.resolve(ring); !resolved) return first_missing_key(s, resolved);
  FLE_CHECK(for_each_field(s, [](std::size_t, bson::Mark& m, std::size_t) -> Done {
    m.new_type = bson::Type::bin_data;
    m.new_size = static_cast<std::uint32_t>(kBinaryHeaderLen + payload_len(m.value_size));
    return ok;
  }));
  FLE_CHECK(s.lay_out(limits));
  FLE_CHECK(for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t field) -> Done {
    add_seal_job(s, plan, s.documents[i], m, *s.keys[s.field_keys[field]]);
    return ok;
  }));
  if (const BatchStatus sealed = seal_batch(s.seal_jobs); !sealed) {
    return at_field_number(Failure(sealed.error().code, "the value could not be encrypted"), s,
                           sealed.error().index);
  }
  count_sealed(s.seal_jobs);
  return ok;
}

// ---- Decryption

Done read_payloads(Batch::State& s) {
  return for_each_field(s, [&s](std::size_t i, const bson::Mark& m, std::size_t) -> Done {
    const auto header = parse_payload(bson::binary_content(s.documents[i].input, m));
    if (!header) return at_field(malformed_payload(), s, i, m);
    s.field_keys.push_back(s.keys.add(header->key_id));
    return ok;
  });
}

/// Whether a value may stay encrypted for this reason. Trouble that may pass is not one: a vault or
/// a KMS that cannot be reached says nothing about the key.
bool may_keep(Errc reason) noexcept {
  switch (reason) {
    case Errc::key_not_found:
    case Errc::key_document_invalid:
    case Errc::key_unwrap_failed:
    case Errc::kms_not_configured:
    case Errc::kms_unsupported:
    case Errc::kms_refused:
    case Errc::kms_bad_answer:
    case Errc::not_in_build:
      return true;
    default:
      return false;
  }
}

/// Notes a field that stays encrypted; its path comes later.
KeptField kept_field(std::uint64_t document, const KeyId& id, const kms::KeyProblem& problem) {
  KeptField kept{document, {}, id, problem.why.code};
  if (!problem.alt_names.empty()) kept.alt_name = problem.alt_names.front();
  kept.provider = problem.provider;
  kept.message = problem.why.message;
  return kept;
}

/// The fields of a document that have no key, and their paths in one walk.
Done keep_fields(Batch::State& s, std::size_t document, std::size_t first_field) {
  const Bytes input = s.documents[document].input;
  const std::span<const bson::Mark> marks = s.documents[document].edits.marks();
  const std::size_t first_kept = s.kept.size();
  std::vector<std::uint32_t> offsets;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const kms::KeyProblem* problem = s.keys.missing(s.field_keys[first_field + i]);
    if (problem == nullptr) continue;
    if (!may_keep(problem->why.code)) return at_field(problem->why, s, document, marks[i]);
    const auto header = parse_payload(bson::binary_content(input, marks[i]));
    s.kept_fields.push_back(first_field + i);
    s.kept.push_back(kept_field(document, header->key_id, *problem));
    offsets.push_back(marks[i].type_offset);
  }
  std::vector<std::string> paths = bson::paths_of(input, offsets);
  for (std::size_t i = 0; i < paths.size(); ++i) s.kept[first_kept + i].path = std::move(paths[i]);
  return ok;
}

Done find_keys(Batch::State& s, kms::KeyRing* ring, MissingKeys missing) {
  const Done resolved = s.keys.resolve(ring);
  if (resolved) return ok;
  if (missing == MissingKeys::fail) return first_missing_key(s, resolved);
  std::size_t field = 0;
  for (std::size_t i = 0; i < s.n_documents; ++i) {
    FLE_CHECK(keep_fields(s, i, field));
    field += s.documents[i].edits.marks().size();
  }
  return ok;
}

/// One job for each field whose key is there.
Done open_all(Batch::State& s) {
  std::size_t scratch = 0;
  FLE_CHECK(for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t) -> Done {
    scratch += open_capacity(bson::binary_content(s.documents[i].input, m).size());
    return ok;
  }));
  FLE_CHECK(s.plaintext.reset(scratch));
  MutBytes room = s.plaintext.bytes();
  std::vector<OpenJob>& jobs = s.open_jobs;
  FLE_CHECK(for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t field) -> Done {
    const kms::ResolvedKey* key = s.keys[s.field_keys[field]];
    if (key == nullptr) return ok;
    const Bytes payload = bson::binary_content(s.documents[i].input, m);
    const std::size_t n = open_capacity(payload.size());
    jobs.push_back({&key->key, payload, room.first(n)});
    room = room.subspan(n);
    return ok;
  }));
  const BatchStatus opened = open_batch(jobs);
  if (opened) return ok;
  // Jobs skip the fields that are kept: find the field by its payload.
  const std::uint8_t* payload = jobs[opened.error().index].payload.data();
  return for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t) -> Done {
    if (bson::binary_content(s.documents[i].input, m).data() != payload) return ok;
    return at_field(does_not_open(opened.error().code), s, i, m);
  });
}

/// Takes types and sizes from the plaintexts; what is kept stays as it is.
Done take_sizes(Batch::State& s, const bson::Limits& limits) {
  std::size_t job = 0;
  return for_each_field(s, [&](std::size_t i, bson::Mark& m, std::size_t field) -> Done {
    if (s.keys[s.field_keys[field]] == nullptr) {
      m.new_type = m.type;
      m.new_size = m.value_size;
      return ok;
    }
    const OpenJob& j = s.open_jobs[job++];
    m.new_type = static_cast<bson::Type>(j.payload[kPayloadHeaderLen - 1]);
    m.new_size = static_cast<std::uint32_t>(j.plaintext_len);
    if (bson::check_value(m.new_type, j.out.first(j.plaintext_len), limits)) return ok;
    return at_field(malformed_plaintext(), s, i, m);
  });
}

Done decrypt_all(Batch::State& s, kms::KeyRing* ring, const DocumentCipher::Options& options) {
  FLE_CHECK(walk_all(s, [&](Bytes doc, bson::Edits& edits) {
    return bson::find_ciphertexts(doc, edits, options.limits);
  }));
  FLE_CHECK(read_payloads(s));
  FLE_CHECK(find_keys(s, ring, options.missing_keys));
  FLE_CHECK(open_all(s));
  FLE_CHECK(take_sizes(s, options.limits));
  FLE_CHECK(s.lay_out(options.limits));
  std::size_t job = 0;
  FLE_CHECK(for_each_field(s, [&](std::size_t i, const bson::Mark& m, std::size_t field) -> Done {
    const Document& d = s.documents[i];
    const bool kept = s.keys[s.field_keys[field]] == nullptr;
    const Bytes value = kept ? d.input.subspan(m.value_offset, m.value_size)
                             : Bytes(s.open_jobs[job++].out.first(m.new_size));
    if (!value.empty())
      std::memcpy(s.output.data() + d.offset + m.new_offset, value.data(), value.size());
    return ok;
  }));
  s.fields -= s.kept.size();
  count_opened(s.open_jobs);
  return ok;
}

template <class Work>
Done without_exceptions(Batch::State& s, Work work) {
  try {
    return work(s);
  } catch (const std::bad_alloc&) {
    return Failure(Errc::no_memory, {});  // a text would need some
  }
}

/// Runs `work` on a clean batch; takes everything back when it fails.
template <class Work>
Done run(Batch& batch, Work work) {
  Batch::State& s = batch.state();
  s.abandon();
  Done done = without_exceptions(s, work);
  if (done) {
    s.n_results = s.n_documents;
    s.end_call();
  } else {
    s.abandon();
  }
  return done;
}

}  // namespace

Batch::Batch() : s_(std::make_unique<State>()) {}
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;
Batch::~Batch() = default;

void Batch::clear() noexcept {
  s_->abandon();
  s_->n_documents = 0;
}

void Batch::add(Bytes document) {
  if (s_->n_documents == s_->documents.size()) s_->documents.emplace_back();
  State::Document& d = s_->documents[s_->n_documents++];
  d.input = document;
  d.size = 0;
  d.edits.clear();
}

std::size_t Batch::size() const noexcept { return s_->n_documents; }

Bytes Batch::output(std::size_t index) const noexcept {
  if (index >= s_->n_results) return {};
  const State::Document& d = s_->documents[index];
  return d.size == 0 ? d.input : Bytes{s_->output.data() + d.offset, d.size};
}

std::size_t Batch::fields() const noexcept { return s_->fields; }
std::span<const KeptField> Batch::kept() const noexcept { return s_->kept; }

void Batch::count_leaves(std::vector<std::uint64_t>& counts) const {
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    for (const bson::Mark& m : std::as_const(s_->documents[i].edits).marks()) {
      if (m.leaf >= counts.size()) counts.resize(m.leaf + 1);
      ++counts[m.leaf];
    }
  }
}

void Batch::count_paths(bson::PathTable& paths, std::vector<PathCount>& counts) const {
  std::size_t field = 0;
  auto kept = s_->kept_fields.begin();
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    const std::span<const bson::PathTable::Id> ids =
        paths.find(s_->documents[i].input, s_->documents[i].edits);
    counts.resize(paths.size());
    for (const bson::PathTable::Id id : ids) {
      const bool left = kept != s_->kept_fields.end() && *kept == field;
      if (left) ++kept;
      ++(left ? counts[id].left : counts[id].decrypted);
      ++field;
    }
  }
}

LeftAlone Batch::left_alone() const {
  LeftAlone all;
  for (std::size_t i = 0; i < s_->n_results; ++i) {
    const State::Document& d = s_->documents[i];
    const bson::Unmarked& u = d.edits.unmarked();
    if (u.none()) continue;
    if (all.ciphertexts + all.foreign == 0) {
      all.document = i;
      all.path = bson::path_of(d.input, u.first);
    }
    all.ciphertexts += u.ciphertexts;
    all.foreign += u.foreign;
  }
  return all;
}

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys)
    : DocumentCipher(std::move(plan), std::move(keys), Options{}) {}

DocumentCipher::DocumentCipher(std::shared_ptr<const schema::Plan> plan,
                               std::shared_ptr<kms::KeyRing> keys, Options options)
    : plan_(std::move(plan)), keys_(std::move(keys)), options_(options) {}

Done DocumentCipher::encrypt(Batch& batch) const {
  if (plan_ == nullptr)
    return Failure(Errc::invalid_argument, "this cipher has no schema: it only decrypts");
  return run(batch,
             [this](Batch::State& s) { return encrypt_all(s, *plan_, keys_.get(), options_); });
}

Done DocumentCipher::decrypt(Batch& batch) const {
  return run(batch, [this](Batch::State& s) { return decrypt_all(s, keys_.get(), options_); });
}

}  // namespace fle::client
