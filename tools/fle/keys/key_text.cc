// What people write and read about keys.
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <map>
#include <set>

#include "command_line/cli.h"
#include "fle/did_you_mean.h"
#include "key_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

/// Whether `text` has a digit wherever `form` has a 0, and is `form` elsewhere.
bool has_form(std::string_view text, std::string_view form) {
  return std::ranges::equal(
      text, form, [](char c, char f) { return f == '0' ? c >= '0' && c <= '9' : c == f; });
}

/// Of a few digits.
unsigned number(std::string_view digits) {
  unsigned n = 0;
  for (const char c : digits) n = n * 10 + static_cast<unsigned>(c - '0');
  return n;
}

}  // namespace

std::optional<kms::KeyDocument::Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (!has_form(text.substr(0, 10), "0000-00-00")) return std::nullopt;
  const year_month_day date{year(static_cast<int>(number(text.substr(0, 4)))),
                            month(number(text.substr(5, 2))), day(number(text.substr(8, 2)))};
  if (!date.ok()) return std::nullopt;
  kms::KeyDocument::Time time = sys_days(date);
  if (text.size() == 10) return time;
  if (!has_form(text.substr(10, 9), "T00:00:00")) return std::nullopt;
  const unsigned h = number(text.substr(11, 2));
  const unsigned min = number(text.substr(14, 2));
  const unsigned sec = number(text.substr(17, 2));
  if (h > 23 || min > 59 || sec > 59) return std::nullopt;
  time += hours(h) + minutes(min) + seconds(sec);
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const std::size_t n = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (n == 0 || n > 3) return std::nullopt;
    std::string fraction(rest.substr(0, n));
    fraction.resize(3, '0');
    time += milliseconds(number(fraction));
    rest.remove_prefix(n);
  }
  if (rest != "Z") return std::nullopt;
  return time;
}

std::string to_text(kms::KeyDocument::Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

namespace {

Failure ambiguous(const std::string& key, const KeyId& id, const KeyId& named) {
  return {Errc::invalid_argument, "'" + key +
                                      "' is the id of one data key and an alternate name "
                                      "of another, " +
                                      named.to_string() +
                                      ": give another form of the id, such as " + id.to_base64()};
}

/// Which alternate name of the vault was meant. A vault that cannot say so is no fault here.
std::string similar_name(kms::KeyVault& vault, const std::string& name) {
  const auto all = vault.list();
  if (!all) return {};
  std::vector<std::string_view> names;
  for (const kms::KeyDocument& k : *all)
    names.insert(names.end(), k.alt_names.begin(), k.alt_names.end());
  return did_you_mean(name, names);
}

}  // namespace

KeysByName by_name(std::span<const kms::KeyDocument> keys) {
  KeysByName all;
  for (const kms::KeyDocument& k : keys)
    for (const std::string& name : k.alt_names) all.emplace(name, &k);
  return all;
}

Outcome<std::vector<kms::KeyDocument>> find_keys(kms::KeyVault& vault,
                                                 std::span<const std::string> keys) {
  std::vector<KeyId> ids;
  for (const std::string& key : keys)
    if (const auto id = KeyId::parse(key)) ids.push_back(*id);
  FLE_TRY(const std::vector<kms::KeyDocument> found, vault.find(ids, keys));
  const KeysByName names = by_name(found);
  std::map<KeyId, const kms::KeyDocument*> by_id;
  for (const kms::KeyDocument& k : found) by_id.emplace(k.id, &k);
  std::vector<kms::KeyDocument> out;
  std::set<KeyId> given;
  for (const std::string& key : keys) {
    const kms::KeyDocument* it = nullptr;
    if (const auto id = KeyId::parse(key))
      if (const auto at = by_id.find(*id); at != by_id.end()) it = at->second;
    const auto named = names.find(key);
    // Whoever writes to the vault must not be able to put one key in the place of another.
    if (named != names.end() && it != nullptr && named->second != it)
      return ambiguous(key, it->id, named->second->id);
    if (named != names.end()) it = named->second;
    if (it == nullptr) {
      return Failure(Errc::key_not_found,
                     "no data key has the alternate name, UUID or base64 id '" + key + "'." +
                         similar_name(vault, key));
    }
    if (given.insert(it->id).second) out.push_back(*it);
  }
  return out;
}

void MasterKeyOptions::add(CLI::App& cmd) {
  cmd.add_option("--provider", provider, "KMS provider id: local, aws, kmip, local:NAME, ...");
  cmd.add_option("--master-key", master_key,
                 "Fields of the master key, as drivers take them: {\"region\": ..., \"key\": ...}")
      ->type_name("JSON");
}

Outcome<kms::MasterKey> MasterKeyOptions::parse() const {
  WipedBytes fields;
  FLE_CHECK(option_to_bson("--master-key", master_key.empty() ? "{}" : master_key, fields));
  auto key = kms::MasterKey::from_fields(provider, fields);
  if (!key)
    key.error().message += key.error().path.empty() ? " (in --provider)"
                           : master_key.empty()     ? " (give --master-key)"
                                                    : " (in --master-key)";
  return key;
}

Done print_done(std::string_view text, const std::string& done) {
  Done told = print(text);
  if (!told) told.error().message += "; " + done;
  return told;
}

}  // namespace fle::tools
