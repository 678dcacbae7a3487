#include "formats/register.h"

#include "formats/csv.h"
#include "formats/json.h"
#include "formats/protobuf.h"
#include "formats/raw.h"

namespace millrace {

void RegisterFormats(Registry<FormatSpec>& formats) {
  formats.Add(CsvFormat());
  formats.Add(JsonFormat());
  formats.Add(ProtobufFormat());
  formats.Add(RawFormat());
}

}  // namespace millrace
