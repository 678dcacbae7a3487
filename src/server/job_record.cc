#include "server/job_record.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

namespace millrace {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr size_t kMaxName = 128;
constexpr std::string_view kSuffix = ".json";
constexpr std::array<std::string_view, 5> kPhases = {"running", "stopped", "cancelled", "finished",
                                                     "failed"};

bool IsNameChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

std::string PathOf(const std::string& folder, const std::string& name) {
  return folder + '/' + name + std::string(kSuffix);
}

}  // namespace

std::string_view ToString(JobPhase phase) { return kPhases[static_cast<size_t>(phase)]; }

Status CheckJobName(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
                    std::ranges::all_of(name, IsNameChar);
  if (fits) return Status::OK();
  return Error::User("'" + std::string(name.substr(0, kMaxName)) + "' is no name for a job")
      .Hint("take letters, digits, '_', '-' and '.', at most 128, and no '.' at the beginning");
}

Status WriteRecord(FileSystem& files, const std::string& folder, const JobRecord& record) {
  const std::string path = PathOf(folder, record.definition.name);
  const std::string unfinished = path + ".part";
  const json document = {{"format", kFormat},
                         {"name", record.definition.name},
                         {"sql", record.definition.sql},
                         {"settings", record.definition.settings},
                         {"phase", ToString(record.phase)},
                         {"run", record.run},
                         {"restore_from", record.restore_from},
                         {"error", record.error},
                         {"submitted_us", record.submitted_us},
                         {"changed_us", record.changed_us}};
  ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenOutput(unfinished, OpenMode::kTruncate));
  ARROW_RETURN_NOT_OK(
      file->Append(document.dump(2, ' ', false, json::error_handler_t::replace) + '\n'));
  ARROW_RETURN_NOT_OK(file->Sync());
  ARROW_RETURN_NOT_OK(file->Close());
  return files.Rename(unfinished, path);
}

Status RemoveRecord(FileSystem& files, const std::string& folder, const std::string& name) {
  return files.Remove(PathOf(folder, name));
}

Result<JobRecord> ReadRecord(FileSystem& files, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadFile(files, path));
  try {
    const json document = json::parse(text);
    if (document.at("format") != kFormat) {
      return Error::User("a job's record has format " + document.at("format").dump()).In(path);
    }
    JobRecord record;
    record.definition = {document.at("name"), document.at("sql"), document.at("settings")};
    const std::string phase = document.at("phase");
    const auto* known = std::ranges::find(kPhases, phase);
    if (known == kPhases.end()) {
      return Error::User("a job's record has the phase '" + phase + "'").In(path);
    }
    record.phase = static_cast<JobPhase>(known - kPhases.begin());
    record.run = document.at("run");
    record.restore_from = document.at("restore_from");
    record.error = document.at("error");
    record.submitted_us = document.at("submitted_us");
    record.changed_us = document.at("changed_us");
    return record;
  } catch (const json::exception& error) {
    return Error::User("a job's record cannot be read: " + std::string(error.what()))
        .In(path)
        .Hint("restore the file, or remove it to forget the job");
  }
}

Result<std::vector<std::string>> ListRecords(FileSystem& files, const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto listed, files.List(folder + "/*" + std::string(kSuffix)));
  std::vector<std::string> paths;
  for (const FileInfo& file : listed) paths.push_back(file.path);
  return paths;
}

}  // namespace millrace
