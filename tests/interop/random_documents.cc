#include "random_documents.h"

#include "support/mongocrypt_peer.h"

namespace fle::test {
namespace {

using bson::Type;
using Kind = FieldShape::Kind;

constexpr int kMaxDepth = 5;

template <class T>
const T& pick(const std::vector<T>& from, std::mt19937_64& rng) {
  return from[rng() % from.size()];
}

/// Mostly small, sometimes a few blocks, now and then long.
std::size_t random_size(std::mt19937_64& rng) {
  static constexpr std::size_t kLimits[] = {20, 20, 20, 150, 150, 3000};
  return rng() % kLimits[rng() % std::size(kLimits)];
}

TypedValue random_value(Type type, std::mt19937_64& rng) {
  return make_value(type, random_size(rng), rng);
}

/// Any value at all, encryptable or not.
TypedValue random_plain_value(std::mt19937_64& rng) {
  return random_value(pick(rng() % 8 == 0 ? refused_types() : encryptable_types(), rng), rng);
}

Algorithm random_algorithm(Type type, std::mt19937_64& rng) {
  const bool may_be_deterministic = bson::encryptable(type, Algorithm::deterministic);
  return may_be_deterministic && rng() % 2 == 0 ? Algorithm::deterministic : Algorithm::random;
}

void make_encrypted(FieldShape& f, const CollectionShape& shape, const std::vector<NamedKey>& keys,
                    std::mt19937_64& rng) {
  f.kind = Kind::encrypted;
  f.type = pick(encryptable_types(), rng);
  f.algorithm = random_algorithm(f.type, rng);
  f.by_name = f.algorithm == Algorithm::random && rng() % 4 == 0;
  f.inherited = !f.by_name && rng() % 2 == 0;
  f.key = f.by_name || f.inherited ? shape.root_key : pick(keys, rng);
}

std::vector<FieldShape> make_fields(const CollectionShape& shape, const std::vector<NamedKey>& keys,
                                    int depth, std::mt19937_64& rng) {
  static constexpr const char* kStems[] = {"f", "patient record ", "\xc3\xa9tage", "$ref", ""};
  std::vector<FieldShape> out(rng() % 7);
  for (std::size_t i = 0; i < out.size(); ++i) {
    FieldShape& f = out[i];
    f.name = kStems[rng() % std::size(kStems)] + std::to_string(i);
    switch (rng() % 8) {
      case 0:
        f.kind = Kind::plain;
        break;
      case 1:
        f.kind = Kind::plain_object;
        break;
      case 2:
        f.kind = Kind::plain_array;
        break;
      case 3:
      case 4:
        f.kind = depth < kMaxDepth ? Kind::object : Kind::plain_object;
        if (f.kind == Kind::object) f.fields = make_fields(shape, keys, depth + 1, rng);
        break;
      default:
        make_encrypted(f, shape, keys, rng);
    }
  }
  return out;
}

// ---- Schema

std::string quoted(const std::string& s) { return '"' + s + '"'; }

std::string key_id_of(const NamedKey& key) {
  return R"([{"$uuid": ")" + key.id.to_string() + R"("}])";
}

std::string schema_of(const std::vector<FieldShape>& fields);

std::string schema_of(const FieldShape& f) {
  if (f.kind == Kind::object)
    return R"({"bsonType": "object", "properties": )" + schema_of(f.fields) + "}";
  const bool deterministic = f.algorithm == Algorithm::deterministic;
  std::string s = R"({"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)";
  s += deterministic ? "Deterministic\"" : "Random\"";
  // A random field may do without a type; a field of some names shall, so that both are met.
  if (deterministic || f.name.size() % 2 == 0)
    s += R"(, "bsonType": )" + quoted(std::string(bson::alias(f.type)));
  if (f.by_name) {
    s += R"(, "keyId": "/keyName")";
  } else if (!f.inherited) {
    s += R"(, "keyId": )" + key_id_of(f.key);
  }
  return s + "}}";
}

std::string schema_of(const std::vector<FieldShape>& fields) {
  std::string s;
  for (const FieldShape& f : fields) {
    if (f.kind != Kind::object && f.kind != Kind::encrypted) continue;
    if (!s.empty()) s += ", ";
    s += quoted(f.name) + ": " + schema_of(f);
  }
  return "{" + s + "}";
}

// ---- Documents

class DocumentMaker {
 public:
  explicit DocumentMaker(std::mt19937_64& rng) : rng_(rng) {}

  std::size_t n_encrypted = 0;

  void append_fields(bson_t* plain, bson_t* marked, const std::vector<FieldShape>& fields) {
    for (const FieldShape& f : fields) {
      if (rng_() % 10 != 0) append_field(plain, marked, f);  // a field may be missing
    }
  }

  void append_encrypted(bson_t* plain, bson_t* marked, const FieldShape& f) {
    const TypedValue value = random_value(f.type, rng_);
    append_value(plain, f.name, value);
    append_value(marked, f.name,
                 f.by_name ? marking(value, f.algorithm, f.key.alt_name)
                           : marking(value, f.algorithm, f.key.id));
    ++n_encrypted;
  }

 private:
  void append_field(bson_t* plain, bson_t* marked, const FieldShape& f) {
    switch (f.kind) {
      case Kind::encrypted:
        append_encrypted(plain, marked, f);
        break;
      case Kind::object:
        append_object(plain, marked, f);
        break;
      case Kind::plain:
        append_both(plain, marked, f.name, random_plain_value(rng_));
        break;
      case Kind::plain_object:
      case Kind::plain_array:
        append_both(plain, marked, f.name, plain_container(f.kind, 0));
        break;
    }
  }

  void append_object(bson_t* plain, bson_t* marked, const FieldShape& f) {
    BsonDocument p;
    BsonDocument m;
    append_fields(p.get(), m.get(), f.fields);
    append_value(plain, f.name, {Type::object, p.bytes()});
    append_value(marked, f.name, {Type::object, m.bytes()});
  }

  static void append_both(bson_t* plain, bson_t* marked, const std::string& name,
                          const TypedValue& value) {
    append_value(plain, name, value);
    append_value(marked, name, value);
  }

  /// An object or array that the schema says nothing about.
  TypedValue plain_container(Kind kind, int depth) {
    const bool array = kind == Kind::plain_array;
    BsonDocument d;
    const auto n = rng_() % 4;
    for (std::size_t i = 0; i < n; ++i) {
      const bool nested = depth < 3 && rng_() % 3 == 0;
      append_value(d.get(), (array ? "" : "k") + std::to_string(i),
                   nested ? plain_container(
                                rng_() % 2 == 0 ? Kind::plain_array : Kind::plain_object, depth + 1)
                          : random_plain_value(rng_));
    }
    return {array ? Type::array : Type::object, d.bytes()};
  }

  std::mt19937_64& rng_;
};

}  // namespace

CollectionShape make_shape(const std::vector<NamedKey>& keys, std::mt19937_64& rng) {
  CollectionShape shape;
  shape.root_key = pick(keys, rng);
  shape.fields = make_fields(shape, keys, 1, rng);
  FieldShape always;
  always.name = "always";
  make_encrypted(always, shape, keys, rng);
  shape.fields.push_back(std::move(always));
  return shape;
}

std::string schema_of(const CollectionShape& shape) {
  return R"({"bsonType": "object", "encryptMetadata": {"keyId": )" + key_id_of(shape.root_key) +
         R"(}, "properties": )" + schema_of(shape.fields) + "}";
}

RandomDocument make_document(const CollectionShape& shape, std::mt19937_64& rng) {
  BsonDocument plain;
  BsonDocument marked;
  DocumentMaker maker(rng);
  for (bson_t* d : {plain.get(), marked.get()}) BSON_APPEND_INT32(d, "_id", 1);
  maker.append_fields(plain.get(), marked.get(), shape.fields);
  // Behind the fields that need it: a pointer may lead forward.
  for (bson_t* d : {plain.get(), marked.get()})
    BSON_APPEND_UTF8(d, "keyName", shape.root_key.alt_name.c_str());
  return {plain.bytes(), marked.bytes(), maker.n_encrypted};
}

}  // namespace fle::test
