#include "models/onnx/onnx_model.h"

#include <cstring>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include "base/log.h"
#include "models/digest.h"
#include "models/model_file.h"
#include "models/onnx/library.h"

namespace millrace {
namespace {

using OnnxType = ONNXTensorElementDataType;

constexpr std::pair<Datatype, OnnxType> kOnnxTypes[] = {
    {Datatype::kBool, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
    {Datatype::kUint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {Datatype::kUint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {Datatype::kUint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {Datatype::kUint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
    {Datatype::kInt8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {Datatype::kInt16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {Datatype::kInt32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {Datatype::kInt64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {Datatype::kFp16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {Datatype::kBf16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    {Datatype::kFp32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {Datatype::kFp64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {Datatype::kBytes, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},
};

OnnxType OnnxTypeOf(Datatype datatype) {
  for (const auto& [ours, onnx] : kOnnxTypes) {
    if (ours == datatype) return onnx;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

std::optional<Datatype> DatatypeOf(OnnxType type) {
  for (const auto& [ours, onnx] : kOnnxTypes) {
    if (onnx == type) return ours;
  }
  return std::nullopt;
}

/// An object of ONNX Runtime; releases it.
template <class T>
class Owned {
 public:
  Owned(T* object, void (*release)(T*)) : object_(object), release_(release) {}
  explicit Owned(void (*release)(T*)) : Owned(nullptr, release) {}
  Owned(Owned&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), release_(other.release_) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    std::swap(release_, other.release_);
    return *this;
  }
  ~Owned() {
    if (object_ != nullptr) release_(object_);
  }
  T* get() const { return object_; }
  T** out() { return &object_; }

 private:
  T* object_;
  void (*release_)(T*);
};

/// The elements of an output, which ONNX Runtime owns.
class OutputBuffer final : public arrow::Buffer {
 public:
  OutputBuffer(const void* data, int64_t size, Owned<OrtValue> value)
      : Buffer(static_cast<const uint8_t*>(data), size), value_(std::move(value)) {}

 private:
  Owned<OrtValue> value_;
};

class OnnxModel final : public TensorModel {
 public:
  explicit OnnxModel(const OnnxLibrary& library)
      : library_(library),
        api_(library.api()),
        session_(api_.ReleaseSession),
        memory_(api_.ReleaseMemoryInfo) {}

  Status Load(const TensorModelOptions& options, std::string_view bytes) {
    Owned<OrtSessionOptions> settings(api_.ReleaseSessionOptions);
    ARROW_RETURN_NOT_OK(Check(api_.CreateSessionOptions(settings.out())));
    ARROW_RETURN_NOT_OK(Check(api_.SetIntraOpNumThreads(settings.get(), options.intra_op_threads)));
    ARROW_RETURN_NOT_OK(Check(api_.SetInterOpNumThreads(settings.get(), 1)));
    const auto slash = options.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : options.path.substr(0, slash + 1);
    ARROW_RETURN_NOT_OK(Check(api_.AddSessionConfigEntry(
        settings.get(), "session.model_external_initializers_file_folder_path", folder.c_str())));
    ARROW_RETURN_NOT_OK(Check(api_.CreateSessionFromArray(
        &library_.env(), bytes.data(), bytes.size(), settings.get(), session_.out())));
    ARROW_RETURN_NOT_OK(
        Check(api_.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, memory_.out())));
    ARROW_RETURN_NOT_OK(Check(api_.GetAllocatorWithDefaultOptions(&allocator_)));
    return ReadSignature(options, bytes);
  }

  const ModelSignature& signature() const override { return signature_; }

  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs,
                                  std::span<const int> outputs) override {
    std::vector<Owned<OrtValue>> values;
    std::vector<const OrtValue*> input_values;
    for (size_t i = 0; i < inputs.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(values.emplace_back(api_.ReleaseValue), ValueOf(inputs[i]));
      input_values.push_back(values.back().get());
    }
    std::vector<const char*> output_names;
    for (const int output : outputs)
      output_names.push_back(output_names_[static_cast<size_t>(output)].c_str());
    std::vector<OrtValue*> results(outputs.size());
    OrtStatus* status =
        api_.Run(session_.get(), nullptr, input_names_.data(), input_values.data(),
                 input_values.size(), output_names.data(), output_names.size(), results.data());
    std::vector<Owned<OrtValue>> owned;
    for (OrtValue* result : results) owned.emplace_back(result, api_.ReleaseValue);
    if (status != nullptr) return Error::Data("ONNX Runtime: " + library_.TextOf(status));
    std::vector<Tensor> tensors(outputs.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(tensors[i], TensorOf(output_names[i], std::move(owned[i])));
    }
    return tensors;
  }

 private:
  Status Check(OrtStatus* status) const {
    return status == nullptr ? Status::OK() : Status(Error::User(library_.TextOf(status)));
  }

  Result<Owned<OrtValue>> ValueOf(const Tensor& tensor) const {
    Owned<OrtValue> value(api_.ReleaseValue);
    if (tensor.datatype != Datatype::kBytes) {
      // ONNX Runtime does not write to inputs.
      auto* data = const_cast<uint8_t*>(tensor.data->data());
      ARROW_RETURN_NOT_OK(Check(api_.CreateTensorWithDataAsOrtValue(
          memory_.get(), data, static_cast<size_t>(tensor.data->size()), tensor.shape.data(),
          tensor.shape.size(), OnnxTypeOf(tensor.datatype), value.out())));
      return value;
    }
    ARROW_RETURN_NOT_OK(
        Check(api_.CreateTensorAsOrtValue(allocator_, tensor.shape.data(), tensor.shape.size(),
                                          ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, value.out())));
    for (int64_t i = 0; i < tensor.bytes->length(); ++i) {
      const std::string_view text = tensor.bytes->GetView(i);
      char* at = nullptr;
      ARROW_RETURN_NOT_OK(Check(api_.GetResizedStringTensorElementBuffer(
          value.get(), static_cast<size_t>(i), text.size(), &at)));
      std::memcpy(at, text.data(), text.size());
    }
    return value;
  }

  Result<Tensor> TensorOf(const char* name, Owned<OrtValue> value) const {
    Owned<OrtTensorTypeAndShapeInfo> info(api_.ReleaseTensorTypeAndShapeInfo);
    ARROW_RETURN_NOT_OK(Check(api_.GetTensorTypeAndShape(value.get(), info.out())));
    Tensor tensor;
    tensor.name = name;
    OnnxType type;
    ARROW_RETURN_NOT_OK(Check(api_.GetTensorElementType(info.get(), &type)));
    const auto datatype = DatatypeOf(type);
    if (!datatype)
      return Error::Data("the output '" + tensor.name + "' has an element type without a SQL type");
    tensor.datatype = *datatype;
    ARROW_ASSIGN_OR_RAISE(tensor.shape, ShapeOf(info.get()));
    const int64_t n = tensor.num_elements();
    if (tensor.datatype == Datatype::kBytes) {
      ARROW_ASSIGN_OR_RAISE(tensor.bytes, StringsOf(*value.get(), n));
      return tensor;
    }
    void* data = nullptr;
    ARROW_RETURN_NOT_OK(Check(api_.GetTensorMutableData(value.get(), &data)));
    tensor.data =
        std::make_shared<OutputBuffer>(data, n * SizeOf(tensor.datatype), std::move(value));
    return tensor;
  }

  Result<std::shared_ptr<arrow::BinaryArray>> StringsOf(const OrtValue& value, int64_t n) const {
    size_t size = 0;
    ARROW_RETURN_NOT_OK(Check(api_.GetStringTensorDataLength(&value, &size)));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> text,
                          arrow::AllocateBuffer(static_cast<int64_t>(size)));
    std::vector<size_t> starts(static_cast<size_t>(n));
    ARROW_RETURN_NOT_OK(Check(api_.GetStringTensorContent(&value, text->mutable_data(), size,
                                                          starts.data(), starts.size())));
    std::vector<int32_t> offsets(starts.begin(), starts.end());
    offsets.push_back(static_cast<int32_t>(size));
    return std::make_shared<arrow::BinaryArray>(n, arrow::Buffer::FromVector(std::move(offsets)),
                                                std::move(text));
  }

  Result<std::vector<int64_t>> ShapeOf(const OrtTensorTypeAndShapeInfo* info) const {
    size_t rank = 0;
    ARROW_RETURN_NOT_OK(Check(api_.GetDimensionsCount(info, &rank)));
    std::vector<int64_t> shape(rank);
    ARROW_RETURN_NOT_OK(Check(api_.GetDimensions(info, shape.data(), rank)));
    return shape;
  }

  /// Name, type and whole shape of an input or output; none where it is no tensor.
  Result<std::optional<TensorSpec>> SpecOf(bool input, size_t index, std::string* name) const {
    char* text = nullptr;
    ARROW_RETURN_NOT_OK(
        Check(input ? api_.SessionGetInputName(session_.get(), index, allocator_, &text)
                    : api_.SessionGetOutputName(session_.get(), index, allocator_, &text)));
    *name = text;
    ARROW_RETURN_NOT_OK(Check(api_.AllocatorFree(allocator_, text)));
    Owned<OrtTypeInfo> info(api_.ReleaseTypeInfo);
    ARROW_RETURN_NOT_OK(
        Check(input ? api_.SessionGetInputTypeInfo(session_.get(), index, info.out())
                    : api_.SessionGetOutputTypeInfo(session_.get(), index, info.out())));
    const OrtTensorTypeAndShapeInfo* tensor = nullptr;
    ARROW_RETURN_NOT_OK(Check(api_.CastTypeInfoToTensorInfo(info.get(), &tensor)));
    if (tensor == nullptr) return std::nullopt;
    OnnxType type;
    ARROW_RETURN_NOT_OK(Check(api_.GetTensorElementType(tensor, &type)));
    const auto datatype = DatatypeOf(type);
    if (!datatype) return std::nullopt;
    ARROW_ASSIGN_OR_RAISE(auto shape, ShapeOf(tensor));
    return TensorSpec{*name, std::string(NameOf(*datatype)), std::move(shape)};
  }

  Status ReadSignature(const TensorModelOptions& options, std::string_view bytes) {
    size_t inputs = 0, outputs = 0;
    ARROW_RETURN_NOT_OK(Check(api_.SessionGetInputCount(session_.get(), &inputs)));
    ARROW_RETURN_NOT_OK(Check(api_.SessionGetOutputCount(session_.get(), &outputs)));
    std::string name;
    bool batched = inputs > 0, single = inputs > 0;
    for (size_t i = 0; i < inputs; ++i) {
      ARROW_ASSIGN_OR_RAISE(auto spec, SpecOf(true, i, &name));
      if (!spec)
        return Error::User("the input '" + name + "' is not a tensor of a type that SQL has");
      batched = batched && !spec->shape.empty() && spec->shape[0] == -1;
      single = single && !spec->shape.empty() && spec->shape[0] == 1;
      signature_.inputs.push_back(std::move(*spec));
    }
    for (size_t i = 0; i < outputs; ++i) {
      ARROW_ASSIGN_OR_RAISE(auto spec, SpecOf(false, i, &name));
      if (!spec) {
        Log(LogLevel::kWarn, "models.onnx",
            "an output is a sequence or map and was left out; convert the model with "
            "options={'zipmap': False} to have it",
            {{"path", options.path}, {"output", name}});
        continue;
      }
      signature_.outputs.push_back(std::move(*spec));
    }
    signature_.batched = batched || single;
    signature_.max_batch = batched ? options.max_batch : 1;
    signature_.local = true;
    signature_.version = Sha256(bytes);
    for (auto* side : {&signature_.inputs, &signature_.outputs}) {
      for (TensorSpec& spec : *side) {
        if (signature_.batched && !spec.shape.empty()) spec.shape.erase(spec.shape.begin());
      }
    }
    for (const TensorSpec& spec : signature_.inputs) input_names_.push_back(spec.name.c_str());
    for (const TensorSpec& spec : signature_.outputs) output_names_.push_back(spec.name);
    return Status::OK();
  }

  const OnnxLibrary& library_;
  const OrtApi& api_;
  Owned<OrtSession> session_;
  Owned<OrtMemoryInfo> memory_;
  OrtAllocator* allocator_ = nullptr;
  ModelSignature signature_;
  std::vector<const char*> input_names_;
  std::vector<std::string> output_names_;
};

}  // namespace

Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const TensorModelOptions& options,
                                                   FileSystem& files) {
  ARROW_ASSIGN_OR_RAISE(
      const std::string bytes,
      ReadModelFile(
          files, options.path,
          "'path' is a file on this machine; a relative one starts at the working directory"));
  return LoadOnnxModel(options, bytes);
}

Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const TensorModelOptions& options,
                                                   std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(const OnnxLibrary* library, OnnxLibrary::Get(options.library));
  auto model = std::make_shared<OnnxModel>(*library);
  const Status loaded = model->Load(options, bytes);
  if (loaded.ok()) return model;
  const std::string size = std::to_string(bytes.size()) + " bytes";
  if (options.path.empty()) {
    return Error::User("ONNX Runtime cannot load the model of " + size + ": " + loaded.message())
        .Hint("the bytes must be those of an ONNX file: python -m onnx.bin.checker FILE");
  }
  return Error::User("ONNX Runtime cannot load '" + options.path + "' (" + size +
                     "): " + loaded.message())
      .In(options.path)
      .Hint("check that the file is complete and is an ONNX model: python -m onnx.bin.checker " +
            options.path);
}

}  // namespace millrace
