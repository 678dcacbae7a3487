#include "formats/register.h"

#include "formats/csv.h"
#include "formats/json.h"

namespace millrace {

void RegisterFormats(Registry<FormatSpec>& formats) {
  formats.Add(CsvFormat());
  formats.Add(JsonFormat());
}

}  // namespace millrace
