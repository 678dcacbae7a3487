// Scores a stream of card payments from a C++ program and reads the suspicious ones as Arrow.
//
//   build/release/score_stream
//
// The score is an expression here, so that the program needs no model. With a model only the SQL
// changes:
//   CREATE MODEL fraud WITH ('provider' = 'onnx', 'path' = 'fraud.onnx');
//   SELECT id, fraud(amount, hour_of_day) AS score FROM payments

#include <algorithm>
#include <cstdint>
#include <iostream>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <millrace/session.h>

namespace {

constexpr char kSetup[] = R"(
  CREATE TABLE payments (
    id BIGINT,
    amount DOUBLE,
    hour_of_day INT
  ) WITH (
    'connector' = 'datagen',
    'rows-per-second' = '0', 'number-of-rows' = '100000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000',
    'fields.amount.min' = '1', 'fields.amount.max' = '1000',
    'fields.hour_of_day.min' = '0', 'fields.hour_of_day.max' = '23'
  );
)";

constexpr char kQuery[] = R"(
  SELECT id, amount / 1000 + CASE WHEN hour_of_day < 6 THEN 0.5 ELSE 0 END AS score
  FROM payments
  WHERE score > 1.4
)";

arrow::Status Run() {
  ARROW_ASSIGN_OR_RAISE(const auto session, millrace::Session::Open());
  ARROW_RETURN_NOT_OK(session->Execute(kSetup).status());
  ARROW_ASSIGN_OR_RAISE(const auto result, session->Query(kQuery));

  int64_t suspicious = 0;
  double highest = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const millrace::Changes changes, result->Next());
    if (changes.rows == nullptr) break;
    const auto& scores =
        static_cast<const arrow::DoubleArray&>(*changes.rows->GetColumnByName("score"));
    for (int64_t row = 0; row < scores.length(); ++row)
      highest = std::max(highest, scores.Value(row));
    suspicious += changes.rows->num_rows();
  }

  const millrace::JobMetrics metrics = result->job().metrics();
  std::cout << suspicious << " of " << metrics.rows_read
            << " payments are suspicious; the highest score is " << highest << "\n";
  return suspicious > 0 && highest <= 1.5 ? arrow::Status::OK()
                                          : arrow::Status::Invalid("the scores make no sense");
}

}  // namespace

int main() {
  const arrow::Status status = Run();
  if (!status.ok()) std::cerr << millrace::ErrorText(status) << "\n";
  return status.ok() ? 0 : 1;
}
