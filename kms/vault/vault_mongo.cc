#include "fle/kms/key_vault.h"

#if FLE_WITH_MONGOC

#include <algorithm>
#include <atomic>
#include <tuple>

#include "document/bson_fields.h"
#include "vault_common.h"
#include "vault_mongo_client.h"

namespace fle::kms {
namespace {

using mongo::Collection;
using Found = std::optional<KeyDocument>;

constexpr const char* kIndexName = "keyAltNames_1";
// Ids and names in one find: far below the 16 MiB that a command may have.
constexpr std::size_t kMostInOneFind = 10'000;

void append(bson_t* b, const char* field, std::string_view text) {
  bson_append_utf8(b, field, -1, text.data(), static_cast<int>(text.size()));
}

void append_id(bson_t* b, const KeyId& id) {
  bson_append_binary(b, "_id", -1, BSON_SUBTYPE_UUID, id.bytes.data(),
                     static_cast<std::uint32_t>(id.bytes.size()));
}

void append_material(bson_t* b, const std::vector<std::uint8_t>& material) {
  bson_append_binary(b, "keyMaterial", -1, BSON_SUBTYPE_BINARY, material.data(),
                     static_cast<std::uint32_t>(material.size()));
}

/// Appends the document `field` that `fill` writes.
template <class Fill>
void append_document(bson_t* b, const char* field, Fill fill) {
  bson_t child;
  bson_append_document_begin(b, field, -1, &child);
  fill(&child);
  bson_append_document_end(b, &child);
}

template <class Fill>
void append_array(bson_t* b, const char* field, Fill fill) {
  bson_t child;
  bson_append_array_begin(b, field, -1, &child);
  fill(&child);
  bson_append_array_end(b, &child);
}

// The commands that drivers send (reference: CSFLE specification and its unified tests).

/// {$addToSet: {keyAltNames: name}}
void add_name_update(bson_t* command, std::string_view name) {
  append_document(command, "update", [&](bson_t* u) {
    append_document(u, "$addToSet", [&](bson_t* set) { append(set, "keyAltNames", name); });
  });
}

/// A name as an aggregation expression. One that begins with $ would be read as a field's path, and
/// the key would keep it; in all others this is what drivers send.
void append_name(bson_t* b, const char* field, std::string_view name) {
  if (!name.starts_with('$')) return append(b, field, name);
  append_document(b, field, [&](bson_t* literal) { append(literal, "$literal", name); });
}

/// {$cond: [{$eq: ["$keyAltNames", [name]]}, "$$REMOVE",
///          {$filter: {input: "$keyAltNames", cond: {$ne: ["$$this", name]}}}]}
void names_without(bson_t* set, std::string_view name) {
  append_document(set, "keyAltNames", [&](bson_t* value) {
    append_array(value, "$cond", [&](bson_t* cond) {
      append_document(cond, "0", [&](bson_t* only) {
        append_array(only, "$eq", [&](bson_t* sides) {
          append(sides, "0", "$keyAltNames");
          append_array(sides, "1", [&](bson_t* names) { append_name(names, "0", name); });
        });
      });
      append(cond, "1", "$$REMOVE");
      append_document(cond, "2", [&](bson_t* others) {
        append_document(others, "$filter", [&](bson_t* filter) {
          append(filter, "input", "$keyAltNames");
          append_document(filter, "cond", [&](bson_t* unequal) {
            append_array(unequal, "$ne", [&](bson_t* sides) {
              append(sides, "0", "$$this");
              append_name(sides, "1", name);
            });
          });
        });
      });
    });
  });
}

void remove_name_update(bson_t* command, std::string_view name) {
  append_array(command, "update", [&](bson_t* pipeline) {
    append_document(pipeline, "0", [&](bson_t* stage) {
      append_document(stage, "$set", [&](bson_t* set) { names_without(set, name); });
    });
  });
}

void append_names(bson_t* b, const char* field, const std::vector<std::string>& names) {
  append_array(b, field, [&](bson_t* array) {
    std::uint32_t i = 0;
    for (const std::string& name : names) append(array, std::to_string(i++).c_str(), name);
  });
}

/// Takes keys that have these names, in this order; without names, whatever stands for none.
void append_names_condition(bson_t* filter, const std::vector<std::string>& names) {
  append_document(filter, "keyAltNames", [&](bson_t* condition) {
    if (!names.empty()) return append_names(condition, "$eq", names);
    append_array(condition, "$in", [&](bson_t* none) {
      bson_append_null(none, "0", -1);
      append_names(none, "1", names);
    });
  });
}

void append_seal(bson_t* b, const char* field, const std::vector<std::uint8_t>& seal) {
  bson_append_binary(b, field, -1, BSON_SUBTYPE_BINARY, seal.data(),
                     static_cast<std::uint32_t>(seal.size()));
}

/// {status: {value: int32, seal: binary}}, or without a seal the number.
void append_status(bson_t* b, const KeyDocument& key) {
  if (key.seal.empty()) {
    bson_append_int32(b, "status", -1, key.status);
    return;
  }
  append_document(b, "status", [&](bson_t* status) {
    bson_append_int32(status, "value", -1, key.status);
    append_seal(status, "seal", key.seal);
  });
}

/// The field of a document as it was read.
void append_stored(bson_t* b, const char* field, Bytes document) {
  bson_t view;
  bson_iter_t it;
  if (init_view(view, document) && bson_iter_init_find(&it, &view, field))
    append_document(b, field, [&](bson_t* same) { bson_append_iter(same, "$eq", -1, &it); });
}

void names_and_seal_update(bson_t* command, const KeyDocument& after) {
  append_document(command, "update", [&](bson_t* u) {
    append_document(u, "$set", [&](bson_t* set) {
      append_status(set, after);
      if (!after.alt_names.empty()) append_names(set, "keyAltNames", after.alt_names);
    });
    if (after.alt_names.empty())
      append_document(u, "$unset", [](bson_t* unset) { append(unset, "keyAltNames", ""); });
  });
}

Collection::Update rewrap_update(const Rewrapping& r) {
  BsonBuilder filter;
  append_id(filter.get(), r.id);
  append_material(filter.get(), r.old_material);  // only where it is still the old one
  if (!r.new_seal.empty()) append_names_condition(filter.get(), r.alt_names);
  BsonBuilder update;
  append_document(update.get(), "$set", [&](bson_t* set) {
    bson_t master_key;
    if (init_view(master_key, r.master_key.bson))
      bson_append_document(set, "masterKey", -1, &master_key);
    append_material(set, r.new_material);
    if (!r.new_seal.empty()) append_seal(set, "status.seal", r.new_seal);
  });
  append_document(update.get(), "$currentDate",
                  [](bson_t* date) { bson_append_bool(date, "updateDate", -1, true); });
  return {filter.copy(), update.copy()};
}

/// {keyAltNames: {$exists: true}}
void only_with_names(bson_t* b) {
  append_document(b, "keyAltNames",
                  [](bson_t* exists) { bson_append_bool(exists, "$exists", -1, true); });
}

/// What an index on keyAltNames has to be.
enum class Index : std::uint8_t { other, wrong, right };

Index judge_index(Bytes document) {
  bson_t b;
  bson_iter_t it;
  BsonBuilder key;
  bson_append_int32(key.get(), "keyAltNames", -1, 1);
  BsonBuilder partial;
  only_with_names(partial.get());
  const auto holds = [&](const char* field, const BsonBuilder& expected) {
    if (!bson_iter_init_find(&it, &b, field)) return false;
    const auto found = container_of(it, BSON_TYPE_DOCUMENT);
    return found && std::ranges::equal(*found, expected.bytes());
  };
  const auto is_true = [&](const char* field) {
    return bson_iter_init_find(&it, &b, field) && bson_iter_as_bool(&it);
  };
  if (!init_view(b, document) || !holds("key", key)) return Index::other;
  const bool right =
      is_true("unique") && (is_true("sparse") || holds("partialFilterExpression", partial));
  return right ? Index::right : Index::wrong;
}

class MongoVault final : public KeyVault {
 public:
  explicit MongoVault(std::unique_ptr<Collection> keys) : keys_(std::move(keys)) {}

  Done insert(const KeyDocument& key) override {
    Done done = insert_many({&key, 1});
    if (!done) done.error().document = 0;
    return done;
  }

  Done insert_many(std::span<const KeyDocument> keys) override {
    std::vector<Collection::Document> documents;
    // A key that breaks a rule ends the run where it stands, as one that is a duplicate does.
    Done broken = ok;
    for (std::size_t i = 0; i < keys.size() && broken; ++i) {
      auto bson = checked_bson(keys[i]);
      if (bson) {
        documents.push_back(std::move(*bson));
      } else {
        broken = at_key(bson.error(), i);
      }
    }
    if (documents.empty()) return broken;
    FLE_CHECK(ensure_index());
    BsonBuilder reply;
    bson_error_t error{};
    if (const Done done = keys_->insert(documents, reply, error); !done)
      return refused_insert(keys, reply, error);
    return broken;
  }

  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> alt_names) override {
    std::vector<KeyDocument> out;
    SeenIds seen(0, SeededHash::random());
    while (!ids.empty() || !alt_names.empty()) {
      const auto some_ids = ids.first(std::min(ids.size(), kMostInOneFind));
      const auto some_names = alt_names.first(std::min(alt_names.size(), kMostInOneFind));
      FLE_TRY(std::vector<KeyDocument> found, query(KeyFilter().any_of(some_ids, some_names)));
      for (KeyDocument& key : found)
        if (seen.insert(key.id).second) out.push_back(std::move(key));
      ids = ids.subspan(some_ids.size());
      alt_names = alt_names.subspan(some_names.size());
    }
    return out;
  }

  Outcome<std::vector<KeyDocument>> list() override { return match({}); }

  Outcome<std::vector<KeyDocument>> match(const KeyFilter& filter) override {
    FLE_TRY(std::vector<KeyDocument> keys, query(filter));
    std::ranges::sort(keys, {},
                      [](const KeyDocument& k) { return std::tie(k.creation_date, k.id); });
    return keys;
  }

  Outcome<Found> add_alt_name(const KeyId& id, std::string_view alt_name) override {
    if (!bson_utf8_validate(alt_name.data(), alt_name.size(), /*allow_null=*/true))
      return Failure{Errc::key_document_invalid, "the alternate name is not UTF-8", "keyAltNames"};
    FLE_CHECK(ensure_index());
    BsonBuilder command;
    begin_update(command, [&](bson_t* query) { append_id(query, id); });
    add_name_update(command.get(), alt_name);
    bson_error_t error{};
    auto before = find_and_modify(command, error);
    if (!before && error.code == mongo::kDuplicateKey) return duplicate_name(alt_name);
    return before;
  }

  // Drivers ask for the id alone. With a document that has no names their pipeline would leave
  // keyAltNames: null behind, which no driver reads again; and where nothing is to be done, nothing
  // need be written.
  Outcome<Found> remove_alt_name(const KeyId& id, std::string_view alt_name) override {
    BsonBuilder command;
    begin_update(command, [&](bson_t* query) {
      append_id(query, id);
      append(query, "keyAltNames", alt_name);
    });
    remove_name_update(command.get(), alt_name);
    bson_error_t error{};
    FLE_TRY(Found before, find_and_modify(command, error));
    if (before) return before;
    FLE_TRY(std::vector<KeyDocument> as_it_is, find({&id, 1}, {}));
    return as_it_is.empty() ? Found{} : Found{std::move(as_it_is.front())};
  }

  Outcome<bool> delete_key(const KeyId& id) override {
    BsonBuilder filter;
    append_id(filter.get(), id);
    return keys_->delete_one(filter.get());
  }

  Outcome<bool> replace(const KeyDocument& before, const KeyDocument& after) override {
    FLE_CHECK(checked_bson(after));
    FLE_CHECK(ensure_index());
    const std::vector<std::uint8_t> stored = to_bson(before);
    BsonBuilder command;
    begin_update(command, [&](bson_t* query) {
      append_id(query, before.id);
      for (const char* field : {"keyMaterial", "masterKey", "status"})
        append_stored(query, field, stored);
      append_names_condition(query, before.alt_names);
    });
    names_and_seal_update(command.get(), after);
    bson_error_t error{};
    const auto replaced = find_and_modify(command, error);
    if (!replaced && error.code == mongo::kDuplicateKey) {
      for (const std::string& name : after.alt_names)
        if (!has_name(before, name)) return duplicate_name(name);
    }
    if (!replaced) return replaced.error();
    return replaced->has_value();
  }

  Outcome<std::vector<KeyId>> rewrap(std::span<const Rewrapping> keys) override {
    std::vector<KeyId> ids;
    std::vector<Collection::Update> updates;
    for (const Rewrapping& r : keys) {
      FLE_CHECK(checked_bson(rewrapped(KeyDocument{}, r, {})));
      ids.push_back(r.id);
      updates.push_back(rewrap_update(r));
    }
    std::vector<KeyId> left_alone;
    if (keys.empty()) return left_alone;
    FLE_TRY(const std::size_t n, keys_->update(updates));
    if (n == keys.size()) return left_alone;
    // Which ones? New material is random: where it is stored, it came from here.
    FLE_TRY(std::vector<KeyDocument> stored, find(ids, {}));
    std::ranges::sort(stored, {}, &KeyDocument::id);
    for (const Rewrapping& r : keys) {
      const auto it = std::ranges::lower_bound(stored, r.id, {}, &KeyDocument::id);
      if (it == stored.end() || it->id != r.id || it->key_material != r.new_material)
        left_alone.push_back(r.id);
    }
    return left_alone;
  }

 private:
  // An alternate name must lead to one key. The index is looked for before the first write that
  // depends on it, and made where there is none (CSFLE specification, "Data Key Collection").
  Done ensure_index() {
    if (has_index_) return ok;
    FLE_TRY(const bool there, find_index());
    if (!there) {
      FLE_CHECK(create_index());
      FLE_TRY(const bool there_now, find_index());
      if (!there_now) return keys_->failure("has no unique index on keyAltNames after making it");
    }
    has_index_ = true;
    return ok;
  }

  Outcome<bool> find_index() {
    bool right = false;
    bool wrong = false;
    FLE_CHECK(keys_->list_indexes([&](Bytes index) -> Done {
      const Index verdict = judge_index(index);
      right = right || verdict == Index::right;
      wrong = wrong || verdict == Index::wrong;
      return ok;
    }));
    if (wrong && !right)
      return keys_->failure(
          "its index on keyAltNames is not unique, or not only for keys that have names: replace "
          "it by one with unique: true, partialFilterExpression: {keyAltNames: {$exists: true}}");
    return right;
  }

  Done create_index() {
    BsonBuilder command;
    append(command.get(), "createIndexes", keys_->collection());
    append_array(command.get(), "indexes", [](bson_t* indexes) {
      append_document(indexes, "0", [](bson_t* index) {
        append(index, "name", kIndexName);
        append_document(index, "key",
                        [](bson_t* key) { bson_append_int32(key, "keyAltNames", -1, 1); });
        bson_append_bool(index, "unique", -1, true);
        append_document(index, "partialFilterExpression", only_with_names);
      });
    });
    BsonBuilder reply;
    bson_error_t error{};
    return keys_->write(command.get(), reply, error);
  }

  Outcome<std::vector<KeyDocument>> query(const KeyFilter& filter) {
    const std::vector<std::uint8_t> bson = filter.to_bson();
    bson_t view;
    if (!init_view(view, bson)) return keys_->failure("the filter is malformed");
    std::vector<KeyDocument> out;
    bson_error_t error{};
    const Done done = keys_->find(
        &view,
        [&](Bytes document) -> Done {
          FLE_TRY(KeyDocument key, read(document));
          out.push_back(std::move(key));
          return ok;
        },
        error);
    if (done) return out;
    // BadValue, FailedToParse, TypeMismatch: the query, not the vault.
    if (error.domain == MONGOC_ERROR_SERVER &&
        (error.code == 2 || error.code == 9 || error.code == 14))
      return Failure{Errc::invalid_argument, "key filter: " + done.error().message};
    return done.error();
  }

  /// From another machine: checked like any other.
  [[nodiscard]] Outcome<KeyDocument> read(Bytes document) const {
    auto key = parse_key_document(document);
    if (key) return key;
    Failure f = key.error();
    f.message = keys_->failure("holds a document that is no data key: ").message + f.message;
    return f;
  }

  template <class Fill>
  void begin_update(BsonBuilder& command, Fill query) const {
    append(command.get(), "findAndModify", keys_->collection());
    append_document(command.get(), "query", query);
  }

  /// The document from before, if there was one.
  Outcome<Found> find_and_modify(BsonBuilder& command, bson_error_t& error) {
    BsonBuilder reply;
    FLE_CHECK(keys_->write(command.get(), reply, error));
    bson_iter_t it;
    if (!bson_iter_init_find(&it, reply.get(), "value"))
      return keys_->failure("answers findAndModify without a value");
    const auto document = container_of(it, BSON_TYPE_DOCUMENT);
    if (!document) return Found{};
    FLE_TRY(KeyDocument key, read(*document));
    return Found{std::move(key)};
  }

  Failure refused_insert(std::span<const KeyDocument> keys, BsonBuilder& reply,
                         const bson_error_t& error) {
    bson_iter_t it;
    bson_iter_t at;
    if (!bson_iter_init(&it, reply.get()) ||
        !bson_iter_find_descendant(&it, "writeErrors.0.index", &at) ||
        static_cast<std::uint64_t>(bson_iter_as_int64(&at)) >= keys.size())
      return keys_->failure(error);
    const auto index = static_cast<std::size_t>(bson_iter_as_int64(&at));
    if (error.code != mongo::kDuplicateKey) return at_key(keys_->failure(error), index);
    return at_key(duplicate(keys[index]), index);
  }

  /// Servers word it differently: a look at what is stored says whether id or name is taken.
  Failure duplicate(const KeyDocument& key) {
    const auto stored = find({&key.id, 1}, key.alt_names);
    if (!stored) return stored.error();
    if (std::ranges::count(*stored, key.id, &KeyDocument::id) != 0) return duplicate_id(key.id);
    for (const std::string& name : key.alt_names)
      for (const KeyDocument& other : *stored)
        if (has_name(other, name)) return duplicate_name(name);
    return {Errc::key_duplicate, "the id or an alternate name was taken a moment ago"};
  }

  std::unique_ptr<Collection> keys_;
  std::atomic<bool> has_index_ = false;
};

}  // namespace

Outcome<std::unique_ptr<KeyVault>> open_mongo_vault(const MongoVaultOptions& options) {
  for (const std::string* name : {&options.database, &options.collection})
    if (name->empty() || name->find('\0') != std::string::npos)
      return Failure{Errc::invalid_argument, "the key vault's database or collection has no name"};
  if (options.silence_log) mongo::silence_log();
  const Bytes secret = options.secret_uri;
  const std::string_view uri =
      secret.empty()
          ? std::string_view(options.uri)
          : std::string_view(reinterpret_cast<const char*>(secret.data()), secret.size());
  FLE_TRY(auto keys, Collection::open(uri, options.database, options.collection));
  return std::unique_ptr<KeyVault>(std::make_unique<MongoVault>(std::move(keys)));
}

bool have_mongo_vault() noexcept { return true; }

}  // namespace fle::kms

#else

namespace fle::kms {

Outcome<std::unique_ptr<KeyVault>> open_mongo_vault(const MongoVaultOptions&) {
  return Failure{Errc::not_in_build,
                 "this libfle was built without libmongoc (package libmongoc-1.0)"};
}

bool have_mongo_vault() noexcept { return false; }

}  // namespace fle::kms

#endif  // FLE_WITH_MONGOC
