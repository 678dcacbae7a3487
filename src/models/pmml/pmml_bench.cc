// A linear model, a tree, a forest and a perceptron as PMML, against the same by hand: what it
// costs that the model is a document. With MILLRACE_PMML_BENCH=FOLDER the documents and their rows
// are written there, for `test/diff/pmml/record.sh bench FOLDER`.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>

#include "models/pmml/pmml_model.h"
#include "models/test_services.h"

namespace millrace::pmml {
namespace {

constexpr int kFields = 11, kHidden = 20, kClasses = 6, kTrees = 50, kDepth = 8;
constexpr int64_t kRows = 4096;

struct Split {
  int field = 0;
  double threshold = 0;
};
/// A full tree: the children of node i are 2 i + 1 and 2 i + 2.
struct Tree {
  std::array<Split, (1 << kDepth) - 1> splits;
  std::array<double, 1 << kDepth> leaves;
};

struct Numbers {
  std::array<double, kFields + 1> line;
  std::vector<Tree> trees;
  std::array<std::vector<double>, 3> layers;  ///< by neuron: the bias, then the weights
  std::array<std::vector<double>, kFields> columns;

  Numbers() {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (double& x : line) x = uniform(random);
    trees.resize(kTrees);
    for (Tree& tree : trees) {
      for (Split& split : tree.splits)
        split = {static_cast<int>(random() % kFields), uniform(random)};
      for (double& leaf : tree.leaves) leaf = uniform(random);
    }
    const int sizes[] = {kFields, kHidden, kHidden, kClasses};
    for (size_t l = 0; l < layers.size(); ++l) {
      layers[l].resize(static_cast<size_t>(sizes[l + 1] * (sizes[l] + 1)));
      for (double& x : layers[l]) x = uniform(random);
    }
    for (auto& column : columns) {
      for (int64_t i = 0; i < kRows; ++i) column.push_back(uniform(random));
    }
  }
};

const Numbers& Data() {
  static const Numbers numbers;
  return numbers;
}

std::string Text(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}
std::string Name(int field) { return "f" + std::to_string(field); }

std::string SchemaText() {
  std::string text = "<MiningSchema>";
  for (int f = 0; f < kFields; ++f) text += "<MiningField name=\"" + Name(f) + "\"/>";
  return text + "</MiningSchema>";
}

std::string NodeText(const Tree& tree, size_t at, const std::string& predicate) {
  const size_t inner = tree.splits.size();
  std::string text = "<Node";
  if (at >= inner) text += " score=\"" + Text(tree.leaves[at - inner]) + '"';
  text += '>' + predicate;
  if (at < inner) {
    const auto test = [&](const char* comparison) {
      return "<SimplePredicate field=\"" + Name(tree.splits[at].field) + "\" operator=\"" +
             comparison + "\" value=\"" + Text(tree.splits[at].threshold) + "\"/>";
    };
    text += NodeText(tree, 2 * at + 1, test("lessOrEqual")) +
            NodeText(tree, 2 * at + 2, test("greaterThan"));
  }
  return text + "</Node>";
}

std::string TreeText(const Tree& tree) {
  return "<TreeModel functionName=\"regression\" splitCharacteristic=\"binarySplit\">" +
         SchemaText() + NodeText(tree, 0, "<True/>") + "</TreeModel>";
}

std::string LineText() {
  std::string text = "<RegressionModel functionName=\"regression\">" + SchemaText() +
                     "<RegressionTable intercept=\"" + Text(Data().line[kFields]) + "\">";
  for (int f = 0; f < kFields; ++f) {
    text += "<NumericPredictor name=\"" + Name(f) + "\" coefficient=\"" +
            Text(Data().line[static_cast<size_t>(f)]) + "\"/>";
  }
  return text + "</RegressionTable></RegressionModel>";
}

std::string ForestText() {
  std::string text = "<MiningModel functionName=\"regression\">" + SchemaText() +
                     "<Segmentation multipleModelMethod=\"average\">";
  for (const Tree& tree : Data().trees) text += "<Segment><True/>" + TreeText(tree) + "</Segment>";
  return text + "</Segmentation></MiningModel>";
}

std::string PerceptronText() {
  std::string text =
      "<NeuralNetwork functionName=\"classification\" activationFunction=\"logistic\">" +
      SchemaText();
  text.insert(text.find("</MiningSchema>"), "<MiningField name=\"class\" usageType=\"target\"/>");
  text += "<NeuralInputs>";
  for (int f = 0; f < kFields; ++f) {
    text += "<NeuralInput id=\"0/" + std::to_string(f) +
            "\"><DerivedField optype=\"continuous\" dataType=\"double\"><FieldRef field=\"" +
            Name(f) + "\"/></DerivedField></NeuralInput>";
  }
  text += "</NeuralInputs>";
  const int sizes[] = {kFields, kHidden, kHidden, kClasses};
  for (size_t l = 0; l < 3; ++l) {
    text += l == 2 ? "<NeuralLayer activationFunction=\"identity\" "
                     "normalizationMethod=\"softmax\">"
                   : "<NeuralLayer>";
    const double* weight = Data().layers[l].data();
    for (int o = 0; o < sizes[l + 1]; ++o) {
      text += "<Neuron id=\"" + std::to_string(l + 1) + '/' + std::to_string(o) + "\" bias=\"" +
              Text(*weight++) + "\">";
      for (int i = 0; i < sizes[l]; ++i) {
        text += "<Con from=\"" + std::to_string(l) + '/' + std::to_string(i) + "\" weight=\"" +
                Text(*weight++) + "\"/>";
      }
      text += "</Neuron>";
    }
    text += "</NeuralLayer>";
  }
  text += "<NeuralOutputs>";
  for (int o = 0; o < kClasses; ++o) {
    text += "<NeuralOutput outputNeuron=\"3/" + std::to_string(o) +
            "\"><DerivedField optype=\"categorical\" dataType=\"string\"><NormDiscrete "
            "field=\"class\" value=\"" +
            std::to_string(o) + "\"/></DerivedField></NeuralOutput>";
  }
  return text + "</NeuralOutputs></NeuralNetwork>";
}

std::string Document(const std::string& model) {
  std::string text =
      "<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\"><Header/><DataDictionary>";
  for (int f = 0; f < kFields; ++f)
    text += "<DataField name=\"" + Name(f) + "\" optype=\"continuous\" dataType=\"double\"/>";
  text += "<DataField name=\"class\" optype=\"categorical\" dataType=\"string\">";
  for (int o = 0; o < kClasses; ++o) text += "<Value value=\"" + std::to_string(o) + "\"/>";
  return text + "</DataField></DataDictionary>" + model + "</PMML>";
}

// By hand, over the same columns.

void ByHandLinear(double* out) {
  const Numbers& data = Data();
  for (int64_t i = 0; i < kRows; ++i) {
    const auto row = static_cast<size_t>(i);
    double sum = data.line[kFields];
    for (size_t f = 0; f < kFields; ++f) sum += data.line[f] * data.columns[f][row];
    out[i] = sum;
  }
}

double WalkTree(const Tree& tree, size_t row) {
  size_t at = 0;
  for (int level = 0; level < kDepth; ++level) {
    const Split& split = tree.splits[at];
    const double x = Data().columns[static_cast<size_t>(split.field)][row];
    at = 2 * at + 1 + (x > split.threshold ? 1 : 0);
  }
  return tree.leaves[at - tree.splits.size()];
}

void ByHandTree(double* out) {
  for (int64_t i = 0; i < kRows; ++i) out[i] = WalkTree(Data().trees[0], static_cast<size_t>(i));
}

void ByHandForest(double* out) {
  for (int64_t i = 0; i < kRows; ++i) {
    double sum = 0;
    for (const Tree& tree : Data().trees) sum += WalkTree(tree, static_cast<size_t>(i));
    out[i] = sum / kTrees;
  }
}

void ByHandPerceptron(double* out) {
  const int sizes[] = {kFields, kHidden, kHidden, kClasses};
  for (int64_t row = 0; row < kRows; ++row) {
    std::array<double, kHidden> in, next;
    for (size_t f = 0; f < kFields; ++f) in[f] = Data().columns[f][static_cast<size_t>(row)];
    for (size_t l = 0; l < 3; ++l) {
      const double* weight = Data().layers[l].data();
      for (int o = 0; o < sizes[l + 1]; ++o) {
        double sum = *weight++;
        for (int i = 0; i < sizes[l]; ++i) sum += in[static_cast<size_t>(i)] * *weight++;
        next[static_cast<size_t>(o)] = l == 2 ? sum : 1 / (1 + std::exp(-sum));
      }
      in = next;
    }
    out[row] =
        static_cast<double>(std::max_element(in.begin(), in.begin() + kClasses) - in.begin());
  }
}

struct Case {
  const char* name;
  std::string (*model)();
  void (*by_hand)(double*);
};
const Case kCases[] = {{"linear", LineText, ByHandLinear},
                       {"tree", [] { return TreeText(Data().trees[0]); }, ByHandTree},
                       {"forest", ForestText, ByHandForest},
                       {"perceptron", PerceptronText, ByHandPerceptron}};

void WriteDocuments() {
  const char* folder = std::getenv("MILLRACE_PMML_BENCH");
  if (folder == nullptr) return;
  for (const Case& which : kCases)
    std::ofstream(std::string(folder) + '/' + which.name + ".pmml") << Document(which.model());
  std::ofstream rows(std::string(folder) + "/rows.csv");
  for (int f = 0; f < kFields; ++f) rows << (f == 0 ? "" : ",") << Name(f);
  for (size_t i = 0; i < 1000; ++i) {
    rows << '\n';
    for (size_t f = 0; f < kFields; ++f) rows << (f == 0 ? "" : ",") << Text(Data().columns[f][i]);
  }
  rows << '\n';
}

void BM_PmmlByHand(benchmark::State& state) {
  const Case& which = kCases[state.range(0)];
  state.SetLabel(which.name);
  std::vector<double> out(kRows);
  for (auto _ : state) {
    which.by_hand(out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

/// Through the model that SQL calls: batches in, batches out.
void BM_Pmml(benchmark::State& state) {
  static const bool written = (WriteDocuments(), true);
  benchmark::DoNotOptimize(written);
  const Case& which = kCases[state.range(0)];
  const int64_t rows = state.range(1);
  state.SetLabel(which.name);
  const auto program = Program::Compile(Document(which.model()), which.name).ValueOrDie();
  ModelConfig config{"m", "pmml", {}, {}, {}};
  config.input = SchemaOf(SignatureFor(*program, config).inputs).ValueOrDie();
  config.output = SchemaOf(SignatureFor(*program, config).outputs).ValueOrDie();
  const auto model = MakePmmlModel(program, config, "v").ValueOrDie();
  arrow::ArrayVector columns;
  for (const auto& column : Data().columns)
    columns.push_back(std::make_shared<arrow::DoubleArray>(rows, arrow::Buffer::Wrap(column)));
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(config.input.ToArrow(), rows, columns);
  for (auto _ : state) {
    model->PredictAsync(batch, {}, [](Result<Prediction> result) {
      benchmark::DoNotOptimize(result.ValueOrDie());
    });
  }
  state.SetItemsProcessed(state.iterations() * rows);
}

BENCHMARK(BM_PmmlByHand)->DenseRange(0, 3)->ArgName("model");
BENCHMARK(BM_Pmml)->ArgsProduct({{0, 1, 2, 3}, {1, 64, kRows}})->ArgNames({"model", "rows"});

}  // namespace
}  // namespace millrace::pmml
