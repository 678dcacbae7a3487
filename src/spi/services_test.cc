#include "spi/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;

Registries Known() {
  Registries registries;
  ConnectorSpec queue;
  queue.name = "queue";
  queue.needs_format = true;
  queue.options = {{"topic", OptionType::kString, "", "The topic.", true}};
  registries.connectors.Add(queue);
  ConnectorSpec print;
  print.name = "print";
  registries.connectors.Add(print);
  FormatSpec csv;
  csv.name = "csv";
  csv.options = {{"field-delimiter", OptionType::kString, ",", "Between fields."}};
  registries.formats.Add(csv);
  return registries;
}

TableConfig Table(std::map<std::string, std::string> options) {
  TableConfig table;
  table.name = "t";
  if (const auto at = options.find("connector"); at != options.end()) table.connector = at->second;
  table.options = std::move(options);
  return table;
}

TEST(RegistryTest, FindsByNameAndAliasInAnyCase) {
  Registry<ScalarFunctionSpec> functions("function");
  ScalarFunctionSpec length;
  length.name = "CHAR_LENGTH";
  length.aliases = {"CHARACTER_LENGTH"};
  functions.Add(length);
  ASSERT_NE(functions.Find("char_length"), nullptr);
  EXPECT_EQ(functions.Find("Character_Length"), functions.Find("CHAR_LENGTH"));
  EXPECT_EQ(functions.All().size(), 1u);
  const Status status = functions.Get("CHAR_LENGHT").status();
  EXPECT_EQ(status.message(), "there is no function 'CHAR_LENGHT'");
  EXPECT_EQ(InfoOf(status).hint, "did you mean 'CHAR_LENGTH'?");
}

TEST(ResolveTableTest, SplitsOptions) {
  const Registries registries = Known();
  for (const std::string prefix : {"", "value."}) {
    const auto table = ResolveTable(registries, Table({{"connector", "queue"},
                                                       {"topic", "x"},
                                                       {prefix + "format", "csv"},
                                                       {prefix + "csv.field-delimiter", ";"}}));
    ASSERT_TRUE(table.ok()) << Describe(table.status());
    EXPECT_EQ(table->connector->name, "queue");
    EXPECT_EQ(table->options.String("topic"), "x");
    EXPECT_EQ(table->format->name, "csv");
    EXPECT_EQ(table->format_options.String("field-delimiter"), ";");
  }
}

TEST(ResolveTableTest, ErrorsSuggestAtTheOption) {
  const Registries registries = Known();
  const struct {
    std::map<std::string, std::string> options;
    const char *at, *message, *hint;
  } cases[] = {
      {{}, "", "table 't' has no 'connector' option", "one of: print, queue"},
      {{{"connector", "qeue"}}, "connector", "no connector 'qeue'", "did you mean 'queue'?"},
      {{{"connector", "queue"}, {"topic", "x"}}, "connector", "has no 'format' option", "csv"},
      {{{"connector", "queue"}, {"topic", "x"}, {"format", "cvs"}},
       "format",
       "no format 'cvs'",
       "'csv'"},
      {{{"connector", "queue"}, {"topik", "x"}, {"format", "csv"}},
       "topik",
       "no option 'topik'",
       "'topic'"},
      {{{"connector", "queue"}, {"topic", "x"}, {"format", "csv"}, {"csv.field-delimeter", ";"}},
       "csv.field-delimeter",
       "format 'csv' has no option 'field-delimeter'",
       "'field-delimiter'"},
      {{{"connector", "print"}, {"format", "csv"}}, "format", "takes no 'format'", "remove"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    const Status status = ResolveTable(registries, Table(c.options), {{c.at, {4, 2}}}).status();
    EXPECT_THAT(status.message(), HasSubstr(c.message));
    EXPECT_THAT(InfoOf(status).hint, HasSubstr(c.hint));
    EXPECT_EQ(InfoOf(status).position, *c.at == '\0' ? Position{} : (Position{4, 2}));
  }
}

}  // namespace
}  // namespace millrace
