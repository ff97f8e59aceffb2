// --part: many runs share a file.
#include <filesystem>
#include <utility>

#include <gtest/gtest.h>

#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

struct Parts : ::testing::Test {
  Parts() {
    std::string input;
    for (int i = 0; i < 1500; ++i)
      input += bson_text(i % 100 == 7
                             ? R"({"ssn": "wrong"})"
                             : "{\"ssn\": " + std::to_string(1000 + i) + ", \"n\": \"canary\"}");
    folder.write("in.bson", input);
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

TEST_F(Parts, InOrderAreTheWhole) {
  const auto part = [&](const std::string& k_of_n, const std::string& in, const std::string& format,
                        std::vector<std::string> more = {}) {
    std::vector<std::string> all{"encrypt",  "--schema", "schema.json", "--in", in,
                                 "--format", format,     "--on-error",  "skip", "--json"};
    if (!k_of_n.empty()) all.insert(all.end(), {"--part", k_of_n});
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), keys.begin(), keys.end());
    return run_fle(folder.path(), all);
  };
  std::string lines = "\xef\xbb\xbf";
  for (int i = 0; i < 200; ++i)
    lines += "{\"ssn\": " + std::to_string(i) + ", \"t\": \"" +
             std::string(static_cast<std::size_t>(i % 60), 't') + "\"}" +
             (i % 7 == 0    ? "\r\n"
              : i % 11 == 0 ? "\n\n"
                            : "\n");
  folder.write("in.json", lines);
  // Values that look like documents, longer than a part, or as many as there are parts.
  std::string odd;
  for (int i = 0; i < 40; ++i)
    odd += bson_text("{\"ssn\": " + std::to_string(i) +
                     ", \"b\": {\"$binary\": {\"base64\": "
                     "\"BQAAAAAFAAAAAAUAAAAABQAAAAAFAAAAAAUAAAAABQAAAAA=\", \"subType\": \"00\"}}" +
                     (i == 11 ? ", \"x\": \"" + std::string(60000, 'x') + "\"" : "") + "}");
  folder.write("odd.bson", odd);
  struct Case {
    const char* in;
    const char* format;
    std::vector<int> parts;
  };
  for (const auto& [in, format, parts] : {Case{"in.bson", "bson", {1, 5}},
                                          {"in.json", "json", {2, 7}},
                                          {"odd.bson", "bson", {2, 13}}}) {
    const std::string whole = part("", in, format).out;
    ASSERT_FALSE(whole.empty());
    for (const int n : parts) {
      std::string all;
      for (int k = 1; k <= n; ++k) {
        const Ended e = part(std::to_string(k) + "/" + std::to_string(n), in, format);
        EXPECT_NE(e.status, 2) << e.err;
        all += e.out;
      }
      EXPECT_TRUE(all == whole) << in << " in " << n;
    }
  }
  // Documents are counted from the start of the file, where that costs nothing.
  const Ended last = part("2/2", "in.bson", "bson");
  EXPECT_NE(last.err.find("fle: document 808: field 'ssn'"), std::string::npos) << last.err;
  EXPECT_NE(part("2/2", "in.json", "json").err.find("\"documents\": "), std::string::npos);
  for (const char* wrong : {"0/2", "3/2", "1", "1/0", "a/b", "01/2", "1/2x"})
    EXPECT_EQ(part(wrong, "in.bson", "bson").status, 2) << wrong;
  const Ended of_pipe = part("1/2", "-", "bson");
  EXPECT_EQ(of_pipe.status, 2);
  EXPECT_NE(of_pipe.err.find("--part needs --in FILE"), std::string::npos) << of_pipe.err;
  folder.write("cut.bson", odd.substr(0, odd.size() - 1));
  EXPECT_EQ(part("1/3", "cut.bson", "bson").status, 0);
  EXPECT_NE(part("3/3", "cut.bson", "bson").err.find("document 40: truncated_stream"),
            std::string::npos);
}

TEST_F(Parts, OfAFileThatBecomesShorterFail) {
  const std::string document =
      bson_text("{\"ssn\": 1, \"note\": \"" + std::string(60000, 'x') + "\"}");
  std::string input;
  for (int i = 0; i < 600; ++i) input += document;
  folder.write("long.bson", input);
  std::vector<std::string> all{"encrypt",   "--schema", "schema.json", "--in", "long.bson",
                               "--threads", "1",        "--part",      "1/2"};
  all.insert(all.end(), keys.begin(), keys.end());
  bool cut = false;  // as soon as the first result comes: the pipe holds up what follows
  const Ended e =
      run_fle(folder.path(), all,
              {[](int, pid_t) {},
               [&](const char*, std::size_t) {
                 if (!std::exchange(cut, true))
                   std::filesystem::resize_file(folder.path() / "long.bson", 250 * document.size());
                 return true;
               }});
  EXPECT_TRUE(cut);
  EXPECT_EQ(e.status, 1) << e.err;
  EXPECT_NE(e.err.find("io_failed: 'long.bson' has become shorter while it was read"),
            std::string::npos)
      << e.err;
}

}  // namespace
}  // namespace fle::test
