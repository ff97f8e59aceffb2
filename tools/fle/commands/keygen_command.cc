#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "fle/random.h"

namespace fle::tools {

void add_keygen(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "keygen", "Make a local master key: 96 random bytes in a new file of mode 0600");
  auto out = std::make_shared<std::string>();
  cmd->add_option("--out", *out, "The new file; never overwritten")->required()->type_name("FILE");
  cmd->footer(
      "Example: fle keygen --out master.key\nLose this file and everything encrypted under it is "
      "lost.");
  cmd->callback([out, &chosen] {
    chosen = [out]() -> Done {
      FLE_TRY(SecretBytes key, SecretBytes::create(DataKey::kLen, LockPolicy::best_effort));
      FLE_CHECK(random_key_material(key.expose_mut()));
      return create_secret_file(*out, key.expose());
    };
  });
}

}  // namespace fle::tools
