// What a key document names and is not trusted is never looked up nor connected to: not to unwrap a
// key, to wrap one, to wrap all anew, nor for keys that somebody imports. The resolver and
// connect(2) of this program are replaced: they count, and fail.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/rewrap.h"
#include "kms/cloud/server/cloud_server.h"
#include "kms/cloud/server/hostile_hosts.h"
#include "kms/support.h"

namespace {
std::atomic<int> n_reached{0};
std::atomic<const char*> answer_of_the_resolver{nullptr};  // digits
std::mutex mutex;
std::vector<std::string> connected_to;  // guarded by mutex

using GetAddresses = decltype(&getaddrinfo);
}  // namespace

// Found before those of libc, by libcurl as well.
extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char* host,
                                                                  const char* service,
                                                                  const addrinfo* hints,
                                                                  addrinfo** out) {
  // Digits need nobody's help: the question whether these are some reaches no one.
  if (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0) {
    static const auto kReal = reinterpret_cast<GetAddresses>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return kReal(host, service, hints, out);
  }
  ++n_reached;
  const char* const digits = answer_of_the_resolver;
  if (digits == nullptr || hints == nullptr) return EAI_FAIL;
  addrinfo numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  return getaddrinfo(digits, service, &numeric, out);
}
extern "C" __attribute__((visibility("default"))) int connect(int, const sockaddr* to,
                                                              socklen_t size) {
  ++n_reached;
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  ::getnameinfo(to, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const std::lock_guard lock(mutex);
  connected_to.push_back(std::string(host) + " " + port);
  errno = ECONNREFUSED;
  return -1;
}

namespace fle::kms::test {
namespace {

/// A master key of each type, at `host`.
MasterKey master_key(std::string_view type, const std::string& host) {
  if (type == "aws") return MasterKey::aws("us-east-1", "key-1", host);
  if (type == "azure") return MasterKey::azure(host, "key-1");
  if (type == "gcp")
    return MasterKey::gcp({.project_id = "medco-1",
                           .location = "global",
                           .key_ring = "ring",
                           .key_name = "key-1",
                           .endpoint = host});
  return *MasterKey::from_json("kmip", R"({"keyId": "key-1", "endpoint": ")" + host + "\"}");
}

/// A pin that fits it, whatever its host.
MasterKeyPin pin_of(std::string_view type) {
  return {{type == "kmip" ? "keyId" : type == "aws" ? "key" : "keyName", "key-1"}};
}

class NoConnection : public testing::Test {
 protected:
  NoConnection() {
    options.max_retries = 0;
    options.tls["kmip"] = {certificates.authority(), certificates.make_client(),
                           certificates.key()};
  }
  [[nodiscard]] Providers providers() const {
    auto out = Providers::from_json(
        R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"},
            "azure": {"tenantId": "t", "clientId": "c", "clientSecret": "s"},
            "gcp": {"accessToken": "t"}, "kmip": {"endpoint": "kmip.example.com"}})",
        options);
    if (!out) throw std::runtime_error(out.error().to_string());
    return std::move(*out);
  }
  static KeyDocument document(const MasterKey& mk) {
    KeyDocument doc;
    doc.id.bytes[0] = 1;
    doc.key_material.assign(160, 7);
    doc.creation_date = doc.update_date = KeyDocument::Time(std::chrono::seconds(1));
    doc.master_key = mk;
    return doc;
  }
  /// How often somebody was looked up or connected to since the last call.
  static int newly_reached() { return n_reached.exchange(0); }

  Certificates certificates;
  KmsOptions options;
};

SecretBytes data_key() { return *SecretBytes::copy_of(std::vector<std::uint8_t>(96, 5)); }

// A counter that cannot count proves nothing.
TEST_F(NoConnection, IsSeenIfThereIsOne) {
  const Providers all = providers();
  for (const auto& [type, host] :
       {std::pair("aws", "kms.us-east-1.amazonaws.com"),
        std::pair("azure", "medco.vault.azure.net"), std::pair("gcp", "cloudkms.googleapis.com"),
        std::pair("kmip", "kmip.example.com")}) {
    const auto opened =
        (*all.find(type))->unwrap(std::vector<std::uint8_t>(160, 7), master_key(type, host));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::kms_unreachable) << opened.error().to_string();
    EXPECT_GT(newly_reached(), 0) << type;
  }
}

// libcurl is not asked to look names up: its threads cannot be limited.
TEST_F(NoConnection, IsTriedButToTheAddressesThatOurResolverFound) {
  const Providers all = providers();
  for (const auto& [type, host, port] : {std::tuple("aws", "kms.us-east-1.amazonaws.com", "443"),
                                         std::tuple("kmip", "kmip.example.com", "5696")}) {
    for (const char* digits : {"192.0.2.7", "2001:db8::7"}) {
      const int s = ::socket(digits[1] == '0' ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (s < 0) continue;  // not on this machine
      ::close(s);
      connected_to.clear();
      answer_of_the_resolver = digits;
      EXPECT_FALSE(
          (*all.find(type))->unwrap(std::vector<std::uint8_t>(160, 7), master_key(type, host)));
      answer_of_the_resolver = nullptr;
      EXPECT_EQ(connected_to, std::vector<std::string>{std::string(digits) + " " + port}) << type;
      EXPECT_EQ(newly_reached(), 2) << "one look-up, one connection";
    }
  }
}

TEST_F(NoConnection, IsMadeToAHostOfAKeyDocumentThatIsNoKms) {
  // Pinned or not: a pin that says nothing of the endpoint does not vouch for it.
  for (const bool pinned : {false, true}) {
    if (pinned)
      for (const char* type : {"aws", "azure", "gcp", "kmip"})
        options.master_keys[type] = {pin_of(type)};
    const Providers all = providers();
    for (const HostileHost& hostile : kHostileHosts) {
      SCOPED_TRACE(std::string(hostile.type) + ": " + std::string(hostile.host));
      const MasterKey mk = master_key(hostile.type, std::string(hostile.host));
      Provider& provider = **all.find(hostile.type);
      const auto refused = [&](const auto& result) {
        ASSERT_FALSE(result);
        const Errc code = result.error().code;
        EXPECT_TRUE(code == Errc::kms_config_invalid || code == Errc::key_document_invalid)
            << result.error().to_string();
      };
      refused(provider.prepare(mk));
      refused(provider.wrap(data_key(), mk));
      refused(provider.unwrap(std::vector<std::uint8_t>(160, 7), mk));
      EXPECT_EQ(newly_reached(), 0);
    }
  }
}

TEST_F(NoConnection, IsMadeForImportedKeysNorToWrapThemAnew) {
  const auto all = std::make_shared<const Providers>(providers());
  for (const HostileHost& hostile : kHostileHosts) {
    SCOPED_TRACE(std::string(hostile.type) + ": " + std::string(hostile.host));
    const KeyDocument doc = document(master_key(hostile.type, std::string(hostile.host)));
    const std::shared_ptr<KeyVault> vault = make_memory_vault();
    ASSERT_TRUE(vault->insert_many({&doc, 1}));
    EXPECT_FALSE(KeyRing(vault, all).by_id(doc.id));
    CreateKeyOptions create;
    create.master_key = doc.master_key;
    EXPECT_FALSE(create_data_key(*vault, *all, create));
    RewrapOptions rewrap;
    rewrap.from[std::string(hostile.type)] = {pin_of(hostile.type)};
    EXPECT_FALSE(rewrap_many_data_key(*vault, *all, {}, rewrap));
    // The same key at a server that is trusted: what the documents say of the host stays refused.
    const char* const trusted = hostile.type == "aws"     ? "kms.us-east-1.amazonaws.com"
                                : hostile.type == "azure" ? "medco.vault.azure.net"
                                : hostile.type == "gcp"   ? "cloudkms.googleapis.com"
                                                          : "kmip.example.com";
    rewrap.master_key = master_key(hostile.type, trusted);
    EXPECT_FALSE(rewrap_many_data_key(*vault, *all, {}, rewrap));
    EXPECT_EQ(vault->list()->size(), 1U);
    EXPECT_EQ(newly_reached(), 0);
  }
}

// Of kmip, whose servers are the application's own: it may name more of them.
TEST_F(NoConnection, IsRefusedOnceTheOptionsNameTheServer) {
  const MasterKey other = master_key("kmip", "other.example.com:5697");
  const auto reaches = [&] {
    const Providers all = providers();
    EXPECT_FALSE((*all.find("kmip"))->unwrap(std::vector<std::uint8_t>(160, 7), other));
    return newly_reached() > 0;
  };
  EXPECT_FALSE(reaches());
  options.allowed_endpoints["kmip"] = {"other.example.com:5697"};
  EXPECT_TRUE(reaches());
  options.allowed_endpoints["kmip"] = {"other.example.com:5696"};
  EXPECT_FALSE(reaches());
  options.master_keys["kmip"] = {{{"keyId", "key-1"}}};
  EXPECT_FALSE(reaches()) << "this pin does not speak of servers";
  options.master_keys["kmip"].push_back({{"endpoint", "other.example.com:5697"}, {"keyId", "x"}});
  EXPECT_FALSE(reaches()) << "another key's pin";
  options.master_keys["kmip"].push_back(
      {{"endpoint", "Other.example.com:5697"}, {"keyId", "key-1"}});
  EXPECT_TRUE(reaches());
}

}  // namespace
}  // namespace fle::kms::test
