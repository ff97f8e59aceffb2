#include "query/results/node_side.h"

#include <stdexcept>

#include "kms/kmip/child_process.h"

namespace fle::test::results {
namespace {

using leak::Type;
using leak::Value;

Value binary(const leak::Buf& content) {
  Value v{Type::bin_data};
  for (unsigned shift = 0; shift < 32; shift += 8)
    v.bytes.push_back(static_cast<std::uint8_t>(content.size() >> shift));
  v.bytes.push_back(0);
  v.bytes.insert(v.bytes.end(), content.begin(), content.end());
  return v;
}

Value all_documents(const std::vector<Documents>& all, leak::Buf Twice::*which) {
  Value out = leak::object();
  for (const Documents& d : all) {
    Value& list = out.add(d.collection, leak::array());
    for (const Twice& document : d.documents) list.push(binary(document.*which));
  }
  return out;
}

Value all_methods(const std::vector<Documents>& all) {
  Value out = leak::object();
  for (const Documents& d : all) out.add(d.collection, binary(leak::write(d.methods)));
  return out;
}

std::uint32_t number_of(Bytes b) {
  return static_cast<std::uint32_t>(b[0] | b[1] << 8 | b[2] << 16) |
         static_cast<std::uint32_t>(b[3]) << 24;
}
std::size_t number_of(const Value& result, std::string_view name) {
  const Value* v = result.find(name);
  if (v == nullptr || v->type != Type::int_) throw std::runtime_error("what does Node say?");
  return number_of(v->bytes);
}

Judgment judgment_of(const Value& result) {
  const Value* text = result.find("text");
  return {static_cast<Judgment::Verdict>(number_of(result, "verdict")), number_of(result, "n"),
          number_of(result, "tokens"), text == nullptr ? std::string() : std::string(text->text())};
}

}  // namespace

struct NodeSide::Process : kms::test::ChildProcess {
  using ChildProcess::ChildProcess;
};

bool NodeSide::is_available() { return FLE_RESULTS_ORACLE_READY != 0; }

NodeSide::NodeSide()
    : process_(new Process({FLE_NODE, "--max-semi-space-size=64", FLE_RESULTS_ORACLE})) {}
NodeSide::~NodeSide() = default;

/// What Node says when it cannot go on is text.
std::string NodeSide::rest_of(const leak::Buf& reply) {
  std::string text(reply.begin(), reply.end());
  try {
    for (;;) text += process_->read_line() + "\n";
  } catch (const std::runtime_error&) {  // It has ended.
  }
  return text;
}

std::vector<Judgment> NodeSide::judge(const std::vector<Documents>& documents,
                                      const std::vector<Twice>& commands, bool show) {
  Value cases = leak::array();
  for (const Twice& c : commands)
    cases.push(leak::object({{"plain", binary(c.plain)}, {"marked", binary(c.marked)}}));
  process_->write(leak::write(leak::object({{"plain", all_documents(documents, &Twice::plain)},
                                            {"marked", all_documents(documents, &Twice::marked)},
                                            {"methods", all_methods(documents)},
                                            {"cases", std::move(cases)},
                                            {"show", leak::boolean(show)}})));
  leak::Buf reply(4);
  process_->read(reply);
  const std::uint32_t size = number_of(reply);
  if (size < 5 || size > 1U << 30) throw std::runtime_error("Node says: " + rest_of(reply));
  reply.resize(size);
  process_->read(MutBytes(reply).subspan(4));
  const std::optional<Value> answer = leak::parse(reply);
  const Value* results = answer ? answer->find("results") : nullptr;
  if (results == nullptr || results->fields.size() != commands.size())
    throw std::runtime_error("Node has not judged every command");
  std::vector<Judgment> out;
  for (const leak::Field& f : results->fields) out.push_back(judgment_of(f.value));
  return out;
}

}  // namespace fle::test::results
