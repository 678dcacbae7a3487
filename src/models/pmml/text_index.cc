#include "models/pmml/text_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace millrace::pmml {
namespace {

constexpr size_t kLongestText = 4096;  ///< for patterns: std::regex recurses over a match
constexpr int kMostRounds = 20;        ///< of a recursive normalization
constexpr std::string_view kBlanks = " \t\n\v\f\r";
constexpr std::string_view kPunctuation = "!\"#%&'()*,-./:;?@[\\]_{}";

std::regex PatternOf(const Element& element, const std::string& text, bool case_sensitive) {
  auto flags = std::regex::ECMAScript;
  if (!case_sensitive) flags |= std::regex::icase;
  try {
    return std::regex(text, flags);
  } catch (const std::regex_error&) {
    element.Fail("has '" + text + "', which is no regular expression");
  }
}

std::string Lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

/// Replaces what a row of a normalization's table names.
struct Replacement {
  std::string in, out;
  std::optional<std::regex> pattern;
  bool case_sensitive = false;

  std::string Apply(const std::string& text) const {
    if (pattern) return std::regex_replace(text, *pattern, out);
    if (in.empty()) return text;
    const std::string searched = case_sensitive ? text : Lowered(text);
    std::string result;
    size_t from = 0;
    for (size_t at; (at = searched.find(in, from)) != std::string::npos; from = at + in.size())
      result.append(text, from, at - from).append(out);
    return result.append(text, from);
  }
};

struct TextNormalization {
  std::vector<Replacement> rows;
  bool recursive = false;

  /// None where a recursive one does not come to rest.
  std::optional<std::string> Apply(std::string text) const {
    for (int round = 0; round < kMostRounds; ++round) {
      std::string next = text;
      for (const Replacement& row : rows) next = row.Apply(next);
      if (!recursive || next == text) return next;
      text = std::move(next);
    }
    return std::nullopt;
  }
};

TextNormalization ReadTextNormalization(const Element& element, bool case_sensitive) {
  TextNormalization normalization;
  normalization.recursive = element.Flag("recursive", false);
  case_sensitive = element.Flag("isCaseSensitive", case_sensitive);
  const std::string in = element.Text("inField", "string");
  const std::string out = element.Text("outField", "stem");
  const std::string regex = element.Text("regexField", "regex");
  for (const Element& row : element.Require("InlineTable").Children("row")) {
    const auto cell = [&](const std::string& column) {
      const Element found = row.Child(column);
      if (!found) row.Fail("lacks the column '" + column + "'");
      return std::string(found.text());
    };
    Replacement replacement{cell(in), cell(out), {}, case_sensitive};
    if (const Element flag = row.Child(regex); flag && Lowered(std::string(flag.text())) == "true")
      replacement.pattern = PatternOf(row, replacement.in, case_sensitive);
    else if (!case_sensitive)
      replacement.in = Lowered(std::move(replacement.in));
    normalization.rows.push_back(std::move(replacement));
  }
  return normalization;
}

/// The edits from one word to the other, or more than `most`.
int Distance(const std::u32string& a, const std::u32string& b, int most) {
  if (most == 0) return a == b ? 0 : 1;
  std::vector<int> line(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) line[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = line[0];
    line[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = line[j];
      line[j] = std::min({replaced, line[j] + 1, line[j - 1] + 1});
    }
  }
  return line[b.size()];
}

std::u32string CharactersOf(std::string_view text) {
  std::u32string characters;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80 && !characters.empty())
      characters.back() = characters.back() << 6 | (byte & 0x3f);
    else
      characters.push_back(byte);
  }
  return characters;
}

using Words = std::vector<std::u32string>;

/// Cuts a text into words at blanks or at a pattern; punctuation around a word is no part of it.
class Splitter {
 public:
  Splitter(const Element& element, bool case_sensitive) : case_sensitive_(case_sensitive) {
    if (element.Has("wordRE")) {
      words_ = true;
      pattern_ = PatternOf(element, element.Text("wordRE"), true);
    } else if (const std::string separator = element.Text("wordSeparatorCharacterRE", "\\s+");
               separator != "\\s+") {
      pattern_ = PatternOf(element, separator, true);
    }
  }

  bool has_pattern() const { return pattern_.has_value(); }

  Words Split(std::string_view text) const {
    Words words;
    if (!pattern_) {
      for (size_t from = 0; from < text.size();) {
        const size_t to = std::min(text.find_first_of(kBlanks, from), text.size());
        Add(text.substr(from, to - from), &words);
        from = to + 1;
      }
      return words;
    }
    using Iterator = std::regex_token_iterator<std::string_view::const_iterator>;
    for (Iterator at(text.begin(), text.end(), *pattern_, words_ ? 0 : -1), end; at != end; ++at)
      Add(std::string_view(at->first, at->second), &words);
    return words;
  }

 private:
  void Add(std::string_view word, Words* words) const {
    if (!words_) {
      const size_t begin = word.find_first_not_of(kPunctuation);
      if (begin == word.npos) return;
      word = word.substr(begin, word.find_last_not_of(kPunctuation) - begin + 1);
    }
    words->push_back(
        CharactersOf(case_sensitive_ ? std::string(word) : Lowered(std::string(word))));
  }

  bool case_sensitive_;
  bool words_ = false;  ///< the pattern is that of words, not of what stands between them
  std::optional<std::regex> pattern_;
};

class TextIndex final : public Expression {
 public:
  enum class Weight { kTermFrequency, kBinary, kLogarithmic, kAugmented };

  TextIndex(const Element& element, Weight weight, Scope& scope)
      : Expression(weight == Weight::kLogarithmic || weight == Weight::kAugmented
                       ? DataType::kDouble
                       : DataType::kInteger),
        weight_(weight),
        case_sensitive_(element.Flag("isCaseSensitive", false)),
        best_only_(element.Choice<bool>("countHits", {{"allHits", false}, {"bestHits", true}})),
        most_edits_(element.Integer("maxLevenshteinDistance", 0)),
        splitter_(element, case_sensitive_) {
    if (most_edits_ < 0) element.Fail("has a maxLevenshteinDistance below 0");
    if (!element.Flag("tokenize", true))
      element.FailUnsupported("tokenize=\"false\"", "tokenize=\"true\"");
    const Field& text = scope.Require(element, "textField");
    text_ = text.slot;
    text_type_ = text.type;
    for (const Element& child : element.Children("TextIndexNormalization"))
      normalizations_.push_back(ReadTextNormalization(child, case_sensitive_));
    has_pattern_ = splitter_.has_pattern();
    for (const TextNormalization& normalization : normalizations_) {
      for (const Replacement& row : normalization.rows) has_pattern_ |= row.pattern.has_value();
    }
    const Element term = ExpressionOf(element);
    if (!term) element.Fail("has no expression for the term");
    term_ = ConvertTo(DataType::kString, CompileExpression(term, scope));
  }

  void Evaluate(Frame& frame, double* out) const override {
    term_->Evaluate(frame, out);
    const double* texts = frame.Read(text_);
    double term_code = kMissing;
    Words term;
    for (int row = 0; row < frame.rows(); ++row) {
      if (IsMissing(out[row]) || IsMissing(texts[row])) {
        out[row] = kMissing;
        continue;
      }
      if (out[row] != term_code) {
        term_code = out[row];
        term = splitter_.Split(frame.strings().Text(term_code));
      }
      const std::string text = TextOf(texts[row], text_type_, frame.strings());
      if (has_pattern_ && text.size() > kLongestText) {
        frame.Fail(row, "a text of " + std::to_string(text.size()) +
                            " bytes is too long for the patterns of <TextIndex>, at most " +
                            std::to_string(kLongestText));
        continue;
      }
      const auto normal = Normalized(text);
      if (!normal) {
        frame.Fail(row, "a recursive <TextIndexNormalization> does not come to rest");
        continue;
      }
      out[row] = Weighed(splitter_.Split(*normal), term);
    }
  }

 private:
  std::optional<std::string> Normalized(std::optional<std::string> text) const {
    for (const TextNormalization& normalization : normalizations_) {
      if (text) text = normalization.Apply(*std::move(text));
    }
    return text;
  }

  /// The places of the text where the term's words stand, within the edits that are allowed.
  int Count(const Words& text, const Words& term) const {
    if (term.empty()) return 0;
    int count = 0, best = std::numeric_limits<int>::max();
    for (size_t at = 0; at + term.size() <= text.size(); ++at) {
      int edits = 0;
      for (size_t i = 0; i < term.size() && edits <= most_edits_; ++i)
        edits += Distance(text[at + i], term[i], most_edits_ - edits);
      if (edits > most_edits_ || (best_only_ && edits > best)) continue;
      count = best_only_ && edits < best ? 1 : count + 1;
      best = edits;
    }
    return count;
  }

  static int MostFrequent(Words words) {
    std::sort(words.begin(), words.end());
    std::ptrdiff_t most = 0;
    for (auto word = words.begin(); word != words.end();) {
      const auto next = std::upper_bound(word, words.end(), *word);
      most = std::max(most, next - word);
      word = next;
    }
    return static_cast<int>(most);
  }

  double Weighed(Words text, const Words& term) const {
    const int count = Count(text, term);
    switch (weight_) {
      case Weight::kTermFrequency:
        return count;
      case Weight::kBinary:
        return std::min(count, 1);
      case Weight::kLogarithmic:
        return std::log10(1.0 + count);
      case Weight::kAugmented:
        return count == 0 ? 0 : 0.5 + 0.5 * count / std::max(count, MostFrequent(std::move(text)));
    }
    return kMissing;
  }

  Weight weight_;
  bool case_sensitive_, best_only_;
  int most_edits_;
  Splitter splitter_;
  Slot text_;
  DataType text_type_;
  std::vector<TextNormalization> normalizations_;
  bool has_pattern_ = false;
  std::unique_ptr<Expression> term_;
};

}  // namespace

std::unique_ptr<Expression> CompileTextIndex(const Element& element, Scope& scope) {
  using Weight = TextIndex::Weight;
  const auto weight = element.Choice<Weight>(
      "localTermWeights", {{"termFrequency", Weight::kTermFrequency},
                           {"binary", Weight::kBinary},
                           {"logarithmic", Weight::kLogarithmic},
                           {"augmentedNormalizedTermFrequency", Weight::kAugmented}});
  return std::make_unique<TextIndex>(element, weight, scope);
}

}  // namespace millrace::pmml
