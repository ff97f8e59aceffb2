#include "kms_options_file.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <bson/bson.h>

#include "command_line/files.h"
#include "fle/did_you_mean.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMaxFile = 1024 * 1024;
constexpr std::int64_t kMaxMilliseconds = 3'600'000;
constexpr std::int64_t kMaxRetries = 100;

Failure refuse(std::string why, std::string path) {
  return {Errc::kms_config_invalid, std::move(why), std::move(path)};
}

/// The text for an option that is in no row of a table.
template <class Row, std::size_t n>
std::string unknown(std::string_view name, const Row (&rows)[n], std::string_view Row::*of) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.push_back(row.*of);
  return "unknown option." + did_you_mean(name, names) + " Known are " + listed(names);
}

using Visit = std::function<Done(const std::string& name, const bson_iter_t& value)>;

/// Names of one document: of two that are alike, one would not count.
class Names {
 public:
  Done add(const std::string& name, const std::string& path) {
    return seen_.insert(name).second ? Done(ok) : refuse("appears twice", path);
  }

 private:
  std::set<std::string> seen_;
};

/// Calls `visit` for each element of the document or array at `it`, which stands at `path`.
Done each(const bson_iter_t& it, bool array, const std::string& path, const Visit& visit) {
  bson_iter_t child;
  Names names;
  const bool right = array ? BSON_ITER_HOLDS_ARRAY(&it) : BSON_ITER_HOLDS_DOCUMENT(&it);
  if (!right || !bson_iter_recurse(&it, &child))
    return refuse(array ? "expected an array" : "expected a document", path);
  while (bson_iter_next(&child)) {
    const std::string name = bson_iter_key(&child);
    FLE_CHECK(names.add(name, std::string(path).append(".").append(name)));
    FLE_CHECK(visit(name, child));
  }
  return ok;
}

Outcome<std::string> text(const bson_iter_t& it, const std::string& path) {
  if (!BSON_ITER_HOLDS_UTF8(&it)) return refuse("expected a string", path);
  std::uint32_t n = 0;
  const char* s = bson_iter_utf8(&it, &n);
  return std::string(s, n);
}

Outcome<std::int64_t> number(const bson_iter_t& it, std::int64_t least, std::int64_t most,
                             const std::string& path) {
  const std::int64_t n = BSON_ITER_HOLDS_INT(&it) ? bson_iter_as_int64(&it) : -1;
  if (n >= least && n <= most) return n;
  return refuse(
      "expected a whole number from " + std::to_string(least) + " to " + std::to_string(most),
      path);
}

Done set_tls(kms::TlsOptions& out, const std::string& name, const bson_iter_t& it,
             const std::string& path) {
  // CSFLE specification, "KMS provider TLS options": never, whatever their value.
  static constexpr std::string_view kInsecure[] = {"tlsInsecure", "tlsAllowInvalidCertificates",
                                                   "tlsAllowInvalidHostnames",
                                                   "tlsDisableCertificateRevocationCheck"};
  using File = std::pair<std::string_view, std::string kms::TlsOptions::*>;
  static constexpr File kFiles[] = {{"tlsCAFile", &kms::TlsOptions::ca_file},
                                    {"tlsCertificateKeyFile", &kms::TlsOptions::certificate_file},
                                    {"tlsPrivateKeyFile", &kms::TlsOptions::private_key_file}};
  if (std::ranges::count(kInsecure, name) != 0)
    return refuse("Insecure TLS options prohibited", path);
  for (const auto& [file, member] : kFiles) {
    if (name != file) continue;
    FLE_TRY(out.*member, text(it, path));
    return ok;
  }
  return refuse(unknown(name, kFiles, &File::first), path);
}

Done set_tls_map(kms::KmsOptions& out, const bson_iter_t& it) {
  return each(it, false, "tlsOptions", [&](const std::string& id, const bson_iter_t& one) {
    const std::string path = "tlsOptions." + id;
    kms::TlsOptions& options = out.tls[id];  // also of none: the id is looked at
    return each(one, false, path, [&](const std::string& name, const bson_iter_t& value) {
      return set_tls(options, name, value, path + "." + name);
    });
  });
}

Done set_endpoints(kms::KmsOptions& out, const bson_iter_t& it) {
  return each(it, false, "allowedEndpoints", [&](const std::string& id, const bson_iter_t& hosts) {
    const std::string path = "allowedEndpoints." + id;
    std::vector<std::string>& allowed = out.allowed_endpoints[id];
    return each(hosts, true, path, [&](const std::string& index, const bson_iter_t& host) -> Done {
      FLE_TRY(std::string name, text(host, path + "." + index));
      allowed.push_back(std::move(name));
      return ok;
    });
  });
}

Done set_pin(kms::MasterKeyPin& out, const bson_iter_t& pin, const std::string& path) {
  return each(pin, false, path, [&](const std::string& name, const bson_iter_t& value) -> Done {
    FLE_TRY(out[name], text(value, path + "." + name));
    return ok;
  });
}

Done set_pins(kms::KmsOptions& out, const bson_iter_t& it) {
  return each(it, false, "masterKeys", [&](const std::string& id, const bson_iter_t& pins) {
    const std::string path = "masterKeys." + id;
    std::vector<kms::MasterKeyPin>& of_id = out.master_keys[id];
    return each(pins, true, path, [&](const std::string& index, const bson_iter_t& pin) {
      return set_pin(of_id.emplace_back(), pin, path + "." + index);
    });
  });
}

Done set_connect_timeout(kms::KmsOptions& out, const bson_iter_t& it) {
  FLE_TRY(const std::int64_t ms, number(it, 1, kMaxMilliseconds, "connectTimeoutMS"));
  out.connect_timeout = std::chrono::milliseconds(ms);
  return ok;
}

Done set_request_timeout(kms::KmsOptions& out, const bson_iter_t& it) {
  FLE_TRY(const std::int64_t ms, number(it, 1, kMaxMilliseconds, "requestTimeoutMS"));
  out.request_timeout = std::chrono::milliseconds(ms);
  return ok;
}

Done set_call_timeout(kms::KmsOptions& out, const bson_iter_t& it) {
  FLE_TRY(const std::int64_t ms, number(it, 0, kMaxMilliseconds, "callTimeoutMS"));
  out.call_timeout = std::chrono::milliseconds(ms);
  return ok;
}

Done set_retries(kms::KmsOptions& out, const bson_iter_t& it) {
  FLE_TRY(const std::int64_t n, number(it, 0, kMaxRetries, "maxRetries"));
  out.max_retries = static_cast<std::uint32_t>(n);
  return ok;
}

Done set_seal_key(kms::KmsOptions& out, const bson_iter_t& it) {
  FLE_TRY(const std::string path, text(it, "sealKeyFile"));
  FLE_TRY(out.seals.key, read_seal_key(path, out.lock_policy));
  return ok;
}

Done set_require_seals(kms::KmsOptions& out, const bson_iter_t& it) {
  if (!BSON_ITER_HOLDS_BOOL(&it)) return refuse("expected true or false", "requireSeals");
  out.seals.required = bson_iter_bool(&it);
  return ok;
}

struct Option {
  std::string_view name;
  Done (*set)(kms::KmsOptions& out, const bson_iter_t& it);
};
constexpr Option kOptions[] = {{"tlsOptions", set_tls_map},
                               {"allowedEndpoints", set_endpoints},
                               {"masterKeys", set_pins},
                               {"connectTimeoutMS", set_connect_timeout},
                               {"requestTimeoutMS", set_request_timeout},
                               {"callTimeoutMS", set_call_timeout},
                               {"maxRetries", set_retries},
                               {"sealKeyFile", set_seal_key},
                               {"requireSeals", set_require_seals}};

}  // namespace

Outcome<std::shared_ptr<const SecretBytes>> read_seal_key(const std::string& path,
                                                          LockPolicy policy) {
  constexpr std::size_t kLeast = 32;
  FLE_TRY(SecretBytes key, read_secret_file(path, 4096, policy, files::FileKind::master_key));
  if (key.size() >= kLeast) return std::make_shared<const SecretBytes>(std::move(key));
  return Failure(Errc::kms_config_invalid, "'" + path + "' is not a sealing key of " +
                                               std::to_string(kLeast) + " raw bytes or more");
}

Done read_kms_options(kms::KmsOptions& out, const std::string& path) {
  FLE_TRY(const std::string json, read_file(path, kMaxFile, files::FileKind::kms_options));
  WipedBytes bson;
  if (Done read = option_to_bson("'" + path + "'", json, bson); !read) {
    read.error().code = Errc::kms_config_invalid;
    return read;
  }
  bson_t b;
  bson_iter_t it;
  if (!bson_init_static(&b, bson.data(), bson.size()) || !bson_iter_init(&it, &b))
    return refuse("'" + path + "' is not one JSON document", {});
  Names names;
  while (bson_iter_next(&it)) {
    FLE_CHECK(names.add(bson_iter_key(&it), bson_iter_key(&it)));
    const auto* option = std::ranges::find(kOptions, bson_iter_key(&it), &Option::name);
    if (option == std::end(kOptions))
      return refuse(unknown(bson_iter_key(&it), kOptions, &Option::name), bson_iter_key(&it));
    FLE_CHECK(option->set(out, it));
  }
  return ok;
}

}  // namespace fle::tools
