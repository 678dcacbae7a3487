#pragma once

#include <cstdint>
#include <string>

#include "spi/source.h"

namespace millrace {

/// A file, or a byte range of it, and how far it has been read.
struct FileSplit {
  std::string path;
  int64_t size = 0;         ///< of the file
  int64_t modified_us = 0;  ///< of the file
  int64_t begin = 0;        ///< records that begin in [begin, end) are the split's
  int64_t end = 0;
  int64_t offset = -1;  ///< where the next record begins; -1: not looked for yet
  int64_t line = 0;     ///< of the next record, from 1; 0: unknown

  Split ToSplit() const;
  static Result<FileSplit> From(const Split& split);
};

}  // namespace millrace
