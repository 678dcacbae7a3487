#include <arrow/compute/api_scalar.h>

#include "expr/row_kernel.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Text = std::string_view;

size_t CharacterBytes(Text text) {
  size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
  return size;
}

/// Greedy match of `%` and `_`: goes back to the last `%` only, so it takes at most |text| ·
/// |pattern| steps.
bool Like(Text text, Text pattern, char escape) {
  size_t t = 0, p = 0;
  size_t retry_text = Text::npos, retry_pattern = 0;
  while (t < text.size()) {
    const char c = p < pattern.size() ? pattern[p] : '\0';
    const bool escaped = p + 1 < pattern.size() && c == escape;
    if (p < pattern.size() && !escaped && c == '%') {
      retry_text = t;
      retry_pattern = ++p;
    } else if (p < pattern.size() && !escaped && c == '_') {
      t += CharacterBytes(text.substr(t));
      ++p;
    } else if (p < pattern.size() && pattern[escaped ? p + 1 : p] == text[t]) {
      ++t;
      p += escaped ? 2 : 1;
    } else if (retry_text != Text::npos) {
      retry_text += CharacterBytes(text.substr(retry_text));
      t = retry_text;
      p = retry_pattern;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

/// SIMILAR TO as a regular expression of the whole text.
std::string SimilarToRegex(Text pattern) {
  std::string regex = "^(?s:";
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '%')
      regex += ".*";
    else if (c == '_')
      regex += '.';
    else if (c == '.' || c == '^' || c == '$' || c == '\\')
      regex += std::string("\\") + c;
    else
      regex += c;
  }
  return regex + ")$";
}

using Call = std::function<Result<std::shared_ptr<arrow::Array>>(const arrow::Datum& texts,
                                                                 const std::string& pattern)>;

/// Runs a regex kernel of Arrow: once where the pattern is one for all rows, else once per run of
/// equal patterns.
ScalarKernel PerPattern(size_t pattern_argument, std::shared_ptr<arrow::DataType> type, Call call) {
  return [=](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
             RowErrors& errors) -> Result<ColumnValue> {
    const ColumnValue& patterns = arguments[pattern_argument];
    const ColumnValue& texts = arguments[0];
    const ColumnReader<Text> pattern(patterns);
    if (patterns.constant) {
      if (patterns.array->IsNull(0)) {
        ARROW_ASSIGN_OR_RAISE(auto null, arrow::MakeArrayOfNull(type, 1));
        return ColumnValue{null, true};
      }
      auto result = call(texts.array, std::string(pattern[0]));
      if (result.ok()) return ColumnValue{*result, texts.constant};
      errors.AddToAll("malformed pattern '" + std::string(pattern[0]) +
                      "': " + result.status().message());
      ARROW_ASSIGN_OR_RAISE(auto null, arrow::MakeArrayOfNull(type, 1));
      return ColumnValue{null, true};
    }
    arrow::ArrayVector pieces;
    for (int64_t row = 0; row < rows;) {
      int64_t end = row + 1;
      const bool null = patterns.array->IsNull(row);
      while (end < rows && patterns.array->IsNull(end) == null &&
             (null || pattern[end] == pattern[row]))
        ++end;
      std::shared_ptr<arrow::Array> piece;
      if (!null) {
        std::shared_ptr<arrow::Array> slice = texts.array;
        if (texts.constant) {
          ARROW_ASSIGN_OR_RAISE(auto scalar, texts.array->GetScalar(0));
          ARROW_ASSIGN_OR_RAISE(slice, arrow::MakeArrayFromScalar(*scalar, end - row));
        } else {
          slice = texts.array->Slice(row, end - row);
        }
        auto result = call(slice, std::string(pattern[row]));
        if (result.ok()) piece = *result;
        for (int64_t failed = row; !result.ok() && failed < end; ++failed) {
          errors.Add(failed, "malformed pattern '" + std::string(pattern[row]) +
                                 "': " + result.status().message());
        }
      }
      if (piece == nullptr) {
        ARROW_ASSIGN_OR_RAISE(piece, arrow::MakeArrayOfNull(type, end - row));
      }
      pieces.push_back(std::move(piece));
      row = end;
    }
    if (pieces.empty()) {
      ARROW_ASSIGN_OR_RAISE(pieces.emplace_back(), arrow::MakeArrayOfNull(type, 0));
    }
    ARROW_ASSIGN_OR_RAISE(auto all, arrow::Concatenate(pieces));
    return ColumnValue{all};
  };
}

Result<std::shared_ptr<arrow::Array>> Matches(const arrow::Datum& texts, const std::string& regex) {
  const arrow::compute::MatchSubstringOptions options(regex);
  ARROW_ASSIGN_OR_RAISE(auto result,
                        arrow::compute::CallFunction("match_substring_regex", {texts}, &options));
  return result.make_array();
}

/// The regex with every capturing group named: the whole is g0, then g1 …
std::string NameGroups(Text regex, int* groups) {
  std::string named = "(?P<g0>";
  bool in_class = false;
  *groups = 0;
  for (size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    named += c;
    if (c == '\\' && i + 1 < regex.size())
      named += regex[++i];
    else if (c == '[')
      in_class = true;
    else if (c == ']')
      in_class = false;
    else if (c == '(' && !in_class && (i + 1 == regex.size() || regex[i + 1] != '?')) {
      named += "?P<g" + std::to_string(++*groups) + ">";
    }
  }
  return named + ")";
}

Result<std::shared_ptr<arrow::Array>> Extract(const arrow::Datum& texts, const std::string& regex,
                                              int group) {
  int groups = 0;
  const arrow::compute::ExtractRegexOptions options(NameGroups(regex, &groups));
  if (group < 0 || group > groups) return arrow::MakeArrayOfNull(arrow::utf8(), texts.length());
  ARROW_ASSIGN_OR_RAISE(auto result,
                        arrow::compute::CallFunction("extract_regex", {texts}, &options));
  const auto array = result.make_array();
  ARROW_ASSIGN_OR_RAISE(auto fields, static_cast<const arrow::StructArray&>(*array).Flatten());
  return fields[static_cast<size_t>(group)];
}

/// RE2 takes \1 where Java takes $1.
std::string Replacement(Text java) {
  std::string re2;
  for (size_t i = 0; i < java.size(); ++i) {
    const bool group = java[i] == '$' && i + 1 < java.size() &&
                       std::isdigit(static_cast<unsigned char>(java[i + 1])) != 0;
    re2 += group ? '\\' : java[i];
  }
  return re2;
}

ScalarFunctionSpec RegexpExtract() {
  ScalarFunctionSpec spec =
      StringFunction("REGEXP_EXTRACT", "REGEXP_EXTRACT(text, regex [, group])",
                     "The part that a group (0: the whole) of the first match takes; "
                     "NULL where nothing matches. Regular expressions are RE2's.",
                     {"REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", "bar"});
  spec.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("REGEXP_EXTRACT", types.size(), 2, 3));
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (!types[i].is_string() && !types[i].is_null())
        return WrongArgument("REGEXP_EXTRACT", i, "", "STRING", types[i], SqlType::String());
    }
    std::vector<SqlType> arguments{SqlType::String(), SqlType::String()};
    if (types.size() == 3) arguments.push_back(SqlType::Int());
    BoundFunction bound{SqlType::String(), arguments, true, nullptr};
    bound.make_kernel = [](Literals expressions) -> Result<ScalarKernel> {
      int group = 0;
      if (expressions.size() == 3) {
        const auto* literal =
            expressions[2]->IsLiteral() ? std::get_if<int64_t>(&expressions[2]->literal) : nullptr;
        if (literal == nullptr)
          return Error::User("the group of REGEXP_EXTRACT must be a number literal");
        group = static_cast<int>(*literal);
      }
      return PerPattern(1, arrow::utf8(),
                        [group](const arrow::Datum& texts, const std::string& regex) {
                          return Extract(texts, regex, group);
                        });
    };
    return bound;
  };
  return spec;
}

}  // namespace

void AddPattern(Registries& registries) {
  const SqlType string = SqlType::String();
  const SqlType boolean = SqlType::Boolean();
  const Parameter text{"text", string}, regex{"regex", string};
  const auto add = [&](ScalarFunctionSpec head, Fixed fixed) {
    registries.functions.Add(Declare(std::move(head), std::move(fixed)));
  };
  add(StringFunction("LIKE", "text LIKE pattern [ESCAPE character]",
                     "Whether the whole text matches: % any text, _ any character.",
                     {"'Millrace' LIKE 'Mill%'", "TRUE"}),
      {{text, {"pattern", string}, {"escape", string}},
       boolean,
       {RowKernel<bool, Text, Text>(boolean, [](Text x, Text p) { return Like(x, p, '\\'); }),
        RowKernel<bool, Text, Text, Text>(
            boolean,
            [](RowScope& row, Text x, Text p, Text e) -> std::optional<bool> {
              if (e.size() != 1) return row.Fail("the escape of LIKE must be one character");
              return Like(x, p, e[0]);
            })},
       true});
  add(StringFunction("SIMILAR TO", "text SIMILAR TO pattern",
                     "Whether the whole text matches a SQL regular expression.",
                     {"'abc' SIMILAR TO 'a(b|x)%'", "TRUE"}),
      {{text, {"pattern", string}},
       boolean,
       {PerPattern(1, arrow::boolean(),
                   [](const arrow::Datum& texts, const std::string& p) {
                     return Matches(texts, SimilarToRegex(p));
                   })},
       true});
  add(StringFunction(
          "REGEXP", "REGEXP(text, regex)",
          "Whether a part of the text matches. Regular expressions are RE2's: no look-around, no "
          "back-references.",
          {"REGEXP('abc', 'b.')", "TRUE"}),
      {{text, regex}, boolean, {PerPattern(1, arrow::boolean(), Matches)}, true});
  const ScalarKernel replace = [](std::span<const ColumnValue> arguments, int64_t rows,
                                  const EvalContext& context,
                                  RowErrors& errors) -> Result<ColumnValue> {
    if (!arguments[2].constant)
      return Error::User("the replacement of REGEXP_REPLACE must be a literal");
    if (arguments[2].array->IsNull(0)) {
      ARROW_ASSIGN_OR_RAISE(auto null, arrow::MakeArrayOfNull(arrow::utf8(), 1));
      return ColumnValue{null, true};
    }
    const std::string with = Replacement(ColumnReader<Text>(arguments[2])[0]);
    return PerPattern(1, arrow::utf8(),
                      [with](const arrow::Datum& texts,
                             const std::string& pattern) -> Result<std::shared_ptr<arrow::Array>> {
                        const arrow::compute::ReplaceSubstringOptions options(pattern, with);
                        ARROW_ASSIGN_OR_RAISE(
                            auto result, arrow::compute::CallFunction("replace_substring_regex",
                                                                      {texts}, &options));
                        return result.make_array();
                      })(arguments, rows, context, errors);
  };
  add(StringFunction("REGEXP_REPLACE", "REGEXP_REPLACE(text, regex, replacement)",
                     "Every match replaced; $1 is the first group.",
                     {"REGEXP_REPLACE('foobar', 'oo|ar', '')", "fb"}),
      {{text, regex, {"replacement", string}}, string, {replace}, true});
  registries.functions.Add(RegexpExtract());
}

}  // namespace millrace::functions
