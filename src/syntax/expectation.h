#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::syntax {

/// What may stand somewhere, where that is not one word or mark.
struct Category {
  std::string_view description;  ///< for messages, "a table name"; empty: not worth naming
  std::span<const std::string_view> words =
      {};                ///< for completion; "<table>" stands for the known ones
  bool is_name = false;  ///< a reserved word in its place needs backquotes
};

extern const Category kAnyName;
extern const Category kTableName;
extern const Category kViewName;
extern const Category kModelName;
extern const Category kFunctionName;
extern const Category kDatabaseName;
extern const Category kCatalogName;
extern const Category kColumnName;
extern const Category kAliasName;
extern const Category kJobName;
extern const Category kExpression;
extern const Category kOperator;
extern const Category kArgument;
extern const Category kType;
extern const Category kString;
extern const Category kOptionKey;
extern const Category kOptionValue;
extern const Category kWholeNumber;
extern const Category kIntervalUnit;
extern const Category kRelation;
extern const Category kPatternVariable;

/// One thing that would have been accepted: a phrase ("GROUP BY", ","), or a category.
class Expectation {
 public:
  Expectation(std::string_view phrase) : phrase_(phrase) {}
  Expectation(const Category& category) : category_(&category) {}

  bool Is(std::string_view phrase) const { return category_ == nullptr && phrase_ == phrase; }
  bool Is(const Category& category) const { return category_ == &category; }
  bool is_name() const { return category_ != nullptr && category_->is_name; }
  bool is_word() const;

  /// "FROM", "','", "an expression"; empty where it is not worth naming.
  std::string Description() const;

  /// The words that it stands for; none for punctuation.
  void AppendWords(std::vector<std::string>* out) const;

  bool operator==(const Expectation&) const = default;

 private:
  std::string_view phrase_;  ///< a literal of the grammar
  const Category* category_ = nullptr;
};

}  // namespace millrace::syntax
