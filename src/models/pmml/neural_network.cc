#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>

#include "models/pmml/expression.h"
#include "models/pmml/link_function.h"
#include "models/pmml/model.h"
#include "models/pmml/numeric_output.h"

namespace millrace::pmml {
namespace {

enum class Activation {
  kThreshold,
  kLogistic,
  kTanh,
  kIdentity,
  kExponential,
  kReciprocal,
  kSquare,
  kGauss,
  kSine,
  kCosine,
  kElliott,
  kArctan,
  kRectifier,
  kRadialBasis
};
enum class NetworkNormalization { kNone, kSimpleMax, kSoftMax };

const std::initializer_list<std::pair<std::string_view, Activation>> kActivations = {
    {"threshold", Activation::kThreshold},
    {"logistic", Activation::kLogistic},
    {"tanh", Activation::kTanh},
    {"identity", Activation::kIdentity},
    {"exponential", Activation::kExponential},
    {"reciprocal", Activation::kReciprocal},
    {"square", Activation::kSquare},
    {"Gauss", Activation::kGauss},
    {"sine", Activation::kSine},
    {"cosine", Activation::kCosine},
    {"Elliott", Activation::kElliott},
    {"arctan", Activation::kArctan},
    {"rectifier", Activation::kRectifier},
    {"radialBasis", Activation::kRadialBasis}};
const std::initializer_list<std::pair<std::string_view, NetworkNormalization>> kNormalizations = {
    {"none", NetworkNormalization::kNone},
    {"simplemax", NetworkNormalization::kSimpleMax},
    {"softmax", NetworkNormalization::kSoftMax}};

struct Neuron {
  double bias = 0, width = 0, altitude = 1;
  std::vector<std::pair<Slot, double>> weights;
  Slot slot = kNoSlot;
};

struct Layer {
  std::vector<Neuron> neurons;
  Activation activation;
  NetworkNormalization normalization;
  double threshold = 0;
};

void Activate(const Layer& layer, double* x, int n) {
  switch (layer.activation) {
    case Activation::kThreshold:
      return ApplyToEach(x, n, [&](double z) {
        return IsMissing(z) ? z : z > layer.threshold ? 1.0 : 0.0;
      });
    case Activation::kLogistic:
      return InverseLink(Link::kLogit, 0, x, n);
    case Activation::kTanh:
      return ApplyToEach(x, n, [](double z) { return std::tanh(z); });
    case Activation::kExponential:
      return InverseLink(Link::kLog, 0, x, n);
    case Activation::kReciprocal:
      return ApplyToEach(x, n, [](double z) { return 1 / z; });
    case Activation::kSquare:
      return ApplyToEach(x, n, [](double z) { return z * z; });
    case Activation::kGauss:
      return ApplyToEach(x, n, [](double z) { return std::exp(-z * z); });
    case Activation::kSine:
      return ApplyToEach(x, n, [](double z) { return std::sin(z); });
    case Activation::kCosine:
      return ApplyToEach(x, n, [](double z) { return std::cos(z); });
    case Activation::kElliott:
      return ApplyToEach(x, n, [](double z) { return z / (1 + std::abs(z)); });
    case Activation::kArctan:
      return ApplyToEach(x, n, [](double z) { return 2 * std::atan(z) / std::numbers::pi; });
    case Activation::kRectifier:
      return ApplyToEach(x, n, [](double z) { return IsMissing(z) ? z : std::max(z, 0.0); });
    case Activation::kIdentity:
    case Activation::kRadialBasis:
      return;
  }
}

class NeuralNetwork final : public Model {
 public:
  NeuralNetwork(const Element& element, const ModelContext& context) {
    element.RequireText("activationFunction");
    ReadInputs(element.Require("NeuralInputs"), context);
    for (const Element& layer : element.Children("NeuralLayer")) ReadLayer(element, layer, context);
    if (layers_.empty()) element.Fail("has no <NeuralLayer>");
    ReadOutputs(element.Require("NeuralOutputs"), context);
  }

  void Run(Frame& frame, Active) const override {
    for (const auto& [slot, expression] : inputs_) expression->Evaluate(frame, frame.Write(slot));
    for (const Layer& layer : layers_) RunLayer(layer, frame);
    if (result.categories.empty()) {
      double* out = frame.Write(result.value);
      std::copy_n(frame.Read(output_), frame.rows(), out);
      scale_->Invert(out, frame.rows());
    } else {
      ChooseGreatest(frame);
    }
  }

 private:
  void ReadInputs(const Element& inputs, const ModelContext& context) {
    for (const Element& input : inputs.Children("NeuralInput")) {
      const Slot slot = context.compiler().NewSlot();
      inputs_.emplace_back(slot,
                           ConvertTo(DataType::kDouble,
                                     CompileDerived(input.Require("DerivedField"), context.scope)));
      slots_[input.RequireText("id")] = slot;
    }
  }

  void ReadLayer(const Element& network, const Element& element, const ModelContext& context) {
    const auto inherited = [&](const char* attribute) -> const Element& {
      return element.Has(attribute) ? element : network;
    };
    Layer layer;
    layer.activation = inherited("activationFunction").Choice("activationFunction", kActivations);
    layer.normalization =
        inherited("normalizationMethod").Choice("normalizationMethod", kNormalizations);
    layer.threshold = inherited("threshold").Number("threshold", 0);
    const bool radial = layer.activation == Activation::kRadialBasis;
    std::map<std::string, Slot> own;
    for (const Element& part : element.Children("Neuron")) {
      Neuron neuron;
      neuron.bias = part.Number("bias", 0);
      neuron.altitude = part.Has("altitude") ? part.Number("altitude")
                                             : inherited("altitude").Number("altitude", 1);
      if (radial)
        neuron.width =
            part.Has("width") ? part.Number("width") : inherited("width").Number("width");
      for (const Element& connection : part.Children("Con")) {
        const auto from = slots_.find(connection.RequireText("from"));
        if (from == slots_.end())
          connection.Fail("names the neuron '" + connection.Text("from") +
                          "', which no layer before has");
        neuron.weights.emplace_back(from->second, connection.Number("weight"));
      }
      neuron.slot = context.compiler().NewSlot();
      own[part.RequireText("id")] = neuron.slot;
      layer.neurons.push_back(std::move(neuron));
    }
    slots_.insert(own.begin(), own.end());
    layers_.push_back(std::move(layer));
  }

  void ReadOutputs(const Element& outputs, const ModelContext& context) {
    std::vector<std::pair<double, Slot>> categories;
    for (const Element& output : outputs.Children("NeuralOutput")) {
      const auto neuron = slots_.find(output.RequireText("outputNeuron"));
      if (neuron == slots_.end())
        output.Fail("names the neuron '" + output.Text("outputNeuron") +
                    "', which there is none of");
      const Element expression = ExpressionOf(output.Require("DerivedField"));
      if (!expression) output.Fail("has no expression");
      if (context.function == MiningFunction::kClassification) {
        if (!expression.Is("NormDiscrete"))
          expression.FailUnsupported("an output of a classification", "NormDiscrete");
        categories.emplace_back(context.TargetValue(expression, expression.RequireText("value")),
                                neuron->second);
      } else {
        output_ = neuron->second;
        scale_ = NumericOutput::Read(expression);
      }
    }
    result.function = context.function;
    result.type = context.ValueType();
    result.value = context.compiler().NewResult();
    for (const auto& [value, slot] : categories) result.categories.push_back({value, slot});
    const bool complete = context.function == MiningFunction::kClassification ? !categories.empty()
                                                                              : scale_.has_value();
    if (!complete) outputs.Fail("has no <NeuralOutput> for the target");
  }

  static void RunLayer(const Layer& layer, Frame& frame) {
    const int n = frame.rows();
    std::vector<double*> columns;
    for (const Neuron& neuron : layer.neurons) {
      double* out = columns.emplace_back(frame.Write(neuron.slot));
      if (layer.activation == Activation::kRadialBasis) {
        Radiate(neuron, frame, out);
        continue;
      }
      Sum(neuron, frame, out);
      Activate(layer, out, n);
    }
    if (layer.normalization == NetworkNormalization::kSoftMax) SoftMax(columns, n);
    if (layer.normalization == NetworkNormalization::kSimpleMax) SimpleMax(columns, n);
  }

  /// Four inputs at a time, so that the sum is written back a quarter as often.
  static void Sum(const Neuron& neuron, const Frame& frame, double* out) {
    const int n = frame.rows();
    std::fill_n(out, n, neuron.bias);
    const auto& weights = neuron.weights;
    size_t k = 0;
    for (; k + 4 <= weights.size(); k += 4) {
      const double *a = frame.Read(weights[k].first), *b = frame.Read(weights[k + 1].first);
      const double *c = frame.Read(weights[k + 2].first), *d = frame.Read(weights[k + 3].first);
      const double wa = weights[k].second, wb = weights[k + 1].second, wc = weights[k + 2].second,
                   wd = weights[k + 3].second;
      for (int i = 0; i < n; ++i) out[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    }
    for (; k < weights.size(); ++k) {
      const double* x = frame.Read(weights[k].first);
      const double weight = weights[k].second;
      for (int i = 0; i < n; ++i) out[i] += weight * x[i];
    }
  }

  static void Radiate(const Neuron& neuron, const Frame& frame, double* out) {
    const int n = frame.rows();
    std::fill_n(out, n, 0.0);
    for (const auto& [slot, weight] : neuron.weights) {
      const double* x = frame.Read(slot);
      for (int i = 0; i < n; ++i) out[i] += (x[i] - weight) * (x[i] - weight);
    }
    const double shift = static_cast<double>(neuron.weights.size()) * std::log(neuron.altitude);
    for (int i = 0; i < n; ++i)
      out[i] = std::exp(shift - out[i] / (2 * neuron.width * neuron.width));
  }

  std::vector<std::pair<Slot, std::unique_ptr<Expression>>> inputs_;
  std::map<std::string, Slot> slots_;  ///< of the neurons, by id
  std::vector<Layer> layers_;
  Slot output_ = kNoSlot;
  std::optional<NumericOutput> scale_;
};

}  // namespace

std::unique_ptr<Model> CompileNeuralNetwork(const Element& element, const ModelContext& context) {
  return std::make_unique<NeuralNetwork>(element, context);
}

}  // namespace millrace::pmml
