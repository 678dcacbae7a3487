#pragma once

#include <iterator>

#include "models/pmml/program.h"

namespace millrace::pmml {

/// Scores values of every sort, for tests and the fuzzer: whatever compiles can be scored.
inline void ScoreAnything(const Program& program) {
  constexpr double kValues[] = {0, -1.5, 3, 1e300, kMissing};
  const int rows = static_cast<int>(std::size(kValues));
  auto frame = program.TakeFrame();
  frame->Begin(0, rows);
  for (const Field& field : program.inputs()) {
    double* out = frame->Write(field.slot);
    for (int i = 0; i < rows; ++i) {
      out[i] = kValues[i];
      if (field.type == DataType::kString && !IsMissing(out[i]))
        out[i] = frame->strings().Code(i % 2 == 0 ? "red" : "another");
    }
  }
  program.Run(*frame);
  for (const Field& field : program.outputs()) {
    for (int i = 0; i < rows; ++i) {
      const double value = frame->Read(field.slot)[i];
      if (!IsMissing(value)) (void)TextOf(value, field.type, frame->strings());
    }
  }
  program.GiveBack(std::move(frame));
}

}  // namespace millrace::pmml
