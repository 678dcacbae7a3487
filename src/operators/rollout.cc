#include "operators/rollout.h"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

namespace millrace {
namespace {

/// The finalizer of SplitMix64.
uint64_t Mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

using Json = nlohmann::json;

Json JsonOf(const VersionTally& tally) {
  Json scores = Json::array();
  for (const ValueSketch& each : tally.scores) scores.push_back(each.Numbers());
  return {{"rows", tally.rows},
          {"failed", tally.failed},
          {"scoring_us", tally.scoring_us},
          {"scores", std::move(scores)}};
}

Result<VersionTally> TallyOf(const Json& json) {
  VersionTally tally;
  tally.rows = json.value("rows", int64_t{0});
  tally.failed = json.value("failed", int64_t{0});
  tally.scoring_us = json.value("scoring_us", int64_t{0});
  for (const Json& each : json.value("scores", Json::array())) {
    ARROW_ASSIGN_OR_RAISE(tally.scores.emplace_back(),
                          ValueSketch::FromNumbers(each.get<std::vector<int64_t>>()));
  }
  return tally;
}

/// Why the rules do not let it serve; empty: they do.
std::string Fault(const RolloutConfig& config, const Rollout& rollout) {
  const VersionTally& tried = rollout.tried;
  if (tried.rows == 0) return {};
  std::ostringstream fault;
  const auto rows = static_cast<double>(tried.rows);
  if (const double failed = static_cast<double>(tried.failed) / rows;
      config.max_failed >= 0 && failed > config.max_failed) {
    fault << tried.failed << " of " << tried.rows << " rows have failed, and "
          << config.max_failed * 100 << " % may";
  } else if (config.max_latency_us >= 0 && tried.scoring_us / tried.rows > config.max_latency_us) {
    fault << "a row takes " << tried.scoring_us / tried.rows << " us, and " << config.max_latency_us
          << " us are allowed";
  } else if (config.max_shift >= 0) {
    double shift = 0;
    for (size_t i = 0; i < std::min(tried.scores.size(), rollout.serving.scores.size()); ++i) {
      shift = std::max(shift, ValueSketch::Between(rollout.serving.scores[i], tried.scores[i]).psi);
    }
    if (shift > config.max_shift) {
      fault << "its scores are shifted by " << shift << " (PSI), and " << config.max_shift
            << " is allowed";
    }
  }
  return fault.str();
}

}  // namespace

std::string TextOf(const Rollout& rollout) {
  return Json{{"candidate", rollout.candidate},
              {"since_us", rollout.since_us},
              {"serving", JsonOf(rollout.serving)},
              {"tried", JsonOf(rollout.tried)}}
      .dump();
}

Result<Rollout> RolloutOf(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Rollout rollout;
    rollout.candidate = json.at("candidate").get<int64_t>();
    rollout.since_us = json.at("since_us").get<int64_t>();
    ARROW_ASSIGN_OR_RAISE(rollout.serving, TallyOf(json.at("serving")));
    ARROW_ASSIGN_OR_RAISE(rollout.tried, TallyOf(json.at("tried")));
    return rollout;
  } catch (const Json::exception& error) {
    return Error::Internal(std::string("the state of a rollout cannot be read: ") + error.what());
  }
}

uint64_t SaltOf(std::string_view model) {
  uint64_t salt = 0xcbf29ce484222325ULL;  // FNV-1a
  for (const char c : model) salt = (salt ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return salt;
}

bool IsTried(const RolloutConfig& config, uint64_t hash, uint64_t salt) {
  constexpr int kBits = 53;
  const auto place = static_cast<double>(Mixed(hash ^ salt) >> (64 - kBits));
  return place < config.share * static_cast<double>(uint64_t{1} << kBits);
}

int64_t RowsUntilJudged(const RolloutConfig& config, const Rollout& rollout) {
  int64_t rows = 0;
  if (config.has_rules()) rows = config.check_rows - rollout.tried.rows % config.check_rows;
  if (const int64_t left = config.rows - rollout.tried.rows; left > 0) {
    rows = rows == 0 ? left : std::min(rows, left);
  }
  return rows;
}

Verdict Judge(const RolloutConfig& config, const Rollout& rollout, int64_t now_us) {
  const bool enough = config.rows >= 0 && rollout.tried.rows >= config.rows;
  const bool long_enough =
      config.duration_us >= 0 && now_us - rollout.since_us >= config.duration_us;
  const bool seen = !config.has_rules() || rollout.tried.rows > 0;
  const bool ends = seen && (config.rows >= 0 || config.duration_us >= 0) &&
                    (config.rows < 0 || enough) && (config.duration_us < 0 || long_enough);
  const bool looked_at = rollout.tried.rows % config.check_rows == 0;
  if (config.has_rules() && (ends || looked_at)) {
    std::string fault = Fault(config, rollout);
    if (!fault.empty()) return {Verdict::Kind::kRollBack, "rolled back: " + std::move(fault)};
  }
  return {ends ? Verdict::Kind::kPromote : Verdict::Kind::kGoOn, {}};
}

}  // namespace millrace
