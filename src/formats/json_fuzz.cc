#include "formats/format_fuzz.h"

/// The first bytes choose options and where the text is cut; the rest is a file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t control = data[0];
  millrace::OptionMap options;
  if ((control & 1) != 0) options["fail-on-missing-field"] = "true";
  if ((control & 2) != 0) options["ignore-parse-errors"] = "true";
  if ((control & 4) != 0) options["timestamp-format.standard"] = "ISO-8601";
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  millrace::CheckDecoder("json", millrace::FuzzSchema(true), options, text, data[1] + size_t{1},
                         data[2] + 1);
  return 0;
}
