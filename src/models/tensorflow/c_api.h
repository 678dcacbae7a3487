#pragma once

#include <cstddef>
#include <cstdint>

/// What is used of TensorFlow's C API, whose ABI is stable since 1.0 (strings: since 2.4). Declared
/// here because the headers come only with the library, which a build does not need.
namespace millrace::tf {

struct Status;
struct Graph;
struct Session;
struct SessionOptions;
struct ImportGraphDefOptions;
struct Operation;
struct Tensor;

struct Buffer {
  const void* data;
  size_t length;
  void (*data_deallocator)(void* data, size_t length);
};

/// An output of an operation of a graph.
struct Output {
  Operation* oper;
  int index;
};

/// An element of a tensor of strings, in place.
struct String {
  alignas(8) char opaque[24];
};

enum DataType : int {
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kInt64 = 9,
  kBool = 10,
  kBfloat16 = 14,
  kUint16 = 17,
  kHalf = 19,
  kUint32 = 22,
  kUint64 = 23,
};

}  // namespace millrace::tf

/// Each function's name without `TF_`, and its type.
#define MILLRACE_TENSORFLOW_FUNCTIONS(X)                                                          \
  X(NewStatus, tf::Status*())                                                                     \
  X(DeleteStatus, void(tf::Status*))                                                              \
  X(GetCode, int(const tf::Status*))                                                              \
  X(Message, const char*(const tf::Status*))                                                      \
  X(NewBuffer, tf::Buffer*())                                                                     \
  X(NewBufferFromString, tf::Buffer*(const void*, size_t))                                        \
  X(DeleteBuffer, void(tf::Buffer*))                                                              \
  X(NewGraph, tf::Graph*())                                                                       \
  X(DeleteGraph, void(tf::Graph*))                                                                \
  X(NewImportGraphDefOptions, tf::ImportGraphDefOptions*())                                       \
  X(DeleteImportGraphDefOptions, void(tf::ImportGraphDefOptions*))                                \
  X(GraphImportGraphDef,                                                                          \
    void(tf::Graph*, const tf::Buffer*, const tf::ImportGraphDefOptions*, tf::Status*))           \
  X(GraphOperationByName, tf::Operation*(tf::Graph*, const char*))                                \
  X(GraphNextOperation, tf::Operation*(tf::Graph*, size_t*))                                      \
  X(GraphGetTensorNumDims, int(tf::Graph*, tf::Output, tf::Status*))                              \
  X(GraphGetTensorShape, void(tf::Graph*, tf::Output, int64_t*, int, tf::Status*))                \
  X(OperationName, const char*(tf::Operation*))                                                   \
  X(OperationOpType, const char*(tf::Operation*))                                                 \
  X(OperationNumOutputs, int(tf::Operation*))                                                     \
  X(OperationOutputType, tf::DataType(tf::Output))                                                \
  X(OperationOutputNumConsumers, int(tf::Output))                                                 \
  X(NewSessionOptions, tf::SessionOptions*())                                                     \
  X(DeleteSessionOptions, void(tf::SessionOptions*))                                              \
  X(SetConfig, void(tf::SessionOptions*, const void*, size_t, tf::Status*))                       \
  X(NewSession, tf::Session*(tf::Graph*, const tf::SessionOptions*, tf::Status*))                 \
  X(LoadSessionFromSavedModel,                                                                    \
    tf::Session*(const tf::SessionOptions*, const tf::Buffer*, const char*, const char* const*,   \
                 int, tf::Graph*, tf::Buffer*, tf::Status*))                                      \
  X(DeleteSession, void(tf::Session*, tf::Status*))                                               \
  X(SessionRun, void(tf::Session*, const tf::Buffer*, const tf::Output*, tf::Tensor* const*, int, \
                     const tf::Output*, tf::Tensor**, int, const tf::Operation* const*, int,      \
                     tf::Buffer*, tf::Status*))                                                   \
  X(NewTensor, tf::Tensor*(tf::DataType, const int64_t*, int, void*, size_t,                      \
                           void (*)(void*, size_t, void*), void*))                                \
  X(AllocateTensor, tf::Tensor*(tf::DataType, const int64_t*, int, size_t))                       \
  X(DeleteTensor, void(tf::Tensor*))                                                              \
  X(TensorType, tf::DataType(const tf::Tensor*))                                                  \
  X(NumDims, int(const tf::Tensor*))                                                              \
  X(Dim, int64_t(const tf::Tensor*, int))                                                         \
  X(TensorData, void*(const tf::Tensor*))                                                         \
  X(StringInit, void(tf::String*))                                                                \
  X(StringCopy, void(tf::String*, const char*, size_t))                                           \
  X(StringGetDataPointer, const char*(const tf::String*))                                         \
  X(StringGetSize, size_t(const tf::String*))                                                     \
  X(StringDealloc, void(tf::String*))
