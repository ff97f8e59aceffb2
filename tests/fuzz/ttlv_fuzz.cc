// Answers of a KMIP server come from outside: reading them never crashes, whatever they are, and
// says no more than that they are wrong.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fle/secret.h"
#include "kmip/kmip_message.h"
#include "kmip/ttlv.h"

namespace {

using fle::Bytes;
using fle::Errc;
namespace kmip = fle::kms::kmip;
namespace ttlv = fle::kms::ttlv;

void require(bool condition) {
  if (!condition) std::abort();
}

/// What was taken is written again the same, but for what the padding holds.
void written_again(const ttlv::Item& item, Bytes taken) {
  using enum ttlv::Type;
  if (item.type != text && item.type != bytes && item.type != enumeration) return;
  std::vector<std::uint8_t> out(taken.size());
  ttlv::Writer w(out);
  const auto tag = static_cast<ttlv::Tag>(item.tag);
  if (item.type == text) w.text(tag, item.text());
  if (item.type == bytes) w.bytes(tag, item.value);
  if (item.type == enumeration) w.enumeration(tag, item.number());
  require(w.fits() && w.size() == taken.size());
  require(std::ranges::equal(Bytes(out).first(ttlv::kHeaderLen + item.value.size()),
                             taken.first(ttlv::kHeaderLen + item.value.size())));
}

void all_items(Bytes message) {
  std::vector<Bytes> levels{message};
  while (!levels.empty()) {
    Bytes rest = levels.back();
    levels.pop_back();
    while (!rest.empty()) {
      const Bytes before = rest;
      const auto item = ttlv::take(rest);
      if (!item) {
        require(item.error().code == Errc::kms_bad_answer);
        break;
      }
      require(rest.size() + ttlv::kHeaderLen <= before.size());
      written_again(*item, before.first(before.size() - rest.size()));
      if (item->type == ttlv::Type::structure) levels.push_back(item->value);
    }
  }
}

template <class T>
void plain_error(const fle::Outcome<T>& result) {
  if (result) return;
  const fle::Failure& f = result.error();
  require(f.code == Errc::kms_bad_answer || f.code == Errc::kms_refused ||
          f.code == Errc::key_unwrap_failed);
  require(f.message.size() < 512);
  require(std::ranges::all_of(f.message, [](char c) { return c < 0 || (c >= 0x20 && c < 0x7f); }));
}

void payload(Bytes bytes) {
  const auto id = kmip::key_id_in(bytes);
  plain_error(id);
  plain_error(kmip::secret_in(bytes, id ? *id : "1"));
  plain_error(kmip::data_in(bytes));
  plain_error(kmip::iv_in(bytes));
  plain_error(kmip::state_in(bytes));
  if (!id) return;
  const auto request = kmip::get_request(*id, fle::LockPolicy::best_effort);
  require(request.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes message(data, size);
  all_items(message);
  using enum kmip::Operation;
  for (const kmip::Operation op :
       {create, register_object, get, get_attributes, activate, encrypt, decrypt}) {
    const auto found = kmip::payload_of(message, op);
    plain_error(found);
    if (found) payload(*found);
  }
  payload(message);
  return 0;
}
