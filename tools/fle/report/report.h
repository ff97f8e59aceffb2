#ifndef FLE_TOOLS_REPORT_H_
#define FLE_TOOLS_REPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "census/gather.h"
#include "fle/kms/key_vault.h"

namespace fle::tools {

/// How bad a finding is.
enum class Weight : std::uint8_t {
  note,     ///< To know.
  problem,  ///< Data and schema, or data and vault, do not agree.
  plain,    ///< Plaintext where the schema encrypts.
};

/// A rule that values at a path break.
struct Finding {
  Weight weight = Weight::note;
  const char* rule = "";  // stable: docs/report.md lists them
  std::string text;       // for people
  std::uint64_t values = 0;
  std::uint64_t first_document = 0;  // in its collection, from 1; 0: not known
};

/// Values of one path under one key.
struct KeyCount {
  KeyId key;
  std::uint64_t values = 0;
};

/// Ciphertext of one path that is alike but for the key.
struct CipherCount {
  Algorithm algorithm{};
  bson::Type type{};
  std::uint64_t values = 0;
};

struct PathReport {
  std::string path;
  bool is_folded = false;  // several names are one here, "*"
  std::uint64_t documents = 0;
  std::uint64_t encrypted = 0;
  std::uint64_t plaintext = 0;
  std::uint64_t objects = 0;  // whose fields the schema encrypts, as it has them
  std::uint64_t null = 0;
  std::uint64_t damaged = 0;
  std::uint64_t foreign = 0;
  std::vector<CipherCount> ciphers{};  // most values first
  std::vector<KeyCount> keys{};        // most values first
  std::uint64_t uncounted_keys = 0;    // values whose key there was no room to count
  std::uint64_t stored_bytes = 0;      // of ciphertext, as it is stored
  std::uint64_t added_least = 0;       // bytes by which encryption made it longer
  std::uint64_t added_most = 0;
  const schema::Leaf* leaf = nullptr;    // what the schema says; null: nothing
  std::optional<Frequency> frequency{};  // of deterministic ciphertext
  std::vector<Finding> findings{};

  [[nodiscard]] std::uint64_t values() const noexcept {
    return encrypted + plaintext + objects + null + damaged + foreign;
  }
};

struct CollectionReport {
  std::string ns;  // empty: the input does not say
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
  bool has_schema = false;
  std::vector<PathReport> paths;         // that are encrypted, or ought to be
  std::vector<std::string> plain_paths;  // all others; no containers
};

/// Values under one key at one path.
struct KeyUse {
  std::uint32_t collection;  // its number in the report
  std::uint32_t path;        // its number in that collection
  std::uint64_t values;
};

/// A key that values are encrypted under.
struct KeyReport {
  KeyId id;
  std::uint64_t values = 0;
  std::uint32_t first_use = 0;  // Report::uses_of() has them
  std::uint32_t n_uses = 0;
  enum class State : std::uint8_t { unchecked, known, unknown } state = State::unchecked;
  /// What the vault says of one that it has.
  struct Known {
    std::string provider;
    std::vector<std::string> alt_names;
  };
  std::unique_ptr<const Known> known;  // null where the state is another: most are small
};

struct Report {
  std::vector<CollectionReport> collections;
  std::vector<KeyReport> keys;   // most values first
  std::vector<KeyUse> key_uses;  // of all keys
  bool has_schema = false;
  bool has_vault = false;
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;
  std::uint64_t encrypted = 0;
  std::uint64_t foreign = 0;
  std::uint64_t added_least = 0;
  std::uint64_t added_most = 0;
  std::uint64_t uncounted_keys = 0;    // values whose key there was no room to count
  std::uint64_t uncounted_values = 0;  // values for whose path there was none
  bool has_overlooked = false;         // some of which the schema may encrypt, or are ciphertext

  [[nodiscard]] std::uint64_t count(Weight weight) const;
  [[nodiscard]] std::span<const KeyUse> uses_of(const KeyReport& k) const noexcept {
    return std::span(key_uses).subspan(k.first_use, k.n_uses);
  }
};

/// What was gathered, held against schemas and, unless it is null, the vault.
[[nodiscard]] Outcome<Report> make_report(const Gatherer& gathered, bool has_schema,
                                          kms::KeyVault* vault);

// Words that all forms of a report have.

/// "12,345".
[[nodiscard]] std::string grouped(std::uint64_t n);
/// "12.3 MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t n);
/// "12.3 %", of `part` in `whole`; "0 %" and "100 %" only where it is that.
[[nodiscard]] std::string percent(std::uint64_t part, std::uint64_t whole);
/// "1 document", "2 documents".
[[nodiscard]] std::string counted(std::uint64_t n, const char* what);
/// "deterministic int", "random string and 2 others".
[[nodiscard]] std::string cipher_text(const PathReport& p);
/// "3 keys", "40 keys, named by /owner of each document"; empty where one key is all there is to
/// say.
[[nodiscard]] std::string keys_text(const PathReport& p);
/// What is to be known of a path with "*" in it.
inline constexpr std::string_view kFolded =
    "* stands for names that are data. What they hold is counted together: the commonest value of "
    "one name alone may be more common there.";
/// What a report says that could not count all values.
[[nodiscard]] std::string overlooked(const Report& r);
/// Distinct values and the share of the commonest, each with its bound.
[[nodiscard]] std::string distinct_text(const Frequency& f);
[[nodiscard]] std::string commonest_text(const Frequency& f);
/// "72 to 87 bytes"; one number where both are the same.
[[nodiscard]] std::string added_text(std::uint64_t least, std::uint64_t most);
[[nodiscard]] std::string name_of(const CollectionReport& c);
[[nodiscard]] const char* word_of(Weight w) noexcept;
[[nodiscard]] const char* word_of(KeyReport::State s) noexcept;

// Its forms.

/// @param columns  of the terminal; 0: it is none.
[[nodiscard]] std::string report_text(const Report& r, unsigned columns);
/// Takes what is written, piece by piece.
using Sink = std::function<Done(std::string_view)>;
[[nodiscard]] Done write_json(const Report& r, const Sink& sink);
/// @param title  for people.
[[nodiscard]] std::string report_html(const Report& r, const std::string& title);

}  // namespace fle::tools

#endif  // FLE_TOOLS_REPORT_H_
