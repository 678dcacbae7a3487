#pragma once

namespace millrace {

struct Registries;

namespace functions {

void AddComparison(Registries& registries);
void AddLogical(Registries& registries);
void AddArithmetic(Registries& registries);
void AddMath(Registries& registries);
void AddText(Registries& registries);
void AddPattern(Registries& registries);
void AddJson(Registries& registries);
void AddPartsOfText(Registries& registries);
void AddEncoding(Registries& registries);
void AddTemporal(Registries& registries);
void AddTemporalText(Registries& registries);
void AddConditional(Registries& registries);
void AddCollection(Registries& registries);
void AddArrays(Registries& registries);
void AddAggregates(Registries& registries);
void AddGathered(Registries& registries);

}  // namespace functions
}  // namespace millrace
