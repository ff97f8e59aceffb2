// make_vectors <folder>: writes the known answers of this folder by running libmongocrypt.
//
// Plaintexts and keys come from a fixed seed, so deterministic.txt and refused.txt come out the
// same each time; random.txt has new IVs, which libmongocrypt draws from the operating system.
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

#include "support/bson_values.h"
#include "support/kat.h"
#include "support/mongocrypt_peer.h"

namespace {

using fle::Algorithm;
using fle::bson::Type;
using fle::test::Buf;
using fle::test::MongocryptPeer;
using fle::test::to_hex;
using fle::test::TypedValue;

constexpr std::uint64_t kSeed = 20230417;

// Plaintext bytes. Around the AES block (16), the SHA-512 block of the tag (whose padding moves
// with every AES block) and of the IV (18 + 8 bytes beside the plaintext, 17 of padding: 85, 213).
constexpr std::size_t kSizes[] = {0,   15,  16,  17,  31,  32,  33,  47,  48,  63,
                                  64,  65,  79,  80,  85,  86,  95,  96,  100, 127,
                                  128, 129, 213, 214, 255, 256, 257, 1000};
constexpr std::size_t kLargeSize = 4096;  // strings and binaries only: the files stay small
constexpr int kFixedSizeRepeats = 4;

struct Key {
  fle::KeyId id;
  Buf bytes;
};

struct Files {
  std::ofstream deterministic;
  std::ofstream random;
  std::ofstream refused;
};

Buf draw(std::size_t n, std::mt19937_64& rng) {
  Buf b(n);
  for (auto& x : b) x = static_cast<std::uint8_t>(rng());
  return b;
}

/// A data key that libmongocrypt wrapped, found in its vault under an id of our choosing.
Key add_key(MongocryptPeer& peer, std::mt19937_64& rng) {
  const Buf bytes = draw(96, rng);
  const Key key{*fle::KeyId::from(draw(16, rng)), bytes};
  peer.add_key(fle::test::with_key_id(peer.create_data_key({{}, bytes}), key.id));
  return key;
}

void write_case(std::ofstream& out, const Key& key, const TypedValue& value) {
  const Buf type{static_cast<std::uint8_t>(value.type)};
  out << "\nkey = " << to_hex(key.bytes)
      << "\nkey_id = " << to_hex({key.id.bytes.begin(), key.id.bytes.end()})
      << "\nbson_type = " << to_hex(type) << "\nplaintext = " << to_hex(value.bytes) << "\n";
}

void make(Files& files, MongocryptPeer& peer, const Key& key, const TypedValue& value) {
  for (const auto algorithm : {Algorithm::deterministic, Algorithm::random}) {
    const bool deterministic = algorithm == Algorithm::deterministic;
    Buf payload;
    try {
      payload = peer.encrypt_value(value, algorithm, key.id);
    } catch (const fle::test::PeerError&) {
      write_case(files.refused, key, value);
      files.refused << "algorithm = " << to_hex({static_cast<std::uint8_t>(algorithm)}) << "\n";
      continue;
    }
    if (peer.decrypt_value(payload) != value)
      throw std::runtime_error("libmongocrypt does not decrypt what it encrypted");
    auto& out = deterministic ? files.deterministic : files.random;
    write_case(out, key, value);
    out << "payload = " << to_hex(payload) << "\n";
  }
}

void make_type(Files& files, MongocryptPeer& peer, const std::array<Key, 3>& keys, Type type,
               std::mt19937_64& rng) {
  std::size_t n = 0;
  const auto next_key = [&]() -> const Key& { return keys[n++ % keys.size()]; };
  if (!fle::test::has_variable_size(type)) {
    for (int i = 0; i < kFixedSizeRepeats; ++i)
      make(files, peer, next_key(), fle::test::make_value(type, 0, rng));
    return;
  }
  TypedValue last{type, {}};
  for (const std::size_t size : kSizes) {
    TypedValue value = fle::test::make_value(type, size, rng);
    if (value.bytes.size() < size) throw std::runtime_error("a value shorter than asked for");
    if (value.bytes.size() == last.bytes.size()) continue;  // both below the smallest of its type
    make(files, peer, next_key(), value);
    last = std::move(value);
  }
  if (type == Type::string || type == Type::bin_data)
    make(files, peer, next_key(), fle::test::make_value(type, kLargeSize, rng));
}

std::ofstream open(const std::string& path, const char* what) {
  std::ofstream out(path, std::ios::trunc);
  if (!out) throw std::runtime_error("cannot write " + path);
  out << "# " << what << ", by libmongocrypt " << MongocryptPeer::version()
      << " (make_vectors.cc, seed " << kSeed << ").\n";
  return out;
}

void make_all(const std::string& folder) {
  std::mt19937_64 rng(kSeed);
  MongocryptPeer peer(draw(96, rng));
  const std::array keys = {add_key(peer, rng), add_key(peer, rng), add_key(peer, rng)};
  Files files{open(folder + "/deterministic.txt", "Explicit deterministic encryption"),
              open(folder + "/random.txt", "Explicit random encryption"),
              open(folder + "/refused.txt", "What explicit encryption refuses")};
  for (const Type type : fle::test::encryptable_types()) make_type(files, peer, keys, type, rng);
  for (const Type type : fle::test::refused_types())
    make(files, peer, keys[0], fle::test::make_value(type, 0, rng));
  make(files, peer, keys[0], fle::test::binary(6, draw(20, rng)));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: make_vectors FOLDER\n";
    return 2;
  }
  make_all(argv[1]);
  return 0;
} catch (const std::exception& e) {
  std::cerr << "make_vectors: " << e.what() << "\n";
  return 1;
}
