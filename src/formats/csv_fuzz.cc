#include "formats/format_fuzz.h"

/// The first bytes choose options and where the text is cut; the rest is a file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t control = data[0];
  millrace::OptionMap options;
  if ((control & 1) != 0) options["escape-character"] = "\\";
  if ((control & 2) != 0) options["ignore-parse-errors"] = "true";
  if ((control & 4) != 0) options["allow-comments"] = "true";
  if ((control & 8) != 0) options["line-breaks-in-values"] = "false";
  if ((control & 16) != 0) options["header"] = "true";
  if ((control & 32) != 0) options["null-literal"] = "";
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  millrace::CheckDecoder("csv", millrace::FuzzSchema(false), options, text, data[1] + size_t{1},
                         data[2] + 1);
  return 0;
}
