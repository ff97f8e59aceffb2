#include "kms/kmip/fake/kmip_answers.h"

#include <stdexcept>

#include "kmip/ttlv.h"

namespace fle::kms::test {
namespace {

using ttlv::Tag;
using ttlv::Type;
using ttlv::Writer;

template <class Write>
Buf written(Write write) {
  Buf out(8192);
  Writer w(out);
  write(w);
  if (!w.fits()) throw std::runtime_error("an answer is too long for this test");
  out.resize(w.size());
  return out;
}

Buf operator+(Buf a, const Buf& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A structure around items that are written already.
Buf wrapped(Tag tag, const Buf& content) {
  Buf header = written([&](Writer& w) { w.bytes(tag, content); });
  header.resize(ttlv::kHeaderLen);
  header[3] = static_cast<std::uint8_t>(Type::structure);
  return header + content;
}

Buf response(const Buf& batch_item) {
  const Buf version = written([](Writer& w) {
    w.integer(Tag::protocol_version_major, 1);
    w.integer(Tag::protocol_version_minor, 0);
  });
  constexpr auto kResponseHeader = static_cast<Tag>(0x42007A);
  const Buf header =
      wrapped(kResponseHeader, wrapped(Tag::protocol_version, version) +
                                   written([](Writer& w) { w.integer(Tag::batch_count, 1); }));
  return wrapped(Tag::response_message, header + wrapped(Tag::batch_item, batch_item));
}

}  // namespace

std::uint32_t operation_of(Bytes request) {
  const auto message = ttlv::need(request, Tag::request_message, Type::structure);
  if (!message) return 0;
  const auto item = ttlv::need(message->value, Tag::batch_item, Type::structure);
  if (!item) return 0;
  const auto operation = ttlv::need(item->value, Tag::operation, Type::enumeration);
  return operation ? operation->number() : 0;
}

Buf answer(std::uint32_t operation, const Buf& payload) {
  return response(written([&](Writer& w) {
                    w.enumeration(Tag::operation, operation);
                    w.enumeration(Tag::result_status, 0);
                  }) +
                  wrapped(Tag::response_payload, payload));
}

Buf failure(std::uint32_t operation, std::uint32_t reason, const std::string& message) {
  return response(written([&](Writer& w) {
    w.enumeration(Tag::operation, operation);
    w.enumeration(Tag::result_status, 1);
    w.enumeration(Tag::result_reason, reason);
    w.text(Tag::result_message, message);
  }));
}

Buf id_payload(const std::string& id) {
  return written([&](Writer& w) { w.text(Tag::unique_identifier, id); });
}

Buf secret_payload(const std::string& id, Bytes secret, std::uint32_t object_type) {
  return written([&](Writer& w) {
    w.enumeration(Tag::object_type, object_type);
    w.text(Tag::unique_identifier, id);
    w.structure(Tag::secret_data, [&] {
      w.enumeration(Tag::secret_data_type, 2);
      w.structure(Tag::key_block, [&] {
        w.enumeration(Tag::key_format_type, 2);
        w.structure(Tag::key_value, [&] { w.bytes(Tag::key_material, secret); });
      });
    });
  });
}

Buf state_payload(const std::string& id, std::uint32_t state) {
  return written([&](Writer& w) {
    w.text(Tag::unique_identifier, id);
    w.structure(Tag::attribute, [&] {
      w.text(Tag::attribute_name, "State");
      w.enumeration(Tag::attribute_value, state);
    });
  });
}

Buf data_payload(const std::string& id, Bytes data, Bytes iv) {
  return written([&](Writer& w) {
    w.text(Tag::unique_identifier, id);
    w.bytes(Tag::data, data);
    if (!iv.empty()) w.bytes(Tag::iv_counter_nonce, iv);
  });
}

}  // namespace fle::kms::test
