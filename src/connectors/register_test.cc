#include "connectors/register.h"

#include <sstream>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(RegisterTest, EverythingIsDocumented) {
  std::ostringstream out;
  Registries registries;
  RegisterConnectors(registries.connectors, out, out);
  ASSERT_FALSE(registries.connectors.All().empty());
  for (const auto* connector : registries.connectors.All()) {
    EXPECT_FALSE(connector->doc.empty() || connector->example.empty()) << connector->name;
    for (const auto& option : connector->options)
      EXPECT_FALSE(option.doc.empty()) << connector->name << " " << option.key;
  }
}

}  // namespace
}  // namespace millrace
