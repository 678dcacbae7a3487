#include "sql/context.h"

#include "spi/secret_text.h"

namespace millrace::sql {

Status CheckSecrets(const PlannerContext& context, const TableConfig& table,
                    const OptionPositions& positions) {
  if (context.secrets == nullptr) return Status::OK();
  return WithPlace(millrace::CheckSecrets(table.options, *context.secrets, positions), {},
                   "table " + table.name);
}

Status NotPlanned(const std::string& what, Position at, const std::string& hint) {
  return Error::User(what + " is parsed but cannot be planned yet").At(at).Hint(hint);
}

}  // namespace millrace::sql
