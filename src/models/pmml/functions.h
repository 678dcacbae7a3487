#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/pmml/frame.h"

namespace millrace::pmml {

/// The columns that a function is applied to.
struct Arguments {
  Frame& frame;
  const std::vector<double*>& columns;
  const std::vector<DataType>& types;

  int rows() const { return frame.rows(); }
};

/// A built-in function of the standard.
struct Function {
  enum class Returns { kDouble, kNumber, kInteger, kBoolean, kString, kFirst, kSecond };

  std::string_view name;
  int least, most;    ///< arguments; most < 0: any number
  Returns returns;    ///< kNumber: an integer where all arguments are
  bool sees_missing;  ///< else a row with a missing argument is missing
  void (*evaluate)(const Arguments&, double* out);
};

/// Null where there is none of that name.
const Function* FindFunction(std::string_view name);
std::vector<std::string> FunctionNames();

DataType TypeOf(const Function& function, const std::vector<DataType>& arguments);

/// What text needs: functions over strings and dates.
std::vector<Function> TextFunctions();

}  // namespace millrace::pmml
