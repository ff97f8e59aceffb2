// Archives of mongodump, built from their description by builders.cc.
#include <thread>

#include <gtest/gtest.h>

#include "builders.h"
#include "bytes/shared_crc64.h"

namespace fle::test {
namespace {

using tools::Format;
using tools::Kind;
using Strings = std::vector<std::string>;

std::string doc(int i) { return bson_text("{\"_id\": " + std::to_string(i) + "}"); }

/// Two collections whose blocks alternate, a view, and a time series under its other name.
ArchiveBuilder interleaved() {
  ArchiveBuilder a;
  a.announce("clinic", "patients")
      .announce("clinic", "visits")
      .announce("clinic", "adults", R"({"options":{"viewOn":"patients"}})", "view")
      .announce("clinic", "weather", R"({"options":{"timeseries":{}}})", "timeseries")
      .announce("shop", "orders");
  a.block("clinic", "patients", {doc(1), doc(2)})
      .block("clinic", "visits", {doc(10)})
      .block("clinic", "patients", {doc(3)})
      .block("clinic", "system.buckets.weather", {doc(20)})
      .end("clinic", "patients")
      .block("clinic", "visits", {doc(11), doc(12)})
      .end("clinic", "system.buckets.weather")
      .end("clinic", "visits")
      .end("shop", "orders");
  return a;
}

TEST(Archives, TheChecksumIsThatOfMongodump) {
  tools::Crc64 crc;
  const std::string digits = "123456789";
  crc.add({reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size()});
  EXPECT_EQ(crc.value(), 0x995dc9bbdf1939faU);
  EXPECT_EQ(checksum_of(digits), 0x995dc9bbdf1939faU) << "and that of these tests";
  // Of any length, in one piece and in two; long ones take other instructions.
  std::string bytes;
  for (std::uint32_t x = 1; bytes.size() < 1500; x = x * 1664525 + 1013904223)
    bytes += static_cast<char>(x >> 24);
  for (std::size_t n = 0; n < bytes.size(); n += n < 300 ? 1 : 31) {
    const Bytes all(reinterpret_cast<const std::uint8_t*>(bytes.data()), n);
    tools::Crc64 whole;
    whole.add(all);
    tools::Crc64 parts;
    parts.add(all.first(n / 3));
    parts.add(all.subspan(n / 3));
    EXPECT_EQ(whole.value(), checksum_of(bytes.substr(0, n))) << n;
    EXPECT_EQ(parts.value(), whole.value()) << n;
    tools::Crc64 joined;
    joined.add(all.first(n / 3));
    joined.add(tools::Crc64::part_of(all.subspan(n / 3)));
    EXPECT_EQ(joined.value(), whole.value()) << n;
    for (const tools::Crc64::Way& way : tools::Crc64::ways()) {
      if (!way.runs_here || n < way.least) continue;
      EXPECT_EQ(~way.add(~std::uint64_t{0}, all), whole.value()) << n << " from " << way.least;
    }
  }
}

TEST(Archives, TheChecksumIsTheSameInWhicheverOrderThreadsAddParts) {
  const std::string text = doc(1) + doc(2) + doc(3);
  const Bytes all(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  tools::SharedCrc64 sum;
  const std::uint64_t first = sum.announce();
  const std::uint64_t second = sum.announce();
  const std::uint64_t third = sum.announce();
  std::thread other([&] {
    sum.add(third, all.subspan(30));
    sum.add(first, all.first(10));
    sum.add(second, all.subspan(10, 20));
  });
  EXPECT_EQ(sum.value(), checksum_of(text)) << "waits for all of them";
  other.join();
  sum.add(sum.announce(), all);
  EXPECT_EQ(sum.value(), checksum_of(text + text));
}

TEST(Archives, GiveEachDocumentWithItsCollectionAndKeepWhatStandsBetween) {
  const std::string archive = interleaved().bytes();
  const Strings expected{"clinic.patients " + doc(1),
                         "clinic.patients " + doc(2),
                         "clinic.visits " + doc(10),
                         "clinic.patients " + doc(3),
                         "clinic.system.buckets.weather " + doc(20),
                         "clinic.visits " + doc(11),
                         "clinic.visits " + doc(12)};
  for (const std::size_t step : {1UL, 2UL, 3UL, 5UL, 1UL << 16}) {
    for (const std::size_t target : {1UL, 600UL, 1UL << 16}) {
      const Cut got = cut(archive, Format::automatic, step, target);
      EXPECT_EQ(got.failure, "") << step;
      EXPECT_EQ(got.form.kind, Kind::archive);
      EXPECT_EQ(got.documents, expected) << step;
      EXPECT_EQ(got.all, archive) << step << ": byte for byte";
    }
  }
}

TEST(Archives, AnnounceTheCollectionsThatHaveDocuments) {
  auto recognized = tools::recognize(std::make_unique<Text>(interleaved().bytes(), 1 << 16),
                                     Format::automatic, 1 << 24);
  ASSERT_TRUE(recognized.has_value());
  Strings names;
  for (const auto& c : recognized->cutter->announced()) names.push_back(c->ns);
  EXPECT_EQ(names, (Strings{"clinic.patients", "clinic.visits", "shop.orders"}));
}

TEST(Archives, MayBeEmptyAndOfOldTools) {
  EXPECT_EQ(cut(ArchiveBuilder().bytes()).failure, "");
  EXPECT_EQ(cut(ArchiveBuilder().announce("a", "b").end("a", "b").bytes()).failure, "");
  // No type: what it is is known by its options.
  const Cut view =
      cut(ArchiveBuilder().announce("a", "b", R"({"options":{"viewOn":"c"}})", "").bytes());
  EXPECT_EQ(view.failure, "");
}

TEST(Archives, CutAtAnyByteAreRefused) {
  const std::string archive = interleaved().bytes();
  const Cut whole = cut(archive);
  for (std::size_t n = 4; n < archive.size(); ++n) {
    const Cut got = cut(archive.substr(0, n), Format::automatic, 64);
    EXPECT_NE(got.failure.find("truncated_stream: the archive is cut short"), std::string::npos)
        << n << ": " << got.failure;
    ASSERT_LE(got.documents.size(), whole.documents.size());
    for (std::size_t i = 0; i < got.documents.size(); ++i)
      EXPECT_EQ(got.documents[i], whole.documents[i]) << n;
  }
}

TEST(Archives, AWrongChecksumNamesTheCollection) {
  ArchiveBuilder a;
  a.announce("clinic", "patients").block("clinic", "patients", {doc(1), doc(2)});
  a.end("clinic", "patients", 1);
  const Cut got = cut(a.bytes());
  EXPECT_EQ(got.documents.size(), 2U);
  EXPECT_EQ(got.failure,
            "document 3: malformed_bson: the archive is damaged: its documents are not those that "
            "were dumped: their checksum is wrong (in clinic.patients)");
  // A bit of a document changes as well.
  std::string changed = interleaved().bytes();
  const std::size_t at = changed.find(doc(2)) + 9;
  changed[at] = static_cast<char>(changed[at] ^ 1);
  EXPECT_NE(cut(changed).failure.find("(in clinic.patients)"), std::string::npos);
}

TEST(Archives, DocumentsAreNumberedInTheirCollection) {
  std::string archive = interleaved().bytes();
  // The length of the second document of visits, in the last block.
  const std::size_t at = archive.find(doc(11));
  archive.replace(at, 4, "\1\0\0\0", 4);
  const std::string failure = cut(archive).failure;
  EXPECT_EQ(failure.find("document 2: malformed_bson: the archive is damaged: neither a document"),
            0U)
      << failure;
  EXPECT_NE(failure.find("(in clinic.visits)"), std::string::npos) << failure;
}

TEST(Archives, BlocksThatDoNotFitAreRefused) {
  const std::string end = "\xff\xff\xff\xff";
  const std::string start = ArchiveBuilder().bytes();
  const struct {
    std::string blocks;
    const char* what;
  } cases[] = {
      {end, "a block has no header"},
      {bson_text("{}") + end, "the header of a block names no collection"},
      {bson_text(R"({"db": "a", "collection": 5})") + end, "names no collection"},
      {header_text("a", "b", true, 0) + end + header_text("a", "b", false, 0) + doc(1) + end,
       "a block follows after the end of its collection"},
      {header_text("a", "b", true, 0) + doc(1) + end,
       "documents follow after the end of their collection"},
      {header_text("a", std::string(2000, 'b'), false, 0) + end,
       "the name of a collection is too long"},
      {std::string("\xff\xff\xff\x7f", 4), "neither a document nor a block's end"},
  };
  for (const auto& c : cases) {
    const Cut got = cut(start + c.blocks);
    EXPECT_NE(got.failure.find(c.what), std::string::npos) << c.what << ": " << got.failure;
  }
  EXPECT_NE(cut("\x6d\xe2\x99\x81" + end).failure.find("it has no header"), std::string::npos);
}

#if FLE_WITH_ZLIB
TEST(Archives, MayBeCompressed) {
  const std::string archive = interleaved().bytes();
  const Cut got = cut(gzip_text(archive));
  EXPECT_EQ(got.failure, "");
  EXPECT_TRUE(got.form.gzip);
  EXPECT_EQ(got.form.kind, Kind::archive);
  EXPECT_EQ(got.all, archive);
}
#endif

TEST(Archive, BlocksWithoutDocumentsTakeNoMoreThanSoMuchMemory) {
  const std::string block = header_text("clinic", "patients", false, 0) + "\xff\xff\xff\xff";
  const auto with = [&](std::size_t blocks) {
    std::string bytes = ArchiveBuilder().announce("clinic", "patients").bytes();
    for (std::size_t i = 0; i < blocks; ++i) bytes += block;
    return bytes + header_text("clinic", "patients", true, 0) + "\xff\xff\xff\xff";
  };
  EXPECT_EQ(cut(with(1000), Format::automatic, 1UL << 16).failure, "");
  const Cut many = cut(with((16UL << 20) / block.size() + 1), Format::automatic, 1UL << 16);
  EXPECT_NE(many.failure.find("too many blocks without documents"), std::string::npos)
      << many.failure;
}

}  // namespace
}  // namespace fle::test
