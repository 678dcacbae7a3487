#include "models/packed_folder.h"

#include <ranges>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "models/model_file.h"

namespace millrace {
namespace {

constexpr std::string_view kMagic = "ARROW1";

std::shared_ptr<arrow::Schema> FilesSchema() {
  return arrow::schema(
      {arrow::field("name", arrow::utf8()), arrow::field("content", arrow::large_binary())});
}

bool StaysBelow(const std::string& name) {
  return !name.empty() && name[0] != '/' && !name.ends_with('/') &&
         ("/" + name + "/").find("/../") == std::string::npos;
}

Result<std::shared_ptr<arrow::RecordBatch>> Read(std::string_view bytes) {
  const auto buffer = std::make_shared<arrow::Buffer>(bytes);
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(
                                               std::make_shared<arrow::io::BufferReader>(buffer)));
  if (!reader->schema()->Equals(*FilesSchema()) || reader->num_record_batches() != 1) {
    return Error::Data("they are not the files of a folder");
  }
  ARROW_ASSIGN_OR_RAISE(auto batch, reader->ReadRecordBatch(0));
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return batch;
}

}  // namespace

Result<std::shared_ptr<arrow::Buffer>> PackFolder(FileSystem& files, const std::string& path,
                                                  int64_t most_bytes) {
  std::string root = path;
  while (root.ends_with('/')) root.pop_back();
  ARROW_ASSIGN_OR_RAISE(const auto listed, files.List(root));
  int64_t size = 0;
  for (const FileInfo& file : listed) size += file.size;
  ARROW_RETURN_NOT_OK(CheckModelSize(size, most_bytes));
  arrow::StringBuilder names;
  arrow::LargeBinaryBuilder contents;
  for (const FileInfo& file : listed) {
    ARROW_ASSIGN_OR_RAISE(const std::string content, ReadFile(files, file.path));
    ARROW_RETURN_NOT_OK(names.Append(file.path.substr(root.size() + 1)));
    ARROW_RETURN_NOT_OK(contents.Append(content));
  }
  arrow::ArrayVector columns(2);
  ARROW_ASSIGN_OR_RAISE(columns[0], names.Finish());
  ARROW_ASSIGN_OR_RAISE(columns[1], contents.Finish());
  const auto batch =
      arrow::RecordBatch::Make(FilesSchema(), static_cast<int64_t>(listed.size()), columns);
  ARROW_ASSIGN_OR_RAISE(const auto out, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeFileWriter(out, FilesSchema()));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Finish();
}

bool IsPackedFolder(std::string_view bytes) { return bytes.starts_with(kMagic); }

Result<std::unique_ptr<UnpackedFolder>> UnpackedFolder::Make(std::string_view bytes, Env& env) {
  auto read = Read(bytes);
  if (!read.ok()) {
    return Error::Data("the model's files cannot be read: " + read.status().message());
  }
  const auto& names = static_cast<const arrow::StringArray&>(*(*read)->column(0));
  const auto& contents = static_cast<const arrow::LargeBinaryArray&>(*(*read)->column(1));
  std::unique_ptr<UnpackedFolder> folder(
      new UnpackedFolder(env.files(), "/tmp/millrace-model-" + std::to_string(env.Random())));
  for (int64_t row = 0; row < names.length(); ++row) {
    const std::string name(names.GetView(row));
    if (!StaysBelow(name)) {
      return Error::Data("a file of the model is named '" + name +
                         "', which is in no folder of it");
    }
    ARROW_RETURN_NOT_OK(folder->Write(name, contents.GetView(row)));
  }
  return folder;
}

Status UnpackedFolder::Write(const std::string& name, std::string_view content) {
  const std::string path = path_ + '/' + name;
  for (size_t end = path_.size(); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (!made_.insert(folder).second) continue;
    ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder));
  }
  ARROW_ASSIGN_OR_RAISE(const auto file, files_.OpenOutput(path, OpenMode::kCreateNew));
  made_.insert(path);
  ARROW_RETURN_NOT_OK(file->Append(content));
  return file->Close();
}

UnpackedFolder::~UnpackedFolder() {
  for (const std::string& path : std::views::reverse(made_)) (void)files_.Remove(path);
}

}  // namespace millrace
