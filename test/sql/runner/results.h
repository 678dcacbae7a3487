#pragma once

#include <memory>
#include <set>
#include <string>

#include "changes.h"
#include "spi/operator_factory.h"
#include "spi/services.h"

namespace millrace::sql_script {

/// Takes a query's rows. Lives through crashes; a transaction counts once, however often it comes.
class Results final : public RowReceiver {
 public:
  explicit Results(Schema schema) : schema_(std::move(schema)) {}

  bool HasRoom() const override { return true; }
  void OnReady(std::function<void()> /*ready*/) override {}
  Status Receive(Batch batch) override { return AppendChanges(schema_, batch, &rows_); }

  Status Commit(const std::string& transaction, const Batch& batch) {
    return transactions_.insert(transaction).second ? Receive(batch) : Status::OK();
  }

  const Schema& schema() const { return schema_; }
  std::vector<Change> Take() { return std::move(rows_); }

 private:
  const Schema schema_;
  std::set<std::string> transactions_;
  std::vector<Change> rows_;
};

/// In place of 'collect' where jobs crash: gives rows to `results` exactly once, when their
/// checkpoint completes.
std::unique_ptr<Operator> MakeCommittingCollect(Results& results);

}  // namespace millrace::sql_script
