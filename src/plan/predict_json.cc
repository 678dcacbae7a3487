#include "plan/predict_json.h"

#include "plan/enum_json.h"

namespace millrace::plan_json {

template <>
struct EnumNames<PredictOrder> {
  static constexpr std::string_view kNames[] = {"ordered", "unordered"};
};

template <>
struct EnumNames<BeforeFirstModel> {
  static constexpr std::string_view kNames[] = {"wait", "skip", "on-error"};
};

template <>
struct EnumNames<RolloutKind> {
  static constexpr std::string_view kNames[] = {"none", "canary", "shadow"};
};

namespace {

Json ToJsonOf(const RolloutConfig& c) {
  return {{"kind", NameOf(c.kind)},
          {"keys", c.keys},
          {"share", c.share},
          {"rows", c.rows},
          {"duration_us", c.duration_us},
          {"max_failed", c.max_failed},
          {"max_shift", c.max_shift},
          {"max_latency_us", c.max_latency_us},
          {"check_rows", c.check_rows}};
}

RolloutConfig ReadRollout(ObjectReader& reader) {
  ObjectReader r(reader.Member("rollout"), reader.PathOf("rollout"));
  RolloutConfig c;
  ReadEnum(r, "kind", &c.kind);
  c.keys = r.Ints("keys");
  c.share = r.Double("share", c.share);
  c.rows = r.Int("rows", c.rows);
  c.duration_us = r.Int("duration_us", c.duration_us);
  c.max_failed = r.Double("max_failed", c.max_failed);
  c.max_shift = r.Double("max_shift", c.max_shift);
  c.max_latency_us = r.Int("max_latency_us", c.max_latency_us);
  c.check_rows = r.Int("check_rows", c.check_rows);
  if (c.check_rows < 1) r.Fail("check_rows", "a positive number is expected");
  reader.Absorb(r.Done());
  return c;
}

Json ToJsonOf(const ModelStream& s) {
  Json json = {{"source", s.source},
               {"row_keys", s.row_keys},
               {"record_keys", s.record_keys},
               {"keyed", s.keyed},
               {"row_time", s.row_time},
               {"time", s.time},
               {"type", s.type},
               {"version", s.version},
               {"data", s.data},
               {"location", s.location},
               {"sha256", s.sha256},
               {"before_first", NameOf(s.before_first)},
               {"max_waiting_rows", s.max_waiting_rows},
               {"swap_delay_us", s.swap_delay_us},
               {"keep_versions", s.keep_versions}};
  if (s.rollout.kind != RolloutKind::kNone) json["rollout"] = ToJsonOf(s.rollout);
  return json;
}

ModelStream ReadModelStream(ObjectReader& reader) {
  ObjectReader r(reader.Member("stream"), reader.PathOf("stream"));
  ModelStream s;
  s.source = r.String("source");
  s.row_keys = r.Ints("row_keys");
  s.record_keys = r.Ints("record_keys");
  s.keyed = r.Bool("keyed", false);
  const auto column = [&](const char* key) { return static_cast<int>(r.Int(key, -1)); };
  s.row_time = column("row_time");
  s.time = column("time");
  s.type = column("type");
  s.version = column("version");
  s.data = column("data");
  s.location = column("location");
  s.sha256 = column("sha256");
  ReadEnum(r, "before_first", &s.before_first);
  s.max_waiting_rows = r.Int("max_waiting_rows", s.max_waiting_rows);
  s.swap_delay_us = r.Int("swap_delay_us", s.swap_delay_us);
  s.keep_versions = static_cast<int>(r.Int("keep_versions", s.keep_versions));
  if (r.Has("rollout")) s.rollout = ReadRollout(r);
  reader.Absorb(r.Done());
  return s;
}

}  // namespace

Json ToJsonOf(const PredictConfig& c) {
  Json json = {{"model",
                {{"name", c.model.name},
                 {"provider", c.model.provider},
                 {"options", c.model.options},
                 {"input", SchemaToJson(c.model.input)},
                 {"output", SchemaToJson(c.model.output)},
                 {"in_sequence", c.model.in_sequence},
                 {"sequence_columns", c.model.sequence_columns}}},
               {"arguments", ExpressionsToJson(c.arguments)},
               {"names", c.names},
               {"order", NameOf(c.order)},
               {"max_in_flight", c.max_in_flight},
               {"linger_us", c.linger_us},
               {"timeout_us", c.timeout_us},
               {"async", c.async},
               {"keys", c.keys}};
  if (c.stream) json["stream"] = ToJsonOf(*c.stream);
  if (!c.version_name.empty()) json["version_name"] = c.version_name;
  return json;
}

void Read(ObjectReader& reader, PredictConfig* c) {
  ObjectReader r(reader.Member("model"), reader.PathOf("model"));
  c->model.name = r.String("name");
  c->model.provider = r.String("provider");
  c->model.options = r.StringMap("options");
  c->model.input = r.Columns("input");
  c->model.output = r.Columns("output");
  c->model.in_sequence = r.Bool("in_sequence", false);
  c->model.sequence_columns = r.Ints("sequence_columns");
  reader.Absorb(r.Done());
  c->arguments = reader.Exprs("arguments");
  c->names = reader.Strings("names");
  ReadEnum(reader, "order", &c->order);
  const PredictConfig defaults;
  c->max_in_flight = reader.Int("max_in_flight", defaults.max_in_flight);
  c->linger_us = reader.Int("linger_us", defaults.linger_us);
  c->timeout_us = reader.Int("timeout_us", defaults.timeout_us);
  c->async = reader.Bool("async", true);
  c->keys = reader.Ints("keys");
  if (reader.Has("stream")) c->stream = ReadModelStream(reader);
  c->version_name = reader.String("version_name", "");
}

}  // namespace millrace::plan_json
