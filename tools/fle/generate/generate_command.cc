// fle generate: documents to try things out on, the same for the same seed.
#include "command_line/cli.h"
#include "command_line/files.h"
#include "options/stream_options.h"
#include "patients.h"
#include "streams/documents.h"
#include "terminal/progress.h"

namespace fle::tools {
namespace {

struct GenerateOptions {
  StreamOptions stream;
  std::uint64_t count = 0;
  std::uint64_t seed = 1;
};

Done generate(const GenerateOptions& o) {
  FLE_TRY(Output out, Output::open(o.stream.out, files::Privacy::ordinary));
  FLE_CHECK(check_terminal(out, o.stream.format == Format::json));
  Progress progress(0, o.stream.quiet || out.is_terminal());
  std::string line;
  for (std::uint64_t i = 0; i < o.count; ++i) {
    bson::Writer document(1024);
    add_patient(document, o.seed, i);
    const Bytes bytes = document.finish();
    if (o.stream.format != Format::json) {
      FLE_CHECK(out.write(bytes));
    } else {
      line.clear();
      FLE_CHECK(bson_to_json(bytes, !o.stream.relaxed, line));
      FLE_CHECK(out.write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()}));
    }
    progress.add(bytes.size(), 1);
  }
  return out.commit();
}

void add_generate_patients(CLI::App& generate_command, Action& chosen) {
  CLI::App* cmd = generate_command.add_subcommand(
      "patients", "Patients of MedcoMD: name, ssn, bloodType, medicalRecords, insurance");
  auto o = std::make_shared<GenerateOptions>();
  cmd->add_option("--count", o->count, "How many")
      ->required()
      ->transform(is_whole_number(0, kMostPatients))
      ->type_name("N");
  cmd->add_option("--seed", o->seed, "Another one makes other patients")
      ->transform(is_whole_number())
      ->type_name("S")
      ->capture_default_str();
  o->stream.add_format(*cmd);
  o->stream.add_result(*cmd);
  cmd->footer(
      "Nobody in it is real. Patient 7 of a seed is the same on every machine, whatever --count "
      "is.\n"
      "Example: fle generate patients --count 1000 --seed 1 --out patients.bson");
  choose(*cmd, chosen, o, generate);
}

}  // namespace

void add_generate(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand("generate", "Documents to try things out on");
  cmd->require_subcommand(1);
  add_generate_patients(*cmd, chosen);
}

}  // namespace fle::tools
