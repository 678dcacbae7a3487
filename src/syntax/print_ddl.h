#pragma once

#include <string>
#include <vector>

#include "syntax/ast_statement.h"
#include "syntax/layout.h"

namespace millrace::syntax {

Layout PrintCreate(const CreateTable& table);
Layout PrintCreate(const CreateView& view);
Layout PrintCreate(const CreateModel& model);
Layout PrintCreate(const CreateFunction& function);

Layout PrintColumn(const ColumnDefinition& column);
Layout PrintWatermark(const WatermarkDefinition& watermark);
Layout PrintPrimaryKey(const PrimaryKey& key);
Layout PrintOptions(const std::vector<Property>& options);  ///< ('k' = 'v', …)
std::string PrintLanguage(FunctionLanguage language);       ///< with a blank before; may be empty
std::string PrintKind(ObjectKind kind);                     ///< "TABLE"

}  // namespace millrace::syntax
