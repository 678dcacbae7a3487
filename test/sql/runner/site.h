#pragma once

#include <cstdint>
#include <memory>
#include <random>

#include "connectors/kafka/fake_kafka.h"
#include "fake_model_server.h"
#include "sim/fake_disk.h"
#include "sim/trace.h"

namespace millrace::sql_script {

/// Where the jobs of a script run: what outlives their crashes.
struct Site {
  explicit Site(uint64_t seed) : random(seed), disk(seed, {}) {}

  /// Below `limit`.
  int64_t Draw(int64_t limit) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
  }

  std::mt19937_64 random;
  FakeDisk disk;
  std::shared_ptr<FakeKafka> kafka = std::make_shared<FakeKafka>();
  FakeModelServer models;
  Trace trace;
  int64_t now_us = 1'704'067'200'000'000;  ///< 2024-01-01 00:00:00 UTC
  int64_t crashes = 0;
  int64_t restores = 0;  ///< from a checkpoint, after a crash
  int64_t restarts = 0;  ///< within the process, after a failure
  int64_t barriers = 0;  ///< where the configuration tells the step
};

}  // namespace millrace::sql_script
