#include "models/register.h"

#include "models/onnx/provider.h"
#include "models/pmml/provider.h"
#include "models/python/provider.h"
#include "models/stream/provider.h"
#include "models/tensorflow/provider.h"
#include "models/triton/provider.h"

namespace millrace {

void RegisterModelProviders(Registry<ModelProviderSpec>& providers) {
  providers.Add(OnnxProvider());
  providers.Add(PmmlProvider());
  providers.Add(PythonProvider());
  providers.Add(StreamProvider());
  providers.Add(TensorFlowProvider());
  providers.Add(TritonProvider());
}

}  // namespace millrace
