#ifndef FLE_TESTS_KMS_CLOUD_HOSTILE_HOSTS_H_
#define FLE_TESTS_KMS_CLOUD_HOSTILE_HOSTS_H_

#include <string_view>

namespace fle::kms::test {

/// What a key document may name that is no KMS of its provider: what customers run below the
/// clouds' own domains, and names that only look like a KMS. For aws in region us-east-1, for kmip
/// where kmip.example.com:5696 is configured.
struct HostileHost {
  std::string_view type;
  std::string_view host;
};
inline constexpr HostileHost kHostileHosts[] = {
    {"aws", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"},
    {"aws", "bucket.s3.amazonaws.com"},
    {"aws", "s3.us-east-1.amazonaws.com"},
    {"aws", "ec2-203-0-113-25.compute-1.amazonaws.com"},
    {"aws", "abc.us-east-1.elb.amazonaws.com"},
    {"aws", "kms.amazonaws.com"},
    {"aws", "amazonaws.com"},
    {"aws", "kms.us-east-1.elb.amazonaws.com"},
    {"aws", "kms.us-west-2.amazonaws.com"},
    {"aws", "x.kms.us-east-1.amazonaws.com"},
    {"aws", "kms.x.us-east-1.amazonaws.com"},
    {"aws", "kms.us-east-1.amazonaws.com.cn"},
    {"aws", "kms.us-east-1.amazonaws.eu"},
    {"aws", "kms.us-east-1.amazonaws.com.evil.example"},
    {"aws", "kms.us-east-1.evil.amazonaws.com"},
    {"aws", "vpce-0123.vpce-svc-0123.us-east-1.vpce.amazonaws.com"},
    {"aws", "vpce-0123.execute-api.us-east-1.vpce.amazonaws.com"},
    {"aws", "evil.kms.us-east-1.vpce.amazonaws.com"},
    {"aws", "vpce-.kms.us-east-1.vpce.amazonaws.com"},
    {"aws", "x.vpce-0123.kms.us-east-1.vpce.amazonaws.com"},
    {"aws", "kms.us-east-1.vpce.amazonaws.com"},
    {"aws", "kms-fips.us-east-1.amazonaws.com:8443"},
    {"aws", "kms.us-east-1.amazonaws.com:80"},
    {"aws", "kms.us-east-1.amazonaws.com:0"},
    {"aws", "kms.us-east-1.amazonaws.com:443@evil.example"},
    {"aws", "kms.us-east-1.amazonaws.com."},
    {"aws", "kms_us-east-1.amazonaws.com"},
    {"aws", "user@kms.us-east-1.amazonaws.com"},
    {"aws", "kms.us-east-1.amazonaws.com@evil.example"},
    {"aws", "http://kms.us-east-1.amazonaws.com"},
    {"aws", "https://evil.example/kms.us-east-1.amazonaws.com"},
    {"aws", "evil.example#kms.us-east-1.amazonaws.com"},
    {"aws", "evil.example\\kms.us-east-1.amazonaws.com"},
    {"aws", "evil.example\r\nHost: kms.us-east-1.amazonaws.com"},
    {"aws", "169.254.169.254"},
    {"aws", "[::1]"},
    {"aws", "127.0.0.1"},
    {"aws", "kms%2eus-east-1.amazonaws.com"},
    {"aws", "kms.us-east-1.evil.api.aws"},
    {"aws", "kms.us-east-1.api.aws.evil.example"},
    {"aws", "cloudkms.googleapis.com"},
    {"azure", "vault.azure.net"},
    {"azure", "medco-.vault.azure.net"},
    {"azure", "med_co.vault.azure.net"},
    {"azure", "kms.us-east-1.amazonaws.com"},
    {"azure", "a.b.vault.azure.net"},
    {"azure", "medco.vault.azure.net.evil.example"},
    {"azure", "medco.blob.core.windows.net"},
    {"azure", "medco.azurewebsites.net"},
    {"azure", "medco.vault.azure.net:8443"},
    {"azure", "-medco.vault.azure.net"},
    {"azure", "xvault.azure.net"},
    {"azure", "medco.vault.azure.com"},
    {"azure", "medco.vault.azure.net@evil.example"},
    {"azure", "https://evil.example/medco.vault.azure.net"},
    {"azure", "169.254.169.254"},
    {"azure", "127.0.0.1"},
    {"gcp", "medco.vault.azure.net"},
    {"gcp", "googleapis.com"},
    {"gcp", "storage.googleapis.com"},
    {"gcp", "bucket.storage.googleapis.com"},
    {"gcp", "oauth2.googleapis.com"},
    {"gcp", "cloudkms.googleapis.com:8443"},
    {"gcp", "xcloudkms.googleapis.com"},
    {"gcp", "cloudkms.evil.googleapis.com"},
    {"gcp", "a.b.p.googleapis.com"},
    {"gcp", "evil.p.googleapis.com"},
    {"gcp", "cloudkms.googleapis.com.evil.example"},
    {"gcp", "cloudkms.a.b.rep.googleapis.com"},
    {"gcp", "cloudkms.googleapis.com@evil.example"},
    {"gcp", "https://evil.example/cloudkms.googleapis.com"},
    {"gcp", "metadata.google.internal"},
    {"kmip", "evil.example"},
    {"kmip", "kmip.example.com:5697"},
    {"kmip", "kmip.example.com:443"},
    {"kmip", "x.kmip.example.com"},
    {"kmip", "example.com"},
    {"kmip", "kmip.example.com."},
    {"kmip", "kmip.example.com.evil.example"},
    {"kmip", "kmip.example.com@evil.example"},
    {"kmip", "https://evil.example/kmip.example.com"},
    {"kmip", "localhost"},
    {"kmip", "127.0.0.1"},
    {"kmip", "[::1]:5696"},
};

}  // namespace fle::kms::test

#endif  // FLE_TESTS_KMS_CLOUD_HOSTILE_HOSTS_H_
