#include "models/tensorflow/tensorflow_model.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>

#include "base/suggest.h"
#include "models/digest.h"
#include "models/tensorflow/library.h"
#include "models/tensorflow/signatures.h"

namespace millrace {
namespace {

constexpr std::pair<Datatype, tf::DataType> kTensorFlowTypes[] = {
    {Datatype::kBool, tf::kBool},     {Datatype::kUint8, tf::kUint8},
    {Datatype::kUint16, tf::kUint16}, {Datatype::kUint32, tf::kUint32},
    {Datatype::kUint64, tf::kUint64}, {Datatype::kInt8, tf::kInt8},
    {Datatype::kInt16, tf::kInt16},   {Datatype::kInt32, tf::kInt32},
    {Datatype::kInt64, tf::kInt64},   {Datatype::kFp16, tf::kHalf},
    {Datatype::kBf16, tf::kBfloat16}, {Datatype::kFp32, tf::kFloat},
    {Datatype::kFp64, tf::kDouble},   {Datatype::kBytes, tf::kString},
};

std::optional<Datatype> DatatypeOf(tf::DataType type) {
  for (const auto& [ours, theirs] : kTensorFlowTypes) {
    if (theirs == type) return ours;
  }
  return std::nullopt;
}

tf::DataType TensorFlowTypeOf(Datatype datatype) {
  return std::ranges::find(kTensorFlowTypes, datatype, &std::pair<Datatype, tf::DataType>::first)
      ->second;
}

/// An object of TensorFlow; releases it.
template <class T>
using OwnedTensorFlow = std::unique_ptr<T, std::function<void(T*)>>;

/// ConfigProto: operations run on the caller's thread, each with at most `threads`. Without
/// use_per_session_threads: with it TensorFlow makes a pool of its own for them all the same, whose
/// threads spin.
std::string SessionConfig(int threads) {
  std::string bytes("\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);  // inter_op: -1
  bytes += '\x10';                                                        // intra_op
  for (auto rest = static_cast<unsigned>(threads); true; rest >>= 7) {
    bytes += static_cast<char>(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return bytes;
}

class TensorFlowModel final : public TensorModel {
 public:
  explicit TensorFlowModel(const TensorFlowLibrary& library)
      : tf_(library), graph_(library.NewGraph(), library.DeleteGraph) {}

  Status LoadFrozen(const TensorFlowOptions& options, std::string_view bytes) {
    const OwnedTensorFlow<tf::Buffer> buffer(tf_.NewBufferFromString(bytes.data(), bytes.size()),
                                             tf_.DeleteBuffer);
    const OwnedTensorFlow<tf::ImportGraphDefOptions> import(tf_.NewImportGraphDefOptions(),
                                                            tf_.DeleteImportGraphDefOptions);
    ARROW_RETURN_NOT_OK(Try([&](tf::Status* status) {
      tf_.GraphImportGraphDef(graph_.get(), buffer.get(), import.get(), status);
    }));
    ARROW_ASSIGN_OR_RAISE(const auto settings, Settings(options));
    ARROW_RETURN_NOT_OK(Try([&](tf::Status* status) {
      session_ = Own(tf_.NewSession(graph_.get(), settings.get(), status));
    }));
    GraphSignature signature;
    for (const bool input : {true, false}) {
      auto& side = input ? signature.inputs : signature.outputs;
      const auto& named = input ? options.inputs : options.outputs;
      for (const std::string& name : named.empty() ? Ends(input) : named) {
        side.push_back({name, name, std::nullopt});
      }
    }
    return Describe(options, signature, Sha256(bytes));
  }

  Status LoadSaved(const TensorFlowOptions& options, FileSystem& files) {
    ARROW_ASSIGN_OR_RAISE(const auto settings, Settings(options));
    const OwnedTensorFlow<tf::Buffer> meta_graph(tf_.NewBuffer(), tf_.DeleteBuffer);
    const char* tag = options.tag.c_str();
    ARROW_RETURN_NOT_OK(Try([&](tf::Status* status) {
      session_ =
          Own(tf_.LoadSessionFromSavedModel(settings.get(), nullptr, options.path.c_str(), &tag, 1,
                                            graph_.get(), meta_graph.get(), status));
    }));
    ARROW_ASSIGN_OR_RAISE(
        const auto signatures,
        ReadSignatures({static_cast<const char*>(meta_graph->data), meta_graph->length}));
    ARROW_ASSIGN_OR_RAISE(const GraphSignature* signature, Choose(signatures, options.signature));
    ARROW_ASSIGN_OR_RAISE(const auto listed, files.List(options.path));
    std::string content;
    for (const FileInfo& file : listed) {
      ARROW_ASSIGN_OR_RAISE(const std::string bytes, ReadFile(files, file.path));
      content += file.path.substr(options.path.size()) + ' ' + Sha256(bytes) + '\n';
    }
    return Describe(options, *signature, Sha256(content));
  }

  const ModelSignature& signature() const override { return signature_; }

  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs,
                                  std::span<const int> outputs) override {
    std::vector<OwnedTensorFlow<tf::Tensor>> owned;
    std::vector<tf::Tensor*> values;
    for (const Tensor& input : inputs) {
      owned.push_back(ValueOf(input));
      values.push_back(owned.back().get());
    }
    std::vector<tf::Output> wanted;
    for (const int output : outputs) wanted.push_back(outputs_[static_cast<size_t>(output)]);
    std::vector<tf::Tensor*> results(outputs.size());
    const Status ran = Try([&](tf::Status* status) {
      tf_.SessionRun(session_.get(), nullptr, inputs_.data(), values.data(),
                     static_cast<int>(values.size()), wanted.data(), results.data(),
                     static_cast<int>(results.size()), nullptr, 0, nullptr, status);
    });
    std::vector<OwnedTensorFlow<tf::Tensor>> owned_results;
    for (tf::Tensor* result : results) owned_results.push_back(Own(result));
    if (!ran.ok()) return Error::Data("TensorFlow: " + ran.message());
    std::vector<Tensor> tensors;
    for (size_t i = 0; i < results.size(); ++i) {
      const auto index = static_cast<size_t>(outputs[i]);
      ARROW_ASSIGN_OR_RAISE(tensors.emplace_back(),
                            TensorOf(signature_.outputs[index].name, std::move(owned_results[i])));
    }
    return tensors;
  }

 private:
  template <class Call>
  Status Try(Call&& call) const {
    const OwnedTensorFlow<tf::Status> status(tf_.NewStatus(), tf_.DeleteStatus);
    call(status.get());
    if (tf_.GetCode(status.get()) == 0) return Status::OK();
    return Error::User(tf_.Message(status.get()));
  }

  OwnedTensorFlow<tf::Session> Own(tf::Session* session) const {
    return {session, [this](tf::Session* each) {
              const OwnedTensorFlow<tf::Status> status(tf_.NewStatus(), tf_.DeleteStatus);
              tf_.DeleteSession(each, status.get());
            }};
  }

  /// Its strings end with it.
  OwnedTensorFlow<tf::Tensor> Own(tf::Tensor* tensor) const {
    return {tensor, [this](tf::Tensor* each) {
              if (tf_.TensorType(each) == tf::kString) {
                for (tf::String& text : StringsOf(each)) tf_.StringDealloc(&text);
              }
              tf_.DeleteTensor(each);
            }};
  }

  Result<OwnedTensorFlow<tf::SessionOptions>> Settings(const TensorFlowOptions& options) const {
    OwnedTensorFlow<tf::SessionOptions> settings(tf_.NewSessionOptions(), tf_.DeleteSessionOptions);
    const std::string config = SessionConfig(options.intra_op_threads);
    ARROW_RETURN_NOT_OK(Try([&](tf::Status* status) {
      tf_.SetConfig(settings.get(), config.data(), config.size(), status);
    }));
    return settings;
  }

  /// What a frozen graph begins or ends with.
  std::vector<std::string> Ends(bool begin) const {
    std::vector<std::string> names;
    size_t position = 0;
    while (tf::Operation* operation = tf_.GraphNextOperation(graph_.get(), &position)) {
      const std::string_view type = tf_.OperationOpType(operation);
      const bool placeholder = type == "Placeholder";
      const bool used = tf_.OperationNumOutputs(operation) > 0 &&
                        tf_.OperationOutputNumConsumers({operation, 0}) > 0;
      const bool end = tf_.OperationNumOutputs(operation) > 0 && !used && type != "Const";
      if (begin ? placeholder && used : end && !placeholder)
        names.emplace_back(tf_.OperationName(operation));
    }
    return names;
  }

  static Result<const GraphSignature*> Choose(const std::vector<GraphSignature>& signatures,
                                              const std::string& wanted) {
    std::vector<std::string> names;
    for (const GraphSignature& each : signatures) names.push_back(each.name);
    const auto found = std::ranges::find(signatures, wanted.empty() ? "serving_default" : wanted,
                                         &GraphSignature::name);
    if (found != signatures.end()) return &*found;
    if (wanted.empty() && signatures.size() == 1) return &signatures[0];
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
    return Error::User(wanted.empty() ? "the model has no signature 'serving_default'"
                                      : "the model has no signature '" + wanted + "'")
        .Hint(signatures.empty() ? "save it with signatures"
                                 : "set the option 'signature' to one of " + list);
  }

  Result<tf::Output> Find(const std::string& tensor) const {
    std::string name = tensor;
    int index = 0;
    if (const auto colon = tensor.rfind(':'); colon != std::string::npos) {
      const char* end = tensor.data() + tensor.size();
      const auto number = std::from_chars(tensor.data() + colon + 1, end, index);
      if (number.ec == std::errc() && number.ptr == end) name = tensor.substr(0, colon);
    }
    tf::Operation* operation = tf_.GraphOperationByName(graph_.get(), name.c_str());
    if (operation != nullptr && index >= 0 && index < tf_.OperationNumOutputs(operation))
      return tf::Output{operation, index};
    std::vector<std::string> names;
    size_t position = 0;
    while (tf::Operation* each = tf_.GraphNextOperation(graph_.get(), &position))
      names.emplace_back(tf_.OperationName(each));
    return Error::User("the graph has no tensor '" + tensor + "'").Hint(Suggest(name, names));
  }

  Result<std::vector<int64_t>> ShapeOf(tf::Output output) const {
    std::vector<int64_t> shape;
    ARROW_RETURN_NOT_OK(Try([&](tf::Status* status) {
      const int rank = tf_.GraphGetTensorNumDims(graph_.get(), output, status);
      if (rank < 0) {
        shape = {-1, -1};
        return;
      }
      shape.resize(static_cast<size_t>(rank));
      tf_.GraphGetTensorShape(graph_.get(), output, shape.data(), rank, status);
    }));
    return shape;
  }

  Status Describe(const TensorFlowOptions& options, const GraphSignature& graph,
                  std::string version) {
    bool batched = !graph.inputs.empty();
    for (const bool input : {true, false}) {
      for (const SignatureTensor& each : input ? graph.inputs : graph.outputs) {
        ARROW_ASSIGN_OR_RAISE(const tf::Output output, Find(each.tensor));
        const auto datatype = DatatypeOf(tf_.OperationOutputType(output));
        if (!datatype) {
          return Error::User("the tensor '" + each.tensor + "' has a type that SQL has not");
        }
        auto shape = each.shape;
        if (!shape) {
          ARROW_ASSIGN_OR_RAISE(shape, ShapeOf(output));
        }
        if (input) batched = batched && !shape->empty() && (*shape)[0] == -1;
        (input ? inputs_ : outputs_).push_back(output);
        auto& side = input ? signature_.inputs : signature_.outputs;
        side.push_back({each.key, std::string(NameOf(*datatype)), *std::move(shape)});
      }
    }
    if (signature_.inputs.empty() || signature_.outputs.empty()) {
      return Error::User("the graph has no placeholder to feed, or nothing to fetch")
          .Hint("name its tensors in the options 'inputs' and 'outputs'");
    }
    signature_.batched = batched;
    signature_.max_batch = batched ? options.max_batch : 1;
    signature_.local = true;
    signature_.version = std::move(version);
    for (auto* side : {&signature_.inputs, &signature_.outputs}) {
      for (TensorSpec& spec : *side) {
        if (batched && !spec.shape.empty()) spec.shape.erase(spec.shape.begin());
      }
    }
    return Status::OK();
  }

  OwnedTensorFlow<tf::Tensor> ValueOf(const Tensor& tensor) const {
    const auto rank = static_cast<int>(tensor.shape.size());
    if (tensor.datatype != Datatype::kBytes) {
      // TensorFlow does not write to inputs; it copies those that are not aligned.
      auto* keep = new std::shared_ptr<arrow::Buffer>(tensor.data);
      return Own(tf_.NewTensor(
          TensorFlowTypeOf(tensor.datatype), tensor.shape.data(), rank,
          const_cast<uint8_t*>(tensor.data->data()), static_cast<size_t>(tensor.data->size()),
          [](void*, size_t, void* kept) {
            delete static_cast<std::shared_ptr<arrow::Buffer>*>(kept);
          },
          keep));
    }
    const auto n = static_cast<size_t>(tensor.bytes->length());
    auto value =
        Own(tf_.AllocateTensor(tf::kString, tensor.shape.data(), rank, n * sizeof(tf::String)));
    const auto strings = StringsOf(value.get());
    for (size_t i = 0; i < n; ++i) {
      const std::string_view text = tensor.bytes->GetView(static_cast<int64_t>(i));
      tf_.StringInit(&strings[i]);
      tf_.StringCopy(&strings[i], text.data(), text.size());
    }
    return value;
  }

  std::span<tf::String> StringsOf(const tf::Tensor* tensor) const {
    return {static_cast<tf::String*>(tf_.TensorData(tensor)),
            static_cast<size_t>(ElementsOf(DimsOf(tensor)))};
  }

  std::vector<int64_t> DimsOf(const tf::Tensor* tensor) const {
    std::vector<int64_t> shape;
    for (int i = 0; i < tf_.NumDims(tensor); ++i) shape.push_back(tf_.Dim(tensor, i));
    return shape;
  }

  Result<Tensor> TensorOf(const std::string& name, OwnedTensorFlow<tf::Tensor> value) const {
    Tensor tensor;
    tensor.name = name;
    tensor.datatype = *DatatypeOf(tf_.TensorType(value.get()));
    tensor.shape = DimsOf(value.get());
    if (tensor.datatype == Datatype::kBytes) {
      arrow::BinaryBuilder texts;
      for (const tf::String& text : StringsOf(value.get())) {
        ARROW_RETURN_NOT_OK(texts.Append(
            std::string_view(tf_.StringGetDataPointer(&text), tf_.StringGetSize(&text))));
      }
      ARROW_RETURN_NOT_OK(texts.Finish(&tensor.bytes));
      return tensor;
    }
    const auto* data = static_cast<const uint8_t*>(tf_.TensorData(value.get()));
    const int64_t size = tensor.num_elements() * SizeOf(tensor.datatype);
    const std::shared_ptr<tf::Tensor> kept = std::move(value);
    tensor.data = std::shared_ptr<arrow::Buffer>(new arrow::Buffer(data, size),
                                                 [kept](arrow::Buffer* each) { delete each; });
    return tensor;
  }

  const TensorFlowLibrary& tf_;
  OwnedTensorFlow<tf::Graph> graph_;
  OwnedTensorFlow<tf::Session> session_;
  ModelSignature signature_;
  std::vector<tf::Output> inputs_, outputs_;
};

}  // namespace

Result<std::shared_ptr<TensorModel>> LoadTensorFlowModel(const TensorFlowOptions& options,
                                                         FileSystem& files) {
  ARROW_ASSIGN_OR_RAISE(const auto* library, TensorFlowLibrary::Get(options.library));
  const auto found = files.Stat(options.path);
  if (!found.ok()) {
    return Error::User("the model cannot be read: " + found.status().message())
        .In(options.path)
        .Hint("'path' is a frozen graph's file or a SavedModel's folder on this machine");
  }
  auto model = std::make_shared<TensorFlowModel>(*library);
  Status loaded;
  if (found->is_directory) {
    loaded = model->LoadSaved(options, files);
  } else {
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, ReadFile(files, options.path));
    loaded = model->LoadFrozen(options, bytes);
  }
  if (loaded.ok()) return model;
  const std::string hint = InfoOf(loaded).hint;
  return Error::User("TensorFlow cannot load '" + options.path + "': " + loaded.message())
      .In(options.path)
      .Hint(!hint.empty() ? hint
                          : "check that it is complete: a frozen GraphDef, or the folder with "
                            "saved_model.pb and variables/");
}

Result<std::shared_ptr<TensorModel>> LoadFrozenGraph(const TensorFlowOptions& options,
                                                     std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(const auto* library, TensorFlowLibrary::Get(options.library));
  auto model = std::make_shared<TensorFlowModel>(*library);
  const Status loaded = model->LoadFrozen(options, bytes);
  if (loaded.ok()) return model;
  const std::string size = std::to_string(bytes.size()) + " bytes";
  return loaded.WithMessage("TensorFlow cannot load the frozen graph of ", size, ": ",
                            loaded.message());
}

}  // namespace millrace
