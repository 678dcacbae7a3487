#pragma once

#include "models/pmml/scope.h"

namespace millrace::pmml {

/// A value that is none of its field's type: a NaN that only `CompileTreatment`'s step tells from a
/// missing one.
double InvalidValue();

/// What a <MiningField> makes of missing, invalid and extreme values of `field`: a step of `scope`.
/// The field's column behind it. Inner models take values as valid that outer ones have let pass.
Slot CompileTreatment(const Element& mining_field, const Field& field, bool outermost,
                      Scope& scope);

/// The declaration of a <DataField>: keeps what the treatment of its values needs.
void DeclareDataField(const Element& data_field, Scope& scope);

}  // namespace millrace::pmml
