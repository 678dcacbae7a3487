#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'filesystem': reads a file, a directory or a glob; writes a directory of part
/// files, or one file.
ConnectorSpec FilesystemConnector();

/// `path` without a "file://" before it.
std::string LocalPath(const std::string& path);
/// The part of `path` after the last '/'.
std::string FileName(const std::string& path);
/// The part before it: "." where there is none.
std::string ParentPath(const std::string& path);

Result<std::unique_ptr<SplitFinder>> MakeFileFinder(const SourceRequest& request);
Result<std::unique_ptr<SourceReader>> MakeFileReader(const SourceRequest& request);
Result<std::unique_ptr<SinkWriter>> MakeFileWriter(const SinkRequest& request);

}  // namespace millrace
