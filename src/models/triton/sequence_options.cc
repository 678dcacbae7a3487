#include "models/triton/sequence_options.h"

#include <algorithm>
#include <set>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "base/suggest.h"

namespace millrace {
namespace {

constexpr std::string_view kSecret = "SECRET:";

Result<int> ColumnNamed(const std::string& name, const Schema& input, const std::string& option) {
  const int column = input.Find(name);
  if (column >= 0) return column;
  std::string hint = Suggest(name, input.Names());
  if (!hint.empty()) hint += "; ";
  return Error::User("'" + option + "' names '${" + name + "}', which is no column of INPUT")
      .Hint(hint + "declare it as a column behind those of the model: INPUT (…, " + name +
            " STRING)");
}

/// Text, ${SECRET:name} and ${column}; $$ is a $.
Result<std::vector<SequenceOptions::Piece>> ReadTemplate(const std::string& option,
                                                         const std::string& text,
                                                         const SecretProvider& secrets,
                                                         const Schema& input) {
  std::vector<SequenceOptions::Piece> pieces;
  const auto literal = [&](std::string_view part) {
    if (pieces.empty() || pieces.back().column >= 0) pieces.emplace_back();
    pieces.back().text += part;
  };
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with("$$")) {
      literal("$");
      i += 2;
    } else if (rest.starts_with("${")) {
      const auto close = rest.find('}');
      if (close == std::string_view::npos) {
        return Error::User("'" + option + "' has a '${' without its '}'")
            .Hint("write ${column}, or $$ for a dollar sign");
      }
      const std::string name(rest.substr(2, close - 2));
      if (name.starts_with(kSecret)) {
        ARROW_ASSIGN_OR_RAISE(const std::string value, secrets.Get(name.substr(kSecret.size())));
        literal(value);
      } else {
        ARROW_ASSIGN_OR_RAISE(const int column, ColumnNamed(name, input, option));
        pieces.push_back({{}, column});
      }
      i += close + 1;
    } else {
      literal(rest.substr(0, 1));
      ++i;
    }
  }
  return pieces;
}

Result<SequenceMark> ReadMark(const std::string& option, const std::string& text,
                              const SecretProvider& secrets, const Schema& input) {
  if (!text.starts_with("${")) {
    const auto always = ParseBool(text);
    if (always.ok()) return SequenceMark{*always, -1};
    return Error::User("'" + option + "' is true, false or a BOOLEAN column, not '" + text + "'")
        .Hint("'" + option + "' = 'true', or '" + option + "' = '${column}'");
  }
  ARROW_ASSIGN_OR_RAISE(const auto pieces, ReadTemplate(option, text, secrets, input));
  if (pieces.size() != 1 || pieces[0].column < 0 ||
      input.column(pieces[0].column).type.kind() != TypeKind::kBoolean) {
    return Error::User("'" + option + "' = '" + text + "' is not one BOOLEAN column of INPUT");
  }
  return SequenceMark{false, pieces[0].column};
}

}  // namespace

std::vector<OptionSpec> SequenceOptions::Specs() {
  return {
      {.key = "sequence-id",
       .doc = "For a model that keeps state: which sequence a row belongs to, as a text with "
              "${column} of INPUT in it ('conversation-${user_id}'; $$ is a $). A column that the "
              "model has no tensor for is declared in INPUT behind the others. Rows of one id are "
              "scored by one subtask, in order, one at a time. An id that is a number goes as "
              "one."},
      {.key = "sequence-id-auto-increment",
       .type = OptionType::kBool,
       .default_value = "false",
       .doc = "Send '{sequence-id}-{subtask}-{counter}': a new counter, which is never used again, "
              "for each sequence that opens; without a column in 'sequence-id' for each row."},
      {.key = "sequence-start",
       .default_value = "false",
       .doc = "Mark requests as the first of their sequence: true (with a column in 'sequence-id' "
              "the first request of each id only, and again after a sequence has ended), false, or "
              "'${column}', a BOOLEAN of INPUT."},
      {.key = "sequence-end",
       .default_value = "false",
       .doc = "Mark requests as the last of their sequence: true, false, or '${column}', a BOOLEAN "
              "of INPUT."},
      {.key = "sequence-gap",
       .type = OptionType::kDuration,
       .doc = "A row that comes so long after the last one of its id opens a new sequence. Set it "
              "below the time after which the server forgets idle sequences."},
  };
}

Result<SequenceOptions> SequenceOptions::Read(const Options& options, const SecretProvider& secrets,
                                              const Schema& input) {
  SequenceOptions read;
  const std::string id = options.String("sequence-id");
  if (id.empty()) {
    for (const char* key :
         {"sequence-id-auto-increment", "sequence-start", "sequence-end", "sequence-gap"}) {
      if (options.Has(key) && options.String(key) != "false") {
        return Error::User("'" + std::string(key) + "' needs a 'sequence-id'")
            .Hint("'sequence-id' = 'conversation-${user_id}'");
      }
    }
    return read;
  }
  ARROW_ASSIGN_OR_RAISE(read.id, ReadTemplate("sequence-id", id, secrets, input));
  read.auto_increment = options.Bool("sequence-id-auto-increment");
  ARROW_ASSIGN_OR_RAISE(
      read.start, ReadMark("sequence-start", options.String("sequence-start"), secrets, input));
  ARROW_ASSIGN_OR_RAISE(read.end,
                        ReadMark("sequence-end", options.String("sequence-end"), secrets, input));
  if (options.Has("sequence-gap")) read.gap_us = options.DurationMicros("sequence-gap");
  return read;
}

std::vector<int> SequenceOptions::id_columns() const {
  std::set<int> columns;
  for (const Piece& piece : id) {
    if (piece.column >= 0) columns.insert(piece.column);
  }
  return {columns.begin(), columns.end()};
}

std::vector<int> SequenceOptions::columns() const {
  std::vector<int> all = id_columns();
  for (const int column : {start.column, end.column}) {
    if (column >= 0 && std::find(all.begin(), all.end(), column) == all.end()) {
      all.push_back(column);
    }
  }
  return all;
}

std::string SequenceOptions::IdOf(const arrow::RecordBatch& rows, int64_t row) const {
  std::string text;
  for (const Piece& piece : id) {
    if (piece.column < 0) {
      text += piece.text;
      continue;
    }
    const arrow::Array& column = *rows.column(piece.column);
    if (column.IsNull(row)) return {};
    const auto value = column.GetScalar(row);
    if (!value.ok()) return {};
    text += (*value)->ToString();
  }
  return text;
}

bool SequenceOptions::Flag(const SequenceMark& mark, const arrow::RecordBatch& rows, int64_t row) {
  if (mark.column < 0) return mark.always;
  const auto& column = static_cast<const arrow::BooleanArray&>(*rows.column(mark.column));
  return column.IsValid(row) && column.Value(row);
}

}  // namespace millrace
