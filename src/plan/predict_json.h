#pragma once

#include "plan/json.h"
#include "plan/nodes.h"

namespace millrace::plan_json {

Json ToJsonOf(const PredictConfig& c);
void Read(ObjectReader& reader, PredictConfig* c);

}  // namespace millrace::plan_json
