#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

/// Hands a query's rows to its receiver.
class Collect final : public Operator {
 public:
  explicit Collect(std::shared_ptr<RowReceiver> receiver) : receiver_(std::move(receiver)) {}

  Status Open(OperatorContext& context) override {
    receiver_->OnReady([sender = context.sender()] { sender.Send({}); });
    return Status::OK();
  }
  bool Accepts(int) const override { return receiver_->HasRoom(); }
  Status ProcessBatch(int, Batch batch, Collector&) override {
    return receiver_->Receive(std::move(batch));
  }

 private:
  const std::shared_ptr<RowReceiver> receiver_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeCollect(const OperatorRequest& request) {
  ARROW_ASSIGN_OR_RAISE(auto receiver,
                        request.services.receiver(ConfigOf<CollectConfig>(request.node).receiver));
  return std::make_unique<Collect>(std::move(receiver));
}

}  // namespace millrace
