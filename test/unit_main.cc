// main() of every unit test executable.

#include <arrow/compute/initialize.h>
#include <gmock/gmock.h>

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  // Since Arrow 21 kernels are registered only by this call.
  if (auto status = arrow::compute::Initialize(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
