#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/fake_world.h"
#include "connectors/lines_format.h"
#include "connectors/register.h"

namespace millrace {
namespace {

using testing::HasSubstr;

TEST(ReferenceTest, EveryOptionIsDocumented) {
  std::ostringstream out;
  Registries registries;
  RegisterConnectors(registries.connectors, out, out);
  registries.formats.Add(LinesFormat());
  const auto page = ConnectorsReference(registries);
  for (const auto* connector : registries.connectors.All()) {
    EXPECT_THAT(page, HasSubstr("\n### " + connector->name + "\n"));
    EXPECT_THAT(page, HasSubstr(connector->example));
    EXPECT_FALSE(connector->doc.empty() || connector->example.empty()) << connector->name;
    for (const auto& option : connector->options) {
      EXPECT_FALSE(option.doc.empty()) << connector->name << " " << option.key;
      EXPECT_THAT(page, HasSubstr("| `" + option.key));
    }
  }
  EXPECT_THAT(page, HasSubstr("| `path` | string | required |"));
  EXPECT_THAT(page, HasSubstr("| `file.line` | BIGINT NOT NULL |"));
  EXPECT_THAT(page, HasSubstr("| `lines.header` | boolean | `false` |"));
}

}  // namespace
}  // namespace millrace
