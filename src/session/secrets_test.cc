#include "session/secrets.h"

#include <cstdlib>

#include "base/env.h"

namespace millrace {
namespace {

// T10
TEST(Secrets, EnvironmentThenFileThenAnErrorThatSaysWhatToDo) {
  const auto env = MakeSystemEnv();
  const std::string folder = testing::TempDir() + "millrace_secrets";
  ASSERT_TRUE(env->files().CreateDirectories(folder).ok());
  auto file = env->files().OpenOutput(folder + "/triton-token", OpenMode::kTruncate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("from the file\n").ok());
  ASSERT_TRUE((*file)->Close().ok());

  const auto secrets = MakeSecretProvider(env->files(), folder);
  EXPECT_EQ(secrets->Get("triton-token").ValueOrDie(), "from the file");
  setenv("MILLRACE_SECRET_TRITON_TOKEN", "from the environment", 1);
  EXPECT_EQ(secrets->Get("triton-token").ValueOrDie(), "from the environment");
  unsetenv("MILLRACE_SECRET_TRITON_TOKEN");

  const auto unknown = secrets->Get("other");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(Describe(unknown.status()), testing::HasSubstr("MILLRACE_SECRET_OTHER"));
}

TEST(Secrets, ANameIsNoPath) {
  const auto env = MakeSystemEnv();
  const auto secrets = MakeSecretProvider(env->files(), "/etc");
  EXPECT_FALSE(secrets->Get("../etc/passwd").ok());
  EXPECT_FALSE(secrets->Get("..").ok());
  EXPECT_FALSE(secrets->Get("").ok());
}

}  // namespace
}  // namespace millrace
