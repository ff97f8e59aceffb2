// The BSON corpus of the driver specifications (source/bson-corpus), in full: see "Testing" there.
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "bson/json/extended_json_support.h"
#include "support/spec_dir.h"

namespace fle::test {
namespace {

using bson::JsonForm;
using Json = rapidjson::Value;

Buf from_hex(std::string_view text) {
  Buf out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(&text[i], &text[i] + 2, byte, 16);
    if (error != std::errc() || end != &text[i] + 2) throw std::runtime_error("not hex");
    out.push_back(byte);
  }
  return out;
}

/// The same text without white space outside of strings, characters as themselves, and numbers in
/// one form: what a test of texts may not depend on.
class Normal {
 public:
  static std::string of(std::string_view json) {
    rapidjson::Document d;
    d.Parse<rapidjson::kParseFullPrecisionFlag>(json.data(), json.size());
    if (d.HasParseError()) throw std::runtime_error("not JSON: " + std::string(json));
    Normal n;
    n.add(d);
    return n.out_;
  }

 private:
  void add(const Json& v) {
    if (v.IsObject()) {
      out_ += '{';
      for (const auto& m : v.GetObject()) {
        add_text(m.name);
        out_ += ':';
        if (std::string_view(m.name.GetString()) == "$numberDouble") {
          add_number(m.value.GetString());
        } else {
          add(m.value);
        }
        out_ += ',';
      }
      out_ += '}';
    } else if (v.IsArray()) {
      out_ += '[';
      for (const auto& item : v.GetArray()) {
        add(item);
        out_ += ',';
      }
      out_ += ']';
    } else if (v.IsString()) {
      add_text(v);
    } else if (v.IsInt64()) {
      out_ += std::to_string(v.GetInt64());
    } else if (v.IsDouble()) {
      add_double(v.GetDouble());
    } else {
      out_ += v.IsNull() ? "null" : v.GetBool() ? "true" : "false";
    }
  }
  void add_text(const Json& v) {
    out_ += '"' + std::string(v.GetString(), v.GetStringLength()) + '"';
  }
  void add_number(const std::string& text) {
    try {
      add_double(std::stod(text));
    } catch (const std::invalid_argument&) {
      out_ += text;
    }
  }
  void add_double(double d) {
    char text[64];
    out_ += "double ";
    out_.append(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%a", d)));
  }
  std::string out_;
};

struct File {
  std::string name;
  rapidjson::Document json;
};

class BsonCorpus : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto spec = spec_dir();
    const auto dir = spec ? *spec / "bson-corpus" : std::filesystem::path();
    if (!spec || !std::filesystem::is_directory(dir))
      GTEST_SKIP() << "no BSON corpus: set FLE_SPEC_DIR to a folder that has bson-corpus/";
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      File& f = files_.emplace_back();
      f.name = entry.path().filename().string();
      f.json.Parse(text.data(), text.size());
      ASSERT_FALSE(f.json.HasParseError()) << f.name;
    }
  }
  /// Runs `one` on each case of one kind, and says how many there were.
  template <class One>
  std::size_t each(const char* kind, One one) const {
    std::size_t n = 0;
    for (const File& f : files_) {
      if (!f.json.HasMember(kind)) continue;
      for (const Json& c : f.json[kind].GetArray()) {
        SCOPED_TRACE(f.name + ": " + c["description"].GetString());
        one(f, c);
        ++n;
      }
    }
    return n;
  }
  std::vector<File> files_;
};

std::string text_of(const Json& c, const char* name) {
  return {c[name].GetString(), c[name].GetStringLength()};
}

void expect_text(const Outcome<std::string>& got, const std::string& expected) {
  if (!got) {
    ADD_FAILURE() << got.error().to_string();
  } else {
    EXPECT_EQ(Normal::of(*got), Normal::of(expected));
  }
}

void expect_bson(const Outcome<Buf>& got, const Buf& expected) {
  if (!got) {
    ADD_FAILURE() << got.error().to_string();
  } else {
    EXPECT_EQ(hex(*got), hex(expected));
  }
}

TEST_F(BsonCorpus, ValidDocumentsGoBothWaysInEveryForm) {
  const std::size_t n = each("valid", [](const File&, const Json& c) {
    const Buf canonical = from_hex(text_of(c, "canonical_bson"));
    const std::string text = text_of(c, "canonical_extjson");
    const bool lossy = c.HasMember("lossy") && c["lossy"].GetBool();
    expect_text(write(canonical), text);
    if (!lossy) expect_bson(read(text), canonical);
    if (c.HasMember("degenerate_bson"))
      expect_text(write(from_hex(text_of(c, "degenerate_bson"))), text);
    if (c.HasMember("degenerate_extjson") && !lossy)
      expect_bson(read(text_of(c, "degenerate_extjson")), canonical);
    if (!c.HasMember("relaxed_extjson")) return;
    const std::string relaxed = text_of(c, "relaxed_extjson");
    expect_text(write(canonical, JsonForm::relaxed), relaxed);
    const auto back = read(relaxed);
    ASSERT_TRUE(back.has_value()) << back.error().to_string();
    expect_text(write(*back, JsonForm::relaxed), relaxed);
  });
  EXPECT_GT(n, 700U);
}

TEST_F(BsonCorpus, WhatIsNotExtendedJsonIsRefused) {
  const std::size_t n = each("parseErrors", [](const File& f, const Json& c) {
    const std::string string = text_of(c, "string");
    // The decimals stand alone.
    const bool decimal = f.name.starts_with("decimal128");
    const auto got = read(decimal ? "{\"d\": {\"$numberDecimal\": \"" + string + "\"}}" : string);
    ASSERT_FALSE(got.has_value()) << string << " became " << hex(*got);
    EXPECT_EQ(got.error().code, Errc::json_invalid);
    EXPECT_EQ(got.error().line, 1U);
    EXPECT_GT(got.error().column, 0U);
    EXPECT_TRUE(!decimal || got.error().path == "d") << got.error().to_string();
  });
  EXPECT_GT(n, 150U);
}

TEST_F(BsonCorpus, MalformedDocumentsAreNotWritten) {
  const std::size_t n = each("decodeErrors", [](const File&, const Json& c) {
    const auto got = write(from_hex(text_of(c, "bson")));
    EXPECT_FALSE(got.has_value()) << *got;
  });
  EXPECT_GT(n, 50U);
}

}  // namespace
}  // namespace fle::test
