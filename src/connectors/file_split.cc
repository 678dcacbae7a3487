#include "connectors/file_split.h"

#include <nlohmann/json.hpp>

namespace millrace {

Split FileSplit::ToSplit() const {
  const nlohmann::json position = {{"path", path},   {"size", size}, {"modified", modified_us},
                                   {"begin", begin}, {"end", end},   {"offset", offset},
                                   {"line", line}};
  return {path + "#" + std::to_string(begin), position.dump()};
}

Result<FileSplit> FileSplit::From(const Split& split) {
  const auto json = nlohmann::json::parse(split.position, nullptr, false);
  FileSplit file;
  const auto read = [&](const char* key, int64_t* out) {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_number_integer()) return false;
    *out = at->get<int64_t>();
    return true;
  };
  if (!json.is_object() || !json.contains("path") || !json["path"].is_string() ||
      !read("size", &file.size) || !read("modified", &file.modified_us) ||
      !read("begin", &file.begin) || !read("end", &file.end) || !read("offset", &file.offset) ||
      !read("line", &file.line)) {
    return Error::Internal("the position of split '" + split.id + "' cannot be read");
  }
  file.path = json["path"].get<std::string>();
  return file;
}

}  // namespace millrace
