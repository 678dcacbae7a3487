#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/pmml/pmml_model.h"
#include "models/pmml/test_score.h"
#include "models/test_services.h"

namespace millrace::pmml {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kDictionary[] = R"(<DataDictionary>
<DataField name="x" optype="continuous" dataType="double"/>
<DataField name="free sulfur" optype="continuous" dataType="double"/>
<DataField name="color" optype="categorical" dataType="string"><Value value="red"/><Value value="blue"/></DataField>
<DataField name="grade" optype="categorical" dataType="string"><Value value="5"/><Value value="6"/></DataField>
<DataField name="when" optype="ordinal" dataType="date"/>
</DataDictionary>
)";
constexpr char kSchema[] =
    R"(<MiningSchema><MiningField name="x"/><MiningField name="free sulfur"/><MiningField name="color"/><MiningField name="when"/><MiningField name="grade" usageType="target"/></MiningSchema>)";

/// The dictionary ends in line 8; `model` begins in line 9.
std::string Document(const std::string& model) {
  return "<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\">\n" +
         std::string(kDictionary) + model + "</PMML>";
}

std::string Tree(const std::string& nodes, const std::string& attributes = "",
                 const std::string& function = "classification") {
  return Document("<TreeModel functionName=\"" + function + "\" " + attributes + ">" + kSchema +
                  nodes + "</TreeModel>");
}

std::string Line(const std::string& derived) {
  return Document("<RegressionModel functionName=\"regression\">" + std::string(kSchema) +
                  "<LocalTransformations><DerivedField name=\"d\" optype=\"continuous\" "
                  "dataType=\"double\">" +
                  derived +
                  "</DerivedField></LocalTransformations>\n<RegressionTable intercept=\"0\">"
                  "<NumericPredictor name=\"d\" coefficient=\"1\"/></RegressionTable>"
                  "</RegressionModel>");
}

Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(name, type);
  return schema;
}

std::vector<std::string> Score(const std::string& document, const std::string& rows,
                               millrace::Schema input, millrace::Schema output) {
  const auto program = Program::Compile(document, "test.pmml");
  if (!program.ok()) return {"failed: " + Describe(program.status())};
  const ModelConfig config{"m", "pmml", {}, std::move(input), std::move(output)};
  const auto model = MakePmmlModel(*program, config, "v");
  if (!model.ok()) return {"failed: " + Describe(model.status())};
  return Lines(Predict(*model, Rows(config.input, rows)));
}

const auto kInput = [] {
  return Columns({{"x", SqlType::Double()},
                  {"free_sulfur", SqlType::Double()},
                  {"color", SqlType::String()},
                  {"when", SqlType::String()}});
};

constexpr char kGrades[] = R"(<Node id="0" recordCount="100"><True/>
<ScoreDistribution value="5" recordCount="60"/><ScoreDistribution value="6" recordCount="40"/>
<Node id="1" score="5" recordCount="75"><SimplePredicate field="x" operator="lessThan" value="1"/>
<ScoreDistribution value="5" recordCount="50" confidence="0.5"/><ScoreDistribution value="6" recordCount="25" confidence="0.2"/></Node>
<Node id="2" score="6" recordCount="25"><SimplePredicate field="x" operator="greaterOrEqual" value="1"/>
<ScoreDistribution value="5" recordCount="10" confidence="0.25"/><ScoreDistribution value="6" recordCount="15" confidence="0.7"/></Node></Node>)";

TEST(PmmlTest, ColumnsMayBeWrittenPlainlyAndTextThatIsNumbersAsOne) {  // M1, T16
  EXPECT_THAT(Score(Tree(kGrades), R"([[0, 1, "red", null], [2, null, null, null]])", kInput(),
                    Columns({{"grade", SqlType::Double()}})),
              ElementsAre("5", "6"));
  // A column that the document does not name is left unread; numbers of other types fit.
  EXPECT_THAT(Score(Tree(kGrades), R"([["0.5", 3, 1, "red", null]])",
                    Columns({{"x", SqlType::String()},
                             {"other", SqlType::Int()},
                             {"free sulfur", SqlType::Int()},
                             {"color", SqlType::String()},
                             {"when", SqlType::String()}}),
                    Columns({{"grade", SqlType::String()}})),
              ElementsAre("5"));
  EXPECT_THAT(Score(Tree(kGrades), "[[1]]", Columns({{"x", SqlType::Double()}}),
                    Columns({{"grade", SqlType::String()}}))[0],
              HasSubstr("lacks the model's input 'free sulfur'"));
}

TEST(PmmlTest, MissingValuesSpreadOverAllChildren) {  // T16
  const std::string output =
      R"(<Output><OutputField name="p5" optype="continuous" dataType="double" feature="probability" value="5"/><OutputField name="sure" optype="continuous" dataType="double" feature="confidence"/></Output>)";
  const auto score = [&](const char* strategy) {
    std::string document = Tree(kGrades, std::string("missingValueStrategy=\"") + strategy + '"');
    document.insert(document.find("</MiningSchema>") + 15, output);
    return Score(document, "[[null, null, null, null]]", kInput(),
                 Columns({{"grade", SqlType::String()},
                          {"p5", SqlType::Double()},
                          {"sure", SqlType::Double()}}));
  };
  // 0.75 of 2/3 and 0.25 of 2/5.
  EXPECT_THAT(score("aggregateNodes"), ElementsAre(testing::StartsWith("5, 0.6, ")));
  // 0.75 of 0.5 and 0.25 of 0.25.
  EXPECT_THAT(score("weightedConfidence"), ElementsAre("5, 0.4375, 0.4375"));
}

TEST(PmmlTest, BadRowsDoNotTakeTheirBatchAlong) {  // T9
  EXPECT_THAT(
      Score(
          Line("<Apply function=\"stringLength\"><FieldRef field=\"color\"/></Apply>"),
          R"([[1, 1, "red", null], [1, 1, "pink", null], [1, 1, "blue", null], [1, 1, null, null]])",
          kInput(), Columns({{"grade", SqlType::Double()}})),
      ElementsAre("3", "null", "4", "null", "!1: the field 'color' has an invalid value: pink"));
  EXPECT_THAT(
      Score(Line("<Apply function=\"dateDaysSinceYear\"><FieldRef "
                 "field=\"when\"/><Constant>1970</Constant></Apply>"),
            R"([[1, 1, null, "1970-01-03"], [1, 1, null, "soon"]])", kInput(),
            Columns({{"grade", SqlType::Double()}})),
      ElementsAre("2", "null", "!1: the field 'when' has an invalid value that is no date"));
}

TEST(PmmlTest, FunctionsThatTheReferenceLacks) {
  EXPECT_THAT(Score(Line("<Apply function=\"median\"><FieldRef field=\"x\"/><FieldRef field=\"free "
                         "sulfur\"/><Constant>4</Constant></Apply>"),
                    "[[1, 9, null, null], [null, 5, null, null]]", kInput(),
                    Columns({{"grade", SqlType::Double()}})),
              ElementsAre("4", "4.5"));
  // Half of whether the term is there, and half of its count by that of the most frequent word.
  const auto row = [](const char* in, const char* out) {
    return std::string("<row><string>") + in + "</string><stem>" + out + "</stem></row>";
  };
  EXPECT_THAT(Score(Line("<TextIndex textField=\"color\" "
                         "localTermWeights=\"augmentedNormalizedTermFrequency\">"
                         "<TextIndexNormalization><InlineTable>" +
                         row("red", "ox cat ox dog ox ox") + row("blue", "cow") +
                         "</InlineTable></TextIndexNormalization><Constant>cat</Constant>"
                         "</TextIndex>"),
                    R"([[1, 1, "red", null], [1, 1, "blue", null]])", kInput(),
                    Columns({{"grade", SqlType::Double()}})),
              ElementsAre("0.625", "0"));
}

TEST(PmmlTest, AModelThatSelectsAllGivesAnArray) {  // T16
  const auto segment = [](const char* predicate, const char* score) {
    return std::string("<Segment>") + predicate + "<TreeModel functionName=\"classification\">" +
           kSchema + "<Node score=\"" + score +
           "\"><SimplePredicate field=\"free sulfur\" operator=\"lessThan\" value=\"9\"/></Node>"
           "</TreeModel></Segment>";
  };
  const std::string document = Document(
      "<MiningModel functionName=\"classification\">" + std::string(kSchema) +
      "<Output><OutputField name=\"all\" feature=\"predictedValue\" optype=\"categorical\" "
      "dataType=\"string\"/></Output><Segmentation multipleModelMethod=\"selectAll\">" +
      segment("<True/>", "5") +
      segment("<SimplePredicate field=\"x\" operator=\"lessThan\" value=\"1\"/>", "6") +
      segment("<SimplePredicate field=\"color\" operator=\"equal\" value=\"red\"/>", "5") +
      "</Segmentation></MiningModel>");
  const char* rows = R"([[0, 1, "red", null], [2, 1, "blue", null], [0, 10, "blue", null],
                         [0, 1, "pink", null]])";
  EXPECT_THAT(
      Score(document, rows, kInput(), Columns({{"grade", SqlType::Array(SqlType::String())}})),
      ElementsAre("list<item: string>[5, 6, 5]", "list<item: string>[5]",
                  "list<item: string>[null, null]", "null",
                  testing::StartsWith("!3: the field 'color'")));
  EXPECT_THAT(Score(document, "[[0, 1, \"red\", null]]", kInput(),
                    Columns({{"all", SqlType::Array(SqlType::String())}})),
              ElementsAre("list<item: string>[5, 6, 5]"));
  EXPECT_THAT(Score(document, rows, kInput(), Columns({{"grade", SqlType::String()}}))[0],
              HasSubstr("ARRAY"));
}

TEST(PmmlTest, TextThatPatternsCannotTakeIsTheRowsOwnError) {  // T9, T16
  const std::string index =
      "<TextIndex textField=\"color\"><TextIndexNormalization recursive=\"true\"><InlineTable>"
      "<row><string>b</string><stem>bb</stem></row></InlineTable></TextIndexNormalization>"
      "<Constant>red</Constant></TextIndex>";
  EXPECT_THAT(
      Score(Line(index), R"([[1, 1, "red", null], [1, 1, "blue", null]])", kInput(),
            Columns({{"grade", SqlType::Double()}})),
      ElementsAre("1", "null", "!1: a recursive <TextIndexNormalization> does not come to rest"));
}

TEST(PmmlTest, SeveralBlocksOfRows) {
  std::string rows = "[";
  for (int i = 0; i < 1000; ++i)
    rows += (i == 0 ? "[" : ",[") + std::to_string(i) +
            (i == 700 ? ",1,\"pink\",null]" : ",1,\"red\",null]");
  const auto lines = Score(Line("<Apply function=\"+\"><FieldRef field=\"x\"/><NormDiscrete "
                                "field=\"color\" value=\"red\"/></Apply>"),
                           rows + "]", kInput(), Columns({{"grade", SqlType::Double()}}));
  ASSERT_EQ(lines.size(), 1001u);
  EXPECT_EQ(lines[0], "1");
  EXPECT_EQ(lines[999], "1000");
  EXPECT_EQ(lines[700], "null");
  EXPECT_THAT(lines[1000], testing::StartsWith("!700: "));
}

TEST(PmmlTest, FaultsSayWhereAndWhatToDo) {
  struct Case {
    std::string document, message, hint;
    int line;
  };
  const std::string apply = "<Apply function=\"%\"><FieldRef field=\"x\"/></Apply>";
  const auto with = [&](const char* name) {
    std::string text = apply;
    return Line(text.replace(text.find('%'), 1, name));
  };
  const Case cases[] = {
      {"no model", "the model is not well-formed XML", "complete", 1},
      {"<a/>", "its root element is <a>", "PMML 3.0 to 4.4", 1},
      {"<PMML>\n<Header></PMML>", "not well-formed XML", "complete", 2},
      {"<PMML/>", "<PMML> lacks the element <DataDictionary>", "", 1},
      {Document(""), "<PMML> has no model of a kind that is known", "", 1},
      {Document("<TimeSeriesModel functionName=\"regression\"><MiningSchema/></TimeSeriesModel>"),
       "<TimeSeriesModel> uses a model of this kind, which is not supported", "TreeModel", 9},
      {Tree("", "", "timing"), "functionName=\"timing\"", "regression", 9},
      {Tree(""), "<TreeModel> lacks the element <Node>", "", 9},
      {Tree("\n<Node score=\"5\"/>"), "<Node> has no predicate", "<True/>", 10},
      {Tree("<Node><True/>\n<Node score=\"5\"><SimplePredicate field=\"colour\" operator=\"equal\" "
            "value=\"red\"/></Node></Node>"),
       "the field 'colour'", "'color'", 10},
      {Tree("<Node><SimplePredicate field=\"x\" operator=\"lessThan\" value=\"much\"/></Node>"),
       "the value 'much', which is no double", "", 9},
      {with("sqr"), "calls the function 'sqr'", "sqrt", 9},
      {with("hypot"), "gives 1 arguments to 'hypot'", "it takes 2", 9},
      {Line("<FieldRef field=\"d\"/>"), "the field 'd'", "", 9},
      {Line("<TextIndex textField=\"color\" wordSeparatorCharacterRE=\"[\"><Constant>red</Constant>"
            "</TextIndex>"),
       "<TextIndex> has '[', which is no regular expression", "", 9},
      {Line("<TextIndex textField=\"color\"/>"), "has no expression for the term", "", 9},
      {Line("<Lag field=\"x\"/>"), "<Lag> uses this expression", "NormContinuous", 9},
  };
  for (const Case& each : cases) {
    const Status status = Program::Compile(each.document, "test.pmml").status();
    EXPECT_THAT(status.message(), HasSubstr(each.message));
    EXPECT_THAT(InfoOf(status).hint, HasSubstr(each.hint)) << status.message();
    EXPECT_EQ(InfoOf(status).position.line, each.line) << status.message();
    EXPECT_EQ(InfoOf(status).where, "test.pmml");
  }
}

TEST(PmmlTest, DocumentsThatAskForTooMuchAreRefused) {
  std::string deep, end;
  for (int i = 0; i < 100000; ++i) {
    deep += "<Node><True/>";
    end += "</Node>";
  }
  EXPECT_THAT(Program::Compile(Tree(deep + end), "x").status().message(),
              HasSubstr("elements deep"));
  std::string nested = "<SimplePredicate field=\"x\" operator=\"lessThan\" value=\"1\"/>";
  for (int i = 0; i < 60; ++i) {
    nested = "<CompoundPredicate booleanOperator=\"" + std::string(i % 2 == 0 ? "and" : "xor") +
             "\"><SimplePredicate field=\"x\" operator=\"lessThan\" value=\"2\"/>" + nested +
             "</CompoundPredicate>";
  }
  EXPECT_THAT(Program::Compile(
                  Tree("<Node score=\"5\"><True/><Node score=\"6\">" + nested + "</Node></Node>",
                       "missingValueStrategy=\"lastPrediction\""),
                  "x")
                  .status()
                  .message(),
              HasSubstr("too large"));
}

TEST(PmmlTest, CorruptDocumentsAreErrorsOrScored) {
  std::mt19937 random(3);
  int refused = 0, scored = 0;
  for (const char* name : {"tree_class_defaultChild", "mining_chain", "network_class_softmax",
                           "bayes", "expression_map_values", "support_radial", "neighbors_median",
                           "scorecard_pointsBelow", "cluster_gaussian", "general_ordinal"}) {
    std::ifstream file("test/diff/pmml/models/" + std::string(name) + ".pmml");
    const std::string document{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(document.empty()) << name;
    for (int i = 0; i < 100; ++i) {
      std::string corrupt = document;
      const size_t at = random() % corrupt.size();
      if (i % 3 == 0)
        corrupt.erase(at, random() % 40);
      else if (i % 3 == 1)
        corrupt[at] = static_cast<char>('0' + random() % 10);
      else
        corrupt.insert(at, document, random() % document.size(), random() % 60);
      const auto program = Program::Compile(corrupt, "corrupt");
      if (program.ok()) {
        ScoreAnything(**program);
        ++scored;
      } else {
        EXPECT_FALSE(program.status().message().empty());
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(scored, 100);
}

}  // namespace
}  // namespace millrace::pmml
