#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "expr/program.h"
#include "spi/services.h"

namespace millrace::expr {

/// Builds a program: expressions to nodes, nodes to steps.
class Compiler {
 public:
  Compiler(const Schema& input, std::span<const ExpressionPtr> locals, const Registries& registries)
      : input_(input), locals_(locals), registries_(registries) {}

  Result<std::shared_ptr<const Program>> Compile(const ExpressionPtr& condition,
                                                 std::span<const ExpressionPtr> outputs);

 private:
  using Node = Program::Node;
  using Kind = Node::Kind;
  using Control = Program::Control;

  struct Call {
    const ScalarFunctionSpec* spec = nullptr;
    BoundFunction bound;
  };

  int AddRegion(int parent) {
    program_->regions_.push_back({parent, {}, {}});
    return static_cast<int>(program_->regions_.size()) - 1;
  }
  Node& node(int id) { return program_->nodes_[static_cast<size_t>(id)]; }

  const Expression& Resolve(const Expression& expression) const;
  Result<const Call*> Bind(const Expression& call);
  /// Whether the call is a block operation, and so cannot fail by itself.
  bool IsBlockCall(const Expression& call) const;
  Result<bool> CanFail(const Expression& expression);
  std::optional<BlockOp> FindOp(std::string_view function, const std::vector<int>& arguments,
                                const SqlType& type);
  bool SafeDivisor(int id);

  Result<int> Add(const Expression& expression, int region);
  Result<int> AddCall(const Expression& call, int region);
  Result<int> AddLazy(const Expression& call, Control control, int region);
  Result<int> AddBlock(const std::string& function, std::vector<int> arguments, const SqlType& type,
                       Position position, int region);
  Result<int> AddKernel(const Expression& call, std::vector<int> arguments, int region);
  Result<int> AddLiteral(const SqlType& type, ColumnValue value, std::string key);
  /// The node of `key`, or a new one of what `make` builds, in the region where it belongs.
  int Intern(std::string key, Node made, int region);
  Result<int> Fold(int id);
  bool AllLiterals(const std::vector<int>& ids) {
    return std::ranges::all_of(ids, [&](int id) { return node(id).kind == Kind::kLiteral; });
  }

  void CollectDepends(int control_region, int region, std::set<int>* depends);
  void MarkUsed(int id);
  void Schedule();
  void ScheduleRegion(int region);
  void AddBlockStep(int region, int level);
  int Emit(int id, int region, int level, Program::Block* block, std::map<int, int>* values);

  const Schema& input_;
  std::span<const ExpressionPtr> locals_;
  const Registries& registries_;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
  int base_ = 0;
  std::map<std::pair<const Expression*, int>, int> added_;
  std::map<const Expression*, Call> bound_;
  std::map<const Expression*, bool> can_fail_;
  std::map<std::string, int> interned_;
  std::vector<bool> used_;  ///< nodes that an output needs: not those that were folded away
  int unique_ = 0;
  std::vector<ExpressionPtr> rewritten_;  ///< keeps alive what `added_` has pointers to
};

}  // namespace millrace::expr
