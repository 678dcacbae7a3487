#include <fstream>

#include <gmock/gmock.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "formats/format_testing.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// ModelDescriptor is the message of M1, the rest shows every kind of field.
constexpr char kProto[] = R"(
syntax = "proto3";
package test;
message ModelDescriptor {
  string name = 1;
  string description = 2;
  string dataType = 3;
  enum ModelType { TENSORFLOW = 0; TENSORFLOWSAVED = 1; PMML = 2; }
  ModelType modeltype = 4;
  oneof MessageContent { bytes data = 5; string location = 6; }
}
message Inner { int32 x = 1; repeated string tags = 2; }
message All {
  bool a = 1; int32 b = 2; int64 c = 3; uint32 d = 4; uint64 e = 5; sint32 f = 6; sint64 g = 7;
  fixed32 h = 8; fixed64 i = 9; sfixed32 j = 10; sfixed64 k = 11; float l = 12; double m = 13;
  string n = 14; bytes o = 15; Inner p = 16; repeated int32 q = 17; repeated Inner r = 18;
  map<string, int64> s = 19; optional int32 t = 20; repeated sint64 u = 1000 [packed = false];
}
)";

class ProtobufTest : public testing::Test {
 protected:
  ProtobufTest() {
    path_ = testing::TempDir() + "/millrace_protobuf_test.proto";
    std::ofstream(path_) << kProto;
    tree_.MapPath("", testing::TempDir());
    importer_.Import("millrace_protobuf_test.proto");
  }

  OptionMap With(const std::string& message, OptionMap options = {}) const {
    options.insert({{"schema", path_}, {"message", message}});
    return options;
  }
  /// The bytes that the protobuf library writes for a message in text form.
  std::string Bytes(const std::string& message, const std::string& text) {
    const auto* const descriptor = importer_.pool()->FindMessageTypeByName(message);
    const std::unique_ptr<google::protobuf::Message> filled(
        factory_.GetPrototype(descriptor)->New());
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, filled.get()));
    return filled->SerializeAsString();
  }
  Result<Decoded> Decode(const Schema& schema, const OptionMap& options,
                         const std::vector<std::string>& messages,
                         std::vector<int> projection = {}) {
    ARROW_ASSIGN_OR_RAISE(auto decoder, DecoderOf("protobuf", schema, options, projection));
    std::vector<std::string_view> views(messages.begin(), messages.end());
    std::vector<int64_t> positions;
    for (size_t i = 0; i < messages.size(); ++i) positions.push_back(static_cast<int64_t>(i) + 10);
    ARROW_ASSIGN_OR_RAISE(auto decoded, decoder->DecodeMessages(views, positions, "t/0"));
    ARROW_RETURN_NOT_OK(decoded.rows->ValidateFull());
    return decoded;
  }
  static std::vector<std::string> Shown(const arrow::RecordBatch& rows) {
    std::vector<std::string> lines;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      std::string& line = lines.emplace_back();
      for (int i = 0; i < rows.num_columns(); ++i) {
        line += (i == 0 ? "" : "|") + (*rows.column(i)->GetScalar(row))->ToString();
      }
    }
    return lines;
  }

  std::string path_;
  google::protobuf::compiler::DiskSourceTree tree_;
  google::protobuf::compiler::Importer importer_{&tree_, nullptr};
  google::protobuf::DynamicMessageFactory factory_;
};

Schema AllColumns() {
  const SqlType inner =
      SqlType::Row({{"x", SqlType::Int(), {}}, {"tags", SqlType::Array(SqlType::String()), {}}});
  return Schema({{"a", SqlType::Boolean(), {}},
                 {"b", SqlType::Int(), {}},
                 {"c", SqlType::BigInt(), {}},
                 {"d", SqlType::BigInt(), {}},
                 {"e", SqlType::BigInt(), {}},
                 {"f", SqlType::Int(), {}},
                 {"g", SqlType::BigInt(), {}},
                 {"h", SqlType::BigInt(), {}},
                 {"i", SqlType::BigInt(), {}},
                 {"j", SqlType::Int(), {}},
                 {"k", SqlType::BigInt(), {}},
                 {"l", SqlType::Float(), {}},
                 {"m", SqlType::Double(), {}},
                 {"n", SqlType::String(), {}},
                 {"o", SqlType::Bytes(), {}},
                 {"p", inner, {}},
                 {"q", SqlType::Array(SqlType::Int()), {}},
                 {"r", SqlType::Array(inner), {}},
                 {"s", SqlType::Map(SqlType::String(), SqlType::BigInt()), {}},
                 {"t", SqlType::Int(), {}},
                 {"u", SqlType::Array(SqlType::BigInt()), {}}});
}

// M1
TEST_F(ProtobufTest, ReadsModelDescriptors) {
  const Schema columns({{"dataType", SqlType::String(), {}},
                        {"modeltype", SqlType::String(), {}},
                        {"data", SqlType::Bytes(), {}},
                        {"location", SqlType::String(), {}}});
  const auto decoded =
      Decode(columns, With("test.ModelDescriptor"),
             {Bytes("test.ModelDescriptor", "name: 'w' dataType: 'wine' modeltype: PMML data: 'x'"),
              Bytes("test.ModelDescriptor", "location: 'file:///m'"),
              std::string("\x20\x63")});  // modeltype 99
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(Shown(*decoded->rows),
              ElementsAre("wine|PMML|x|null", "|TENSORFLOW|null|file:///m", "|99|null|null"));
}

TEST_F(ProtobufTest, ReadsAndWritesEveryKindOfField) {
  const std::vector<std::string> texts = {
      "a: true b: -1 c: -2 d: 4294967295 e: 5 f: -6 g: -7 h: 8 i: 9 j: -10 k: -11 l: 1.5 m: -2.5 "
      "n: 'text' o: '\\x00\\xff' p { x: 1 tags: 'a' tags: 'b' } q: 1 q: -2 r { x: 2 } r { tags: "
      "'c' } s { key: 'k' value: 3 } t: 0 u: -1 u: 2",
      ""};
  std::vector<std::string> messages;
  for (const auto& text : texts) messages.push_back(Bytes("test.All", text));
  const auto decoded = Decode(AllColumns(), With("test.All"), messages);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const auto& rows = *decoded->rows;
  ASSERT_EQ(rows.num_rows(), 2);
  const auto shown = [&](const std::string& column, int64_t row) {
    return (*rows.GetColumnByName(column)->GetScalar(row))->ToString();
  };
  EXPECT_EQ(shown("d", 0), "4294967295");
  EXPECT_EQ(shown("f", 0), "-6");
  EXPECT_EQ(shown("b", 1), "0");
  EXPECT_EQ(shown("n", 1), "");
  EXPECT_EQ(shown("p", 1), "null");
  EXPECT_EQ(shown("t", 0), "0");
  EXPECT_EQ(shown("t", 1), "null");

  const auto& spec = FormatNamed("protobuf");
  auto encoder =
      spec.make_encoder(AllColumns(), *Options::Make("protobuf", spec.options, With("test.All")));
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  std::vector<std::string> written;
  ASSERT_TRUE((*encoder)->EncodeMessages(rows, &written).ok());
  EXPECT_EQ(written, messages);
}

TEST_F(ProtobufTest, TheLastValueCountsAndMessagesAreMerged) {
  const Schema columns(
      {{"b", SqlType::Int(), {}},
       {"p",
        SqlType::Row({{"x", SqlType::Int(), {}}, {"tags", SqlType::Array(SqlType::String()), {}}}),
        {}},
       {"q", SqlType::Array(SqlType::Int()), {}}});
  const std::string message = Bytes("test.All", "b: 1 p { x: 1 tags: 'a' } q: 1") +
                              Bytes("test.All", "b: 2 p { tags: 'b' } q: 2 d: 9");
  const auto decoded = Decode(columns, With("test.All"), {message});
  const auto expected =
      Decode(columns, With("test.All"),
             {Bytes("test.All", "b: 2 p { x: 1 tags: 'a' tags: 'b' } q: 1 q: 2")});
  EXPECT_TRUE(decoded->rows->Equals(*expected->rows));
}

TEST_F(ProtobufTest, RejectsDamageAndGoesOn) {
  const Schema columns(
      {{"n", SqlType::String(), {}}, {"p", SqlType::Row({{"x", SqlType::Int(), {}}}), {}}});
  const std::vector<std::string> messages = {
      "\x72\x05"
      "ab",
      "\x72\x01\xFF", std::string("\x82\x01\x01\x08"), Bytes("test.All", "n: 'good'")};
  const auto decoded = Decode(columns, With("test.All"), messages);
  ASSERT_EQ(decoded->rejected.size(), 3u);
  EXPECT_THAT(decoded->rejected[0].reason, HasSubstr("ends within a value"));
  EXPECT_THAT(decoded->rejected[1].reason, HasSubstr("`n`: the text is not UTF-8"));
  EXPECT_EQ(decoded->rejected[2].position, 12);
  EXPECT_THAT(Shown(*decoded->rows), ElementsAre("good|null"));
  EXPECT_THAT(decoded->line_of_row, ElementsAre(3));
  const auto ignored =
      Decode(columns, With("test.All", {{"ignore-parse-errors", "true"}}), messages);
  EXPECT_EQ(ignored->ignored, 3);
  EXPECT_TRUE(ignored->rejected.empty());
}

TEST_F(ProtobufTest, DefaultsInPlaceOfNulls) {
  const Schema columns({{"t", SqlType::Int(), {}}});
  const auto decoded =
      Decode(columns, With("test.All", {{"read-default-values", "true"}}), {std::string()});
  EXPECT_THAT(Shown(*decoded->rows), ElementsAre("0"));
}

TEST_F(ProtobufTest, SaysWhatDoesNotFit) {
  const std::vector<std::pair<Schema, std::string>> cases = {
      {Schema({{"nn", SqlType::String(), {}}}), "has no field 'nn'"},
      {Schema({{"b", SqlType::String(), {}}}), "declare it as INT"},
      {Schema({{"q", SqlType::Int(), {}}}), "declare it as ARRAY<INT>"},
      {Schema({{"p", SqlType::Row({{"y", SqlType::Int(), {}}}), {}}}), "'test.Inner' has no field"},
  };
  for (const auto& [columns, message] : cases) {
    EXPECT_THAT(Describe(Decode(columns, With("test.All"), {}).status()), HasSubstr(message));
  }
  EXPECT_THAT(Describe(Decode(Schema(), With("test.Al"), {}).status()),
              HasSubstr("did you mean 'test.All'"));
  EXPECT_FALSE(Decode(Schema(), {{"schema", "/nowhere.proto"}, {"message", "m"}}, {}).ok());
}

}  // namespace
}  // namespace millrace
