// A command line as the daemon reads it.
#include "daemon/options.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace fle::cryptd {
namespace {

Options parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "fle-cryptd");
  auto result = parse_options(static_cast<int>(arguments.size()), arguments.data());
  if (Options* const o = std::get_if<Options>(&result)) return *o;
  throw std::runtime_error("refused");
}

TEST(CryptdOptions, OfARepeatedOptionTheLastValueCounts) {
  const Options o = parsed({"--port",
                            "1",
                            "--port=2",
                            "--bind_ip",
                            "127.0.0.1",
                            "--bind_ip",
                            "::1,127.0.0.2",
                            "--unixSocketPrefix",
                            "/first",
                            "--unixSocketPrefix=/second",
                            "--idleShutdownTimeoutSecs=60",
                            "--idleShutdownTimeoutSecs",
                            "7",
                            "--pidfilepath",
                            "/first",
                            "--pidfilepath",
                            "/second",
                            "--logpath",
                            "/first",
                            "--logpath",
                            "/second",
                            "--workBudget",
                            "1",
                            "--workBudget",
                            "2"});
  EXPECT_EQ(o.port, 2);
  EXPECT_EQ(o.addresses, (std::vector<std::string>{"::1", "127.0.0.2"}));
  EXPECT_EQ(o.unix_socket_folder, "/second");
  EXPECT_EQ(o.idle_shutdown, std::chrono::seconds(7));
  EXPECT_EQ(o.pid_file, "/second");
  EXPECT_EQ(o.log_path, "/second");
  EXPECT_EQ(o.work_budget, 2U);
}

TEST(CryptdOptions, FlagsMayRepeatAndParametersAddUp) {
  const Options o =
      parsed({"--nounixsocket", "--nounixsocket", "--logappend", "--logappend", "--fork", "--fork",
              "--logpath", "/log", "--quiet", "--quiet", "-v", "--verbose", "--setParameter", "a=b",
              "--setParameter=c=d", "--setParameter", "a=b"});
  EXPECT_FALSE(o.unix_socket);
  EXPECT_TRUE(o.fork);
  EXPECT_TRUE(o.quiet);
  EXPECT_EQ(o.verbosity, 2);
  EXPECT_EQ(o.parameters, (std::vector<std::string>{"a", "c", "a"}));
}

TEST(CryptdOptions, TheSocketIsForItsUserAndPerhapsItsGroup) {
  EXPECT_EQ(parsed({}).unix_socket_mode, 0700U);
  EXPECT_EQ(parsed({"--filePermissions", "0770"}).unix_socket_mode, 0770U);
  EXPECT_EQ(parsed({"--filePermissions=760"}).unix_socket_mode, 0760U);
  for (const char* mode : {"0777", "0701", "0600", "0070", "1770", "0", "", "rwx", "0790", "-0700"})
    EXPECT_THROW(parsed({"--filePermissions", mode}), std::runtime_error) << mode;
}

TEST(CryptdOptions, NumbersAreDecimalAndWhole) {
  const Options o =
      parsed({"--port", "00010", "--workBudget", "0100", "--idleShutdownTimeoutSecs", "08"});
  EXPECT_EQ(o.port, 10);
  EXPECT_EQ(o.work_budget, 100U);
  EXPECT_EQ(o.idle_shutdown, std::chrono::seconds(8));
  EXPECT_EQ(parsed({"--workBudget", "18446744073709551615"}).work_budget, UINT64_MAX);
  for (const char* option : {"--port", "--workBudget", "--idleShutdownTimeoutSecs"})
    for (const char* value : {"-1", "+1", " 1", "1 ", "0x10", "1e3", "99999999999999999999999", ""})
      EXPECT_THROW(parsed({option, value}), std::runtime_error) << option << value;
  // Without a limit, to whoever reads it as strtoull(3) does.
  ::setenv("FLE_WORK_BUDGET", "-1", 1);
  EXPECT_THROW(parsed({}), std::runtime_error);
  ::unsetenv("FLE_WORK_BUDGET");
}

}  // namespace
}  // namespace fle::cryptd
