#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

constexpr char kTwice[] =
    R"(<PMML version="4.4"><Header/><DataDictionary>)"
    R"(<DataField name="x" optype="continuous" dataType="double"/>)"
    R"(<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>)"
    R"(<RegressionModel functionName="regression"><MiningSchema><MiningField name="x"/>)"
    R"(<MiningField name="y" usageType="target"/></MiningSchema><RegressionTable intercept="0">)"
    R"(<NumericPredictor name="x" coefficient="2"/></RegressionTable></RegressionModel></PMML>)";

/// Provider 'pmml', as 'counting': counts the loads, which wait for `all_have_asked`.
std::atomic<int> loads;
std::latch* all_have_asked;

ModelProviderSpec Counting() {
  static auto* providers = [] {
    auto* all = new Registry<ModelProviderSpec>("model provider");
    RegisterModelProviders(*all);
    return all;
  }();
  ModelProviderSpec spec = *providers->Find("pmml");
  spec.name = "counting";
  spec.load_bytes = [](const ModelConfig& model, std::string_view bytes, const Options& options,
                       Services& services) {
    if (all_have_asked != nullptr) all_have_asked->wait();
    ++loads;
    return providers->Find("pmml")->load_bytes(model, bytes, options, services);
  };
  return spec;
}

class SharedVersionsTest : public testing::Test {
 protected:
  SharedVersionsTest() {
    loads = 0;
    config_.name = "m";
    config_.provider = "stream";
    config_.options = {{"source", "versions"}, {"type", "counting"}};
    config_.input.Add("x", SqlType::Double());
    config_.output.Add("y", SqlType::Double());
  }

  std::future<Result<LoadedVersion>> Load(const ModelRecord& record) {
    const auto loaded = std::make_shared<std::promise<Result<LoadedVersion>>>();
    services_.models().LoadVersion(config_, record, [loaded](Result<LoadedVersion> version) {
      loaded->set_value(std::move(version));
    });
    return loaded->get_future();
  }
  static LoadedVersion Get(std::future<Result<LoadedVersion>> loaded) {
    return loaded.get().ValueOrDie();
  }

  TestServices services_{Counting()};
  ModelConfig config_;
};

TEST_F(SharedVersionsTest, SubtasksThatAskTogetherLoadOnce) {  // M2, M3: broadcast
  std::latch asked(1);
  all_have_asked = &asked;
  ModelRecord record;
  record.order = 1;
  record.bytes = arrow::Buffer::FromString(kTwice);
  std::vector<std::future<Result<LoadedVersion>>> subtasks;
  for (int i = 0; i < 8; ++i) subtasks.push_back(Load(record));
  asked.count_down();
  std::vector<LoadedVersion> versions;
  for (auto& subtask : subtasks) versions.push_back(Get(std::move(subtask)));
  all_have_asked = nullptr;
  EXPECT_EQ(loads, 1);
  for (const LoadedVersion& version : versions) EXPECT_EQ(version.model, versions[0].model);
  EXPECT_EQ(Get(Load(record)).model, versions[0].model);
  EXPECT_EQ(loads, 1);
  versions.clear();
  while (loads == 1) Get(Load(record));  // it is freed with its last lease
}

TEST_F(SharedVersionsTest, AVersionIsWhatWasFirstReadAtItsLocation) {  // M1, M5
  const auto path = std::filesystem::path(testing::TempDir()) / "shared_versions_test.pmml";
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  ModelRecord record;
  record.order = 1;
  record.location = path.string();
  write(kTwice);
  const LoadedVersion first = Get(Load(record));
  write(std::string(kTwice) + "<!-- another -->");
  EXPECT_EQ(Get(Load(record)).hash, first.hash);
  record.order = 2;
  EXPECT_NE(Get(Load(record)).hash, first.hash);
  std::filesystem::remove(path);
}

TEST_F(SharedVersionsTest, AllWhoWaitLearnWhyItFails) {  // M6
  ModelRecord record;
  record.bytes = arrow::Buffer::FromString("no model");
  auto one = Load(record), other = Load(record);
  EXPECT_FALSE(one.get().ok());
  EXPECT_FALSE(other.get().ok());
}

}  // namespace
}  // namespace millrace
