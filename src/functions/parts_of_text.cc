// Functions that take texts apart: lists, pairs, URLs, matches of patterns.
#include <algorithm>
#include <array>
#include <cctype>

#include <arrow/compute/api_scalar.h>
#include <arrow/compute/exec.h>

#include "expr/row_kernel.h"
#include "expr/text_of.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/hex_digit.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Text = std::string_view;
using ArrayPtr = std::shared_ptr<arrow::Array>;

/// Calls `piece` with each part between separators; every character where the separator is empty.
template <class F>
Status ForEachPart(Text text, Text separator, F piece) {
  if (separator.empty()) {
    while (!text.empty()) {
      const size_t bytes = BytesOfCharacters(text, 1);
      ARROW_RETURN_NOT_OK(piece(text.substr(0, bytes)));
      text.remove_prefix(bytes);
    }
    return Status::OK();
  }
  for (size_t at = text.find(separator); at != Text::npos; at = text.find(separator)) {
    ARROW_RETURN_NOT_OK(piece(text.substr(0, at)));
    text.remove_prefix(at + separator.size());
  }
  return piece(text);
}

/// A row's arguments, the missing last ones by default; nothing where one is NULL.
std::optional<std::vector<Text>> TextsOf(std::span<const ColumnValue> arguments, int64_t row,
                                         std::initializer_list<Text> defaults) {
  std::vector<Text> texts(defaults);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const int64_t at = arguments[i].constant ? 0 : row;
    if (arguments[i].array->IsNull(at)) return std::nullopt;
    texts[i] = static_cast<const arrow::StringArray&>(*arguments[i].array).GetView(at);
  }
  return texts;
}

Result<ColumnValue> Split(std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
                          RowErrors&) {
  auto values = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  for (int64_t row = 0; row < rows; ++row) {
    const auto texts = TextsOf(arguments, row, {"", ""});
    if (!texts) {
      ARROW_RETURN_NOT_OK(lists.AppendNull());
      continue;
    }
    ARROW_RETURN_NOT_OK(lists.Append());
    ARROW_RETURN_NOT_OK(
        ForEachPart((*texts)[0], (*texts)[1], [&](Text part) { return values->Append(part); }));
  }
  ARROW_ASSIGN_OR_RAISE(auto array, lists.Finish());
  return ColumnValue{std::move(array)};
}

Result<ColumnValue> StrToMap(std::span<const ColumnValue> arguments, int64_t rows,
                             const EvalContext&, RowErrors&) {
  auto keys = std::make_shared<arrow::StringBuilder>();
  auto values = std::make_shared<arrow::StringBuilder>();
  arrow::MapBuilder maps(arrow::default_memory_pool(), keys, values);
  for (int64_t row = 0; row < rows; ++row) {
    const auto texts = TextsOf(arguments, row, {"", ",", "="});
    if (!texts) {
      ARROW_RETURN_NOT_OK(maps.AppendNull());
      continue;
    }
    ARROW_RETURN_NOT_OK(maps.Append());
    const Text between = (*texts)[2];
    ARROW_RETURN_NOT_OK(ForEachPart((*texts)[0], (*texts)[1], [&](Text pair) -> Status {
      const size_t at = pair.find(between);
      ARROW_RETURN_NOT_OK(keys->Append(pair.substr(0, at)));
      return at == Text::npos ? values->AppendNull()
                              : values->Append(pair.substr(at + between.size()));
    }));
  }
  ARROW_ASSIGN_OR_RAISE(auto array, maps.Finish());
  return ColumnValue{std::move(array)};
}

Result<BoundFunction> BindElt(Types types, Literals) {
  ARROW_RETURN_NOT_OK(CheckCount("ELT", types.size(), 2, static_cast<size_t>(-1)));
  if (!types[0].is_integer())
    return WrongArgument("ELT", 0, "index", "INT", types[0], SqlType::Int());
  std::vector<SqlType> arguments(types.size(), SqlType::String());
  arguments[0] = SqlType::BigInt();
  for (size_t i = 1; i < types.size(); ++i) {
    if (!types[i].is_string() && !types[i].is_null())
      return WrongArgument("ELT", i, "", "STRING", types[i], SqlType::String());
  }
  return WithKernel(
      SqlType::String(), std::move(arguments),
      [](std::span<const ColumnValue> columns, int64_t rows, const EvalContext&,
         RowErrors&) -> Result<ColumnValue> {
        arrow::StringBuilder builder;
        const auto& index = static_cast<const arrow::Int64Array&>(*columns[0].array);
        for (int64_t row = 0; row < rows; ++row) {
          const int64_t at = columns[0].constant ? 0 : row;
          const int64_t which = index.IsNull(at) ? 0 : index.Value(at);
          if (which < 1 || which >= static_cast<int64_t>(columns.size())) {
            ARROW_RETURN_NOT_OK(builder.AppendNull());
            continue;
          }
          const auto text = TextsOf(columns.subspan(static_cast<size_t>(which), 1), row, {""});
          ARROW_RETURN_NOT_OK(text ? builder.Append((*text)[0]) : builder.AppendNull());
        }
        ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
        return ColumnValue{std::move(array)};
      });
}

/// As java.net.URLEncoder: letters, digits, ".-*_" stay, a space is a plus.
void UrlEncode(Text text, std::string& out) {
  static constexpr Text kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((std::isalnum(byte) != 0 && byte < 0x80) || Text(".-*_").find(c) != Text::npos) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

bool UrlDecode(Text text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

/// The parts of protocol://user@host:port/path?query#ref.
struct Url {
  Text protocol, authority, user, host, path, file;
  std::optional<Text> query, ref;

  static std::optional<Url> Parse(Text text) {
    Url url;
    const size_t colon = text.find("://");
    if (colon == Text::npos || colon == 0) return std::nullopt;
    url.protocol = text.substr(0, colon);
    text.remove_prefix(colon + 3);
    if (const size_t hash = text.find('#'); hash != Text::npos) {
      url.ref = text.substr(hash + 1);
      text = text.substr(0, hash);
    }
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    url.authority = text.substr(0, end);
    url.file = text.substr(end);
    url.path = url.file;
    if (const size_t mark = url.file.find('?'); mark != Text::npos) {
      url.query = url.file.substr(mark + 1);
      url.path = url.file.substr(0, mark);
    }
    url.host = url.authority;
    if (const size_t at = url.host.rfind('@'); at != Text::npos) {
      url.user = url.host.substr(0, at);
      url.host.remove_prefix(at + 1);
    }
    const size_t port = url.host.starts_with('[') ? url.host.find("]:") : url.host.rfind(':');
    if (port != Text::npos)
      url.host = url.host.substr(0, url.host.starts_with('[') ? port + 1 : port);
    return url;
  }

  std::optional<Text> Part(Text name) const {
    if (name == "HOST") return host;
    if (name == "PATH") return path;
    if (name == "QUERY") return query;
    if (name == "REF") return ref;
    if (name == "PROTOCOL") return protocol;
    if (name == "FILE") return file;
    if (name == "AUTHORITY") return authority;
    if (name == "USERINFO" && user.data() != nullptr) return user;
    return std::nullopt;
  }

  std::optional<Text> Parameter(Text name) const {
    std::optional<Text> found;
    if (!query) return found;
    (void)ForEachPart(*query, "&", [&](Text pair) {
      const size_t at = pair.find('=');
      if (!found && at != Text::npos && pair.substr(0, at) == name) found = pair.substr(at + 1);
      return Status::OK();
    });
    return found;
  }
};

/// A number that a kernel of Arrow's gives for a text and a pattern; `place`: of bytes, from 0.
ScalarKernel PatternNumber(const char* function, bool place) {
  return [function, place](std::span<const ColumnValue> arguments, int64_t rows, const EvalContext&,
                           RowErrors& errors) -> Result<ColumnValue> {
    arrow::Int32Builder builder;
    for (int64_t row = 0; row < rows; ++row) {
      const auto texts = TextsOf(arguments, row, {"", ""});
      if (!texts) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      const arrow::compute::MatchSubstringOptions options{std::string((*texts)[1])};
      const arrow::Datum text(std::make_shared<arrow::StringScalar>(std::string((*texts)[0])));
      const auto found = arrow::compute::CallFunction(function, {text}, &options);
      if (!found.ok()) {
        errors.Add(row, "malformed pattern '" + options.pattern + "': " + found.status().message());
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      const int32_t number = found->scalar_as<arrow::Int32Scalar>().value;
      const auto before = static_cast<size_t>(std::max(number, 0));
      ARROW_RETURN_NOT_OK(builder.Append(
          !place       ? number
          : number < 0 ? 0
                       : static_cast<int32_t>(CountCharacters((*texts)[0].substr(0, before))) + 1));
    }
    ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
    return ColumnValue{std::move(array)};
  };
}

}  // namespace

void AddPartsOfText(Registries& registries) {
  const SqlType string = SqlType::String();
  const SqlType integer = SqlType::Int();
  const Parameter text{"text", string}, regex{"regex", string};
  const auto add = [&](ScalarFunctionSpec head, Fixed fixed) {
    registries.functions.Add(Declare(std::move(head), std::move(fixed)));
  };
  add(StringFunction("SPLIT", "SPLIT(text, separator)",
                     "The parts between separators; every character where the separator is empty.",
                     {"SPLIT('a;b;c', ';')", "[a, b, c]"}),
      {{text, {"separator", string}}, SqlType::Array(string), {Split}});
  add(StringFunction("STR_TO_MAP", "STR_TO_MAP(text [, between_pairs, between_key_and_value])",
                     "The pairs of a text as a map; by default 'k1=v1,k2=v2'.",
                     {"STR_TO_MAP('a=1,b=2')", "{a=1, b=2}"}),
      {{text, {"between_pairs", string}, {"between_key_and_value", string}},
       SqlType::Map(string, string),
       {StrToMap, StrToMap, StrToMap}});
  ScalarFunctionSpec elt = StringFunction("ELT", "ELT(index, text [, text]*)",
                                          "The text at a 1-based index; NULL where there is none.",
                                          {"ELT(2, 'a', 'b', 'c')", "b"});
  elt.bind = BindElt;
  registries.functions.Add(std::move(elt));
  add(StringFunction("URL_ENCODE", "URL_ENCODE(text)", "As application/x-www-form-urlencoded.",
                     {"URL_ENCODE('a b&c')", "a+b%26c"}),
      {{text}, string, {RowKernel<std::string, Text>(string, UrlEncode)}});
  add(StringFunction("URL_DECODE", "URL_DECODE(text)",
                     "What URL_ENCODE made; NULL where it is malformed.",
                     {"URL_DECODE('a+b%26c')", "a b&c"}),
      {{text}, string, {RowKernel<std::string, Text>(string, UrlDecode)}, false, true});
  const auto part = [](Text x, Text name) -> std::optional<Text> {
    const auto url = Url::Parse(x);
    return url ? url->Part(name) : std::nullopt;
  };
  const auto parameter = [](Text x, Text name, Text key) -> std::optional<Text> {
    const auto url = Url::Parse(x);
    return url && name == "QUERY" ? url->Parameter(key) : std::nullopt;
  };
  add(StringFunction(
          "PARSE_URL", "PARSE_URL(url, part [, key])",
          "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with "
          "QUERY and a key that parameter.",
          {"PARSE_URL('http://host/p?k=v#r', 'QUERY', 'k')", "v"}),
      {{{"url", string}, {"part", string}, {"key", string}},
       string,
       {RowKernel<std::string, Text, Text>(string, part),
        RowKernel<std::string, Text, Text, Text>(string, parameter)},
       false,
       true});
  add(StringFunction("REGEXP_COUNT", "REGEXP_COUNT(text, regex)", "How often the pattern matches.",
                     {"REGEXP_COUNT('hello world', 'o')", "2"}),
      {{text, regex}, integer, {PatternNumber("count_substring_regex", false)}, true});
  add(StringFunction("REGEXP_INSTR", "REGEXP_INSTR(text, regex)",
                     "The 1-based character at which the pattern first matches; 0: nowhere.",
                     {"REGEXP_INSTR('hello world', 'w.')", "7"}),
      {{text, regex}, integer, {PatternNumber("find_substring_regex", true)}, true});
}

}  // namespace millrace::functions
