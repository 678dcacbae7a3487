#include <algorithm>
#include <cctype>

#include <arrow/array.h>
#include <arrow/compute/exec.h>
#include <arrow/datum.h>

#include "expr/row_kernel.h"
#include "expr/text_of.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Text = std::string_view;

/// `characters` characters from character `first` (0-based) on.
Text Characters(Text text, size_t first, size_t characters) {
  text.remove_prefix(BytesOfCharacters(text, first));
  return text.substr(0, BytesOfCharacters(text, characters));
}

/// SQL's SUBSTRING: 1-based, negative from the end.
Text Substring(Text text, int64_t start, int64_t length) {
  const auto size = static_cast<int64_t>(CountCharacters(text));
  int64_t first = start > 0 ? start - 1 : start < 0 ? size + start : 0;
  int64_t end = length > size ? size : first + length;
  if (length > size) end = size;
  first = std::max<int64_t>(first, 0);
  end = std::min(end, size);
  if (end <= first) return {};
  return Characters(text, static_cast<size_t>(first), static_cast<size_t>(end - first));
}

Text TrimLeft(Text text, Text characters) {
  const size_t first = text.find_first_not_of(characters);
  return first == Text::npos ? Text() : text.substr(first);
}
Text TrimRight(Text text, Text characters) {
  const size_t last = text.find_last_not_of(characters);
  return last == Text::npos ? Text() : text.substr(0, last + 1);
}

/// The 1-based character at which `wanted` is found from character `from` on; 0: nowhere.
int32_t Find(Text wanted, Text text, int32_t from) {
  if (from < 1) return 0;
  const size_t start = BytesOfCharacters(text, static_cast<size_t>(from) - 1);
  const size_t found = text.find(wanted, start);
  return found == Text::npos ? 0 : static_cast<int32_t>(CountCharacters(text.substr(0, found))) + 1;
}

/// A kernel of Arrow's over texts: all of Unicode.
ScalarKernel ArrowText(const char* function) {
  return [function](std::span<const ColumnValue> arguments, int64_t, const EvalContext&,
                    RowErrors&) -> Result<ColumnValue> {
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum out,
                          arrow::compute::CallFunction(function, {arguments[0].array}));
    return ColumnValue{out.make_array(), arguments[0].constant};
  };
}

void InitCap(Text text, std::string& out) {
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += static_cast<char>(inside ? std::tolower(byte) : std::toupper(byte));
    inside = std::isalnum(byte) != 0 || byte >= 0x80;
  }
}

bool Pad(Text text, int32_t length, Text pad, bool left, std::string& out) {
  if (length < 0 || pad.empty()) return false;
  const auto wanted = static_cast<size_t>(length);
  const size_t size = CountCharacters(text);
  if (size >= wanted) {
    out += text.substr(0, BytesOfCharacters(text, wanted));
    return true;
  }
  std::string filled;
  const size_t pad_size = CountCharacters(pad);
  size_t missing = wanted - size;
  for (; missing >= pad_size; missing -= pad_size) filled += pad;
  filled += pad.substr(0, BytesOfCharacters(pad, missing));
  if (left) out += filled;
  out += text;
  if (!left) out += filled;
  return true;
}

void Replace(Text text, Text from, Text to, std::string& out) {
  if (from.empty()) {
    out += text;
    return;
  }
  for (size_t at = text.find(from); at != Text::npos; at = text.find(from)) {
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  out += text;
}

void Reverse(Text text, std::string& out) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
    out += text.substr(start);
    text = text.substr(0, start);
  }
}

void Translate(Text text, Text from, Text to, std::string& out) {
  while (!text.empty()) {
    const Text character = Characters(text, 0, 1);
    text.remove_prefix(character.size());
    const int32_t at = Find(character, from, 1);
    if (at == 0)
      out += character;
    else
      out += Characters(to, static_cast<size_t>(at) - 1, 1);
  }
}

std::optional<Text> SplitIndex(Text text, Text separator, int32_t index) {
  if (index < 0 || separator.empty()) return std::nullopt;
  for (; index > 0; --index) {
    const size_t at = text.find(separator);
    if (at == Text::npos) return std::nullopt;
    text.remove_prefix(at + separator.size());
  }
  return text.substr(0, text.find(separator));
}

/// CONCAT and ||: all texts in a row; NULL where one is NULL.
ScalarFunctionSpec Concat(const std::string& name, std::string syntax, std::string doc,
                          FunctionExample example) {
  ScalarFunctionSpec spec =
      StringFunction(name, std::move(syntax), std::move(doc), std::move(example));
  spec.bind = [name](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, static_cast<size_t>(-1)));
    for (size_t i = 0; i < types.size(); ++i) {
      if (types[i].is_string() || types[i].is_null()) continue;
      return WrongArgument(name, i, "", "STRING", types[i], SqlType::String());
    }
    return WithKernel(SqlType::String().AsNullable(AnyNullable(types)),
                      std::vector<SqlType>(types.size(), SqlType::String()),
                      [](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
                         RowErrors&) -> Result<ColumnValue> {
                        std::vector<ColumnReader<Text>> texts;
                        for (const ColumnValue& argument : arguments) texts.emplace_back(argument);
                        const NullReader null(arguments);
                        arrow::StringBuilder builder;
                        std::string joined;
                        for (int64_t row = 0; row < rows; ++row) {
                          if (null[row]) {
                            ARROW_RETURN_NOT_OK(builder.AppendNull());
                            continue;
                          }
                          joined.clear();
                          for (const auto& text : texts) joined += text[row];
                          ARROW_RETURN_NOT_OK(builder.Append(joined));
                        }
                        ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
                        return ColumnValue{array};
                      });
  };
  return spec;
}

ScalarFunctionSpec ConcatWs() {
  ScalarFunctionSpec spec =
      StringFunction("CONCAT_WS", "CONCAT_WS(separator, a [, b]*)",
                     "The texts that are not NULL, with the separator between them.",
                     {"CONCAT_WS('-', 'a', 'b')", "a-b"});
  spec.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("CONCAT_WS", types.size(), 2, static_cast<size_t>(-1)));
    for (size_t i = 0; i < types.size(); ++i) {
      if (types[i].is_string() || types[i].is_null()) continue;
      return WrongArgument("CONCAT_WS", i, "", "STRING", types[i], SqlType::String());
    }
    return WithKernel(SqlType::String().AsNullable(types[0].nullable()),
                      std::vector<SqlType>(types.size(), SqlType::String()),
                      [](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
                         RowErrors&) -> Result<ColumnValue> {
                        arrow::StringBuilder builder;
                        const ColumnReader<Text> separator(arguments[0]);
                        const NullReader no_separator(arguments.first(1));
                        std::string joined;
                        for (int64_t row = 0; row < rows; ++row) {
                          if (no_separator[row]) {
                            ARROW_RETURN_NOT_OK(builder.AppendNull());
                            continue;
                          }
                          joined.clear();
                          bool first = true;
                          for (const ColumnValue& argument : arguments.subspan(1)) {
                            const int64_t at = argument.constant ? 0 : row;
                            if (argument.array->IsNull(at)) continue;
                            if (!first) joined += separator[row];
                            joined +=
                                static_cast<const arrow::BinaryArray&>(*argument.array).GetView(at);
                            first = false;
                          }
                          ARROW_RETURN_NOT_OK(builder.Append(joined));
                        }
                        ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
                        return ColumnValue{array};
                      });
  };
  return spec;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

void AddText(Registries& registries) {
  const SqlType string = SqlType::String();
  const SqlType integer = SqlType::Int();
  const SqlType boolean = SqlType::Boolean();
  const Parameter text{"text", string};
  const auto add = [&](ScalarFunctionSpec head, Fixed fixed) {
    registries.functions.Add(Declare(std::move(head), std::move(fixed)));
  };
  const auto one = [&](auto f) { return RowKernel<std::string, Text>(string, f); };
  const auto two = [&](auto f) { return RowKernel<std::string, Text, Text>(string, f); };

  registries.functions.Add(Concat("||", "a || b", "The texts in a row.", {"'a' || 'b'", "ab"}));
  registries.functions.Add(Concat("CONCAT", "CONCAT(a [, b]*)",
                                  "The texts in a row; NULL where one is NULL.",
                                  {"CONCAT('a', 'b', 'c')", "abc"}));
  registries.functions.Add(ConcatWs());
  add(StringFunction("CHAR_LENGTH", "CHAR_LENGTH(text)", "The number of characters.",
                     {"CHAR_LENGTH('Wärme')", "5"}, {"CHARACTER_LENGTH"}),
      {{text}, integer, {RowKernel<int32_t, Text>(integer, [](Text x) {
         return static_cast<int32_t>(CountCharacters(x));
       })}});
  add(StringFunction("OCTET_LENGTH", "OCTET_LENGTH(text)", "The number of bytes. Not in Flink.",
                     {"OCTET_LENGTH('ä')", "2"}),
      {{text}, integer, {RowKernel<int32_t, Text>(integer, [](Text x) {
         return static_cast<int32_t>(x.size());
       })}});
  add(StringFunction("UPPER", "UPPER(text)", "In upper case.", {"UPPER('Öl')", "ÖL"}, {"UCASE"}),
      {{text}, string, {ArrowText("utf8_upper")}});
  add(StringFunction("LOWER", "LOWER(text)", "In lower case.", {"LOWER('ÖL')", "öl"}, {"LCASE"}),
      {{text}, string, {ArrowText("utf8_lower")}});
  add(StringFunction("INITCAP", "INITCAP(text)", "Each word with a capital first letter.",
                     {"INITCAP('hello world')", "Hello World"}),
      {{text}, string, {one(InitCap)}});
  add(StringFunction("REVERSE", "REVERSE(text)", "The characters in reverse order.",
                     {"REVERSE('abc')", "cba"}),
      {{text}, string, {one(Reverse)}});
  const Parameter characters{"characters", string};
  add(StringFunction("LTRIM", "LTRIM(text [, characters])",
                     "Without blanks (or the characters) at the start.", {"LTRIM('  a ')", "a "},
                     {"TRIM LEADING"}),
      {{text, characters}, string, {one([](Text x) { return TrimLeft(x, " "); }), two(TrimLeft)}});
  add(StringFunction("RTRIM", "RTRIM(text [, characters])",
                     "Without blanks (or the characters) at the end.", {"RTRIM(' a  ')", " a"},
                     {"TRIM TRAILING"}),
      {{text, characters},
       string,
       {one([](Text x) { return TrimRight(x, " "); }), two(TrimRight)}});
  add(StringFunction(
          "TRIM", "TRIM([BOTH | LEADING | TRAILING] [characters FROM] text)",
          "Without blanks (or the characters) on both sides. As a call: TRIM(text, characters).",
          {"TRIM('  a ')", "a"}, {"BTRIM"}),
      {{text, characters},
       string,
       {one([](Text x) { return TrimLeft(TrimRight(x, " "), " "); }),
        two([](Text x, Text c) { return TrimLeft(TrimRight(x, c), c); })}});
  const Parameter length{"length", integer};
  const auto pad = [&](bool left) {
    return std::vector<ScalarKernel>{
        RowKernel<std::string, Text, int32_t>(
            string,
            [left](Text x, int32_t n, std::string& out) { return Pad(x, n, " ", left, out); }),
        RowKernel<std::string, Text, int32_t, Text>(
            string, [left](Text x, int32_t n, Text p, std::string& out) {
              return Pad(x, n, p, left, out);
            })};
  };
  add(StringFunction("LPAD", "LPAD(text, length [, pad])",
                     "Filled on the left, or cut, to a length.", {"LPAD('7', 3, '0')", "007"}),
      {{text, length, {"pad", string}}, string, pad(true), false, true});
  add(StringFunction("RPAD", "RPAD(text, length [, pad])",
                     "Filled on the right, or cut, to a length.", {"RPAD('7', 3, '0')", "700"}),
      {{text, length, {"pad", string}}, string, pad(false), false, true});
  add(StringFunction("REPEAT", "REPEAT(text, times)", "The text several times.",
                     {"REPEAT('ab', 2)", "abab"}),
      {{text, {"times", integer}},
       string,
       {RowKernel<std::string, Text, int32_t>(
           string,
           [](RowScope& row, Text x, int32_t n, std::string& out) -> std::optional<bool> {
             constexpr int64_t kMost = 64 << 20;
             if (static_cast<int64_t>(x.size()) * n > kMost)
               return row.Fail("REPEAT makes a text of more than 64 MB"), std::nullopt;
             for (; n > 0; --n) out += x;
             return true;
           })},
       true});
  add(StringFunction("REPLACE", "REPLACE(text, from, to)", "Every occurrence of `from` replaced.",
                     {"REPLACE('abcb', 'b', 'x')", "axcx"}),
      {{text, {"from", string}, {"to", string}},
       string,
       {RowKernel<std::string, Text, Text, Text>(string, Replace)}});
  add(StringFunction("TRANSLATE", "TRANSLATE(text, from, to)",
                     "Each character of `from` replaced by the one of `to` at its place.",
                     {"TRANSLATE('abc', 'ab', 'x')", "xc"}),
      {{text, {"from", string}, {"to", string}},
       string,
       {RowKernel<std::string, Text, Text, Text>(string, Translate)}});
  add(StringFunction("SUBSTRING", "SUBSTRING(text FROM start [FOR length])",
                     "Characters from `start` (1-based; negative: from the end) on. As a call: "
                     "SUBSTRING(text, start [, length]).",
                     {"SUBSTRING('Millrace', 5)", "race"}, {"SUBSTR"}),
      {{text, {"start", integer}, length},
       string,
       {RowKernel<std::string, Text, int32_t>(
            string, [](Text x, int32_t s) { return Substring(x, s, INT32_MAX); }),
        RowKernel<std::string, Text, int32_t, int32_t>(
            string,
            [](Text x, int32_t s, int32_t n) -> std::optional<Text> {
              if (n < 0) return std::nullopt;
              return Substring(x, s, n);
            })},
       false,
       true});
  add(StringFunction("LEFT", "LEFT(text, length)", "The first characters.",
                     {"LEFT('abc', 2)", "ab"}),
      {{text, length},
       string,
       {RowKernel<std::string, Text, int32_t>(string, [](Text x, int32_t n) {
         return Characters(x, 0, static_cast<size_t>(std::max(n, 0)));
       })}});
  add(StringFunction("RIGHT", "RIGHT(text, length)", "The last characters.",
                     {"RIGHT('abc', 2)", "bc"}),
      {{text, length},
       string,
       {RowKernel<std::string, Text, int32_t>(string, [](Text x, int32_t n) {
         const auto size = static_cast<int32_t>(CountCharacters(x));
         return Characters(x, static_cast<size_t>(std::max(size - std::max(n, 0), 0)),
                           static_cast<size_t>(std::max(n, 0)));
       })}});
  const Parameter wanted{"wanted", string};
  add(StringFunction("POSITION", "POSITION(wanted IN text)",
                     "The 1-based place of the first occurrence; 0: none.",
                     {"POSITION('b' IN 'abc')", "2"}, {"LOCATE"}),
      {{wanted, text, {"from", integer}},
       integer,
       {RowKernel<int32_t, Text, Text>(integer, [](Text w, Text x) { return Find(w, x, 1); }),
        RowKernel<int32_t, Text, Text, int32_t>(integer, Find)}});
  add(StringFunction("INSTR", "INSTR(text, wanted)",
                     "The 1-based place of the first occurrence; 0: none.",
                     {"INSTR('abc', 'c')", "3"}),
      {{text, wanted}, integer, {RowKernel<int32_t, Text, Text>(integer, [](Text x, Text w) {
         return Find(w, x, 1);
       })}});
  const auto overlay = [](Text x, Text part, int32_t start, int32_t n, std::string& out) {
    const auto size = static_cast<int32_t>(CountCharacters(x));
    if (start < 1 || start > size) {
      out += x;
      return;
    }
    out += Characters(x, 0, static_cast<size_t>(start) - 1);
    out += part;
    const int64_t rest = int64_t{start} - 1 + std::max(n, 0);
    if (rest < size) out += Characters(x, static_cast<size_t>(rest), static_cast<size_t>(size));
  };
  add(StringFunction("OVERLAY", "OVERLAY(text PLACING part FROM start [FOR length])",
                     "With `part` in place of the characters from `start` on.",
                     {"OVERLAY('xxxxxtest' PLACING 'yyyy' FROM 6)", "xxxxxyyyy"}),
      {{text, {"part", string}, {"start", integer}, length},
       string,
       {RowKernel<std::string, Text, Text, int32_t>(
            string,
            [overlay](Text x, Text p, int32_t s, std::string& out) {
              overlay(x, p, s, static_cast<int32_t>(CountCharacters(p)), out);
            }),
        RowKernel<std::string, Text, Text, int32_t, int32_t>(string, overlay)}});
  add(StringFunction("SPLIT_INDEX", "SPLIT_INDEX(text, separator, index)",
                     "The part at a 0-based index; NULL where there is none.",
                     {"SPLIT_INDEX('a,b,c', ',', 1)", "b"}),
      {{text, {"separator", string}, {"index", integer}},
       string,
       {RowKernel<std::string, Text, Text, int32_t>(string, SplitIndex)},
       false,
       true});
  add(StringFunction("STARTSWITH", "STARTSWITH(text, start)", "Whether it starts so.",
                     {"STARTSWITH('abc', 'ab')", "TRUE"}),
      {{text, {"start", string}},
       boolean,
       {RowKernel<bool, Text, Text>(boolean, [](Text x, Text s) { return x.starts_with(s); })}});
  add(StringFunction("ENDSWITH", "ENDSWITH(text, end)", "Whether it ends so.",
                     {"ENDSWITH('abc', 'bc')", "TRUE"}),
      {{text, {"end", string}}, boolean, {RowKernel<bool, Text, Text>(boolean, [](Text x, Text s) {
         return x.ends_with(s);
       })}});
  add(StringFunction("ASCII", "ASCII(text)", "The code of the first byte; 0 of an empty text.",
                     {"ASCII('abc')", "97"}),
      {{text}, integer, {RowKernel<int32_t, Text>(integer, [](Text x) {
         return x.empty() ? 0 : static_cast<int32_t>(static_cast<signed char>(x[0]));
       })}});
  add(StringFunction("CHR", "CHR(code)", "The character of a code, modulo 256.", {"CHR(97)", "a"}),
      {{{"code", SqlType::BigInt()}},
       string,
       {RowKernel<std::string, int64_t>(string, [](int64_t code, std::string& out) {
         if (code >= 0) AppendUtf8(static_cast<uint32_t>(code & 0xff), out);
       })}});
  const auto all_of = [&](auto test) {
    return RowKernel<bool, Text>(
        boolean, [test](Text x) { return !x.empty() && std::ranges::all_of(x, test); });
  };
  add(StringFunction("IS_ALPHA", "IS_ALPHA(text)", "Whether all characters are letters.",
                     {"IS_ALPHA('abc')", "TRUE"}),
      {{text}, boolean, {all_of([](char c) {
         return std::isalpha(static_cast<unsigned char>(c)) != 0;
       })}});
  add(StringFunction("IS_DIGIT", "IS_DIGIT(text)", "Whether all characters are digits.",
                     {"IS_DIGIT('12')", "TRUE"}),
      {{text}, boolean, {all_of([](char c) { return c >= '0' && c <= '9'; })}});
  add(StringFunction("IS_DECIMAL", "IS_DECIMAL(text)", "Whether it is a number.",
                     {"IS_DECIMAL('-1.5')", "TRUE"}),
      {{text}, boolean, {RowKernel<bool, Text>(boolean, [](Text x) {
         if (x.starts_with('-') || x.starts_with('+')) x.remove_prefix(1);
         const size_t point = x.find('.');
         std::string digits(x);
         if (point != Text::npos) digits.erase(point, 1);
         return !digits.empty() &&
                std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
       })}});
}

}  // namespace millrace::functions
