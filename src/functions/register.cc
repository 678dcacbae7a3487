#include "functions/register.h"

#include "functions/families.h"

namespace millrace {

void RegisterFunctions(Registries& registries) {
  functions::AddComparison(registries);
  functions::AddLogical(registries);
  functions::AddArithmetic(registries);
  functions::AddMath(registries);
  functions::AddText(registries);
  functions::AddPattern(registries);
  functions::AddJson(registries);
  functions::AddPartsOfText(registries);
  functions::AddEncoding(registries);
  functions::AddTemporal(registries);
  functions::AddTemporalText(registries);
  functions::AddConditional(registries);
  functions::AddCollection(registries);
  functions::AddArrays(registries);
  functions::AddAggregates(registries);
  functions::AddGathered(registries);
}

}  // namespace millrace
