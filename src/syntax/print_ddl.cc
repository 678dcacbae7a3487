#include "syntax/print_ddl.h"

#include <utility>

#include "syntax/print.h"

namespace millrace::syntax {
namespace {

std::string PrintComment(const std::string& comment) {
  return comment.empty() ? std::string() : "COMMENT " + PrintString(comment);
}

std::string WithBlank(const std::string& text) { return text.empty() ? text : ' ' + text; }

/// "CREATE [OR REPLACE] [TEMPORARY] WORD [IF NOT EXISTS] name".
std::string PrintHead(const std::string& words, bool temporary, bool if_not_exists,
                      const QualifiedName& name) {
  return std::string(temporary ? "CREATE TEMPORARY " : "CREATE ") + words +
         (if_not_exists ? " IF NOT EXISTS " : " ") + name.ToString();
}

/// "(", each item on its own line, ")".
Layout PrintBlock(std::vector<Layout> items) {
  Layout inside = Layout::Join(std::move(items), Layout::Join({",", Layout::HardLine()}));
  return Layout::Join(
      {"(", Layout::Nest(Layout::Join({Layout::HardLine(), inside})), Layout::HardLine(), ")"});
}

std::string PrintDistribution(const Distribution& distribution) {
  static constexpr const char* kKinds[] = {"", "HASH ", "RANGE "};
  std::string out = "DISTRIBUTED";
  if (!distribution.columns.empty()) {
    out += std::string(" BY ") + kKinds[distribution.kind] + "(";
    for (size_t i = 0; i < distribution.columns.size(); ++i) {
      out += (i == 0 ? "" : ", ") + PrintName(distribution.columns[i]);
    }
    out += ")";
  }
  if (distribution.buckets) out += " INTO " + std::to_string(*distribution.buckets) + " BUCKETS";
  return out;
}

std::string PrintLike(const LikeClause& like) {
  static constexpr const char* kMerges[] = {"INCLUDING", "EXCLUDING", "OVERWRITING"};
  static constexpr const char* kFeatures[] = {"ALL",        "CONSTRAINTS", "DISTRIBUTION",
                                              "GENERATED",  "METADATA",    "OPTIONS",
                                              "PARTITIONS", "WATERMARKS"};
  std::string rules;
  for (const LikeClause::Rule& rule : like.rules) {
    rules += (rules.empty() ? "" : " ") + std::string(kMerges[rule.merge]) + ' ' +
             kFeatures[rule.feature];
  }
  return "LIKE " + like.table.ToString() + (rules.empty() ? "" : " (" + rules + ")");
}

Layout PrintModelColumns(const std::string& word, const std::vector<ModelColumn>& columns) {
  return PrintList(word + " (",
                   PrintEach(columns,
                             [](const ModelColumn& column) {
                               return PrintName(column.name) + ' ' + PrintType(column.type) +
                                      WithBlank(PrintComment(column.comment));
                             }),
                   ")");
}

Layout WithOptions(const std::vector<Property>& options) {
  return Layout::Join({"WITH ", PrintOptions(options)});
}

}  // namespace

Layout PrintColumn(const ColumnDefinition& column) {
  std::vector<Layout> parts = {PrintName(column.name)};
  switch (column.kind) {
    case ColumnDefinition::kComputed:
      parts.push_back(" AS ");
      parts.push_back(PrintNode(*column.expression));
      break;
    case ColumnDefinition::kMetadata:
      parts.push_back(' ' + PrintType(column.type) + " METADATA");
      if (column.metadata_key) parts.push_back(" FROM " + PrintString(*column.metadata_key));
      if (column.is_virtual) parts.push_back(" VIRTUAL");
      break;
    case ColumnDefinition::kPhysical:
      parts.push_back(' ' + PrintType(column.type));
      break;
  }
  parts.push_back(WithBlank(PrintComment(column.comment)));
  return Layout::Join(std::move(parts));
}

Layout PrintWatermark(const WatermarkDefinition& watermark) {
  return Layout::Join(
      {"WATERMARK FOR ", watermark.column.ToString(), " AS ", PrintNode(*watermark.expression)});
}

Layout PrintPrimaryKey(const PrimaryKey& key) {
  const std::string name = key.name ? "CONSTRAINT " + PrintName(*key.name) + ' ' : "";
  return Layout::Join({name, "PRIMARY KEY ", PrintNames(key.columns), " NOT ENFORCED"});
}

Layout PrintOptions(const std::vector<Property>& options) {
  std::vector<Layout> items = PrintEach(options, PrintProperty);
  return items.size() > 1 ? PrintBlock(std::move(items)) : PrintList("(", std::move(items), ")");
}

std::string PrintLanguage(FunctionLanguage language) {
  static constexpr const char* kWords[] = {"",
                                           " LANGUAGE PYTHON",
                                           " LANGUAGE CPP",
                                           " LANGUAGE JAVA",
                                           " LANGUAGE SCALA",
                                           " LANGUAGE SQL"};
  return kWords[static_cast<size_t>(language)];
}

std::string PrintKind(ObjectKind kind) {
  static constexpr const char* kWords[] = {"TABLE",    "VIEW",     "MODEL",
                                           "FUNCTION", "DATABASE", "CATALOG"};
  return kWords[static_cast<size_t>(kind)];
}

Layout PrintCreate(const CreateTable& table) {
  std::vector<Layout> elements = PrintEach(table.columns, PrintColumn);
  if (table.watermark) elements.push_back(PrintWatermark(*table.watermark));
  if (table.primary_key) elements.push_back(PrintPrimaryKey(*table.primary_key));
  Layout head = PrintHead("TABLE", table.temporary, table.if_not_exists, table.name);
  if (!elements.empty()) head = Layout::Join({head, " ", PrintBlock(std::move(elements))});
  std::vector<Layout> lines = {head};
  if (!table.comment.empty()) lines.push_back(PrintComment(table.comment));
  if (table.distribution) lines.push_back(PrintDistribution(*table.distribution));
  if (!table.partitioned_by.empty()) {
    lines.push_back(Layout::Join({"PARTITIONED BY ", PrintNames(table.partitioned_by)}));
  }
  if (!table.options.empty()) lines.push_back(WithOptions(table.options));
  if (table.like) lines.push_back(PrintLike(*table.like));
  if (table.query) {
    lines.push_back("AS");
    lines.push_back(PrintNode(*table.query, true));
  }
  return Layout::Join(std::move(lines), Layout::HardLine());
}

Layout PrintCreate(const CreateView& view) {
  Layout head = PrintHead("VIEW", view.temporary, view.if_not_exists, view.name);
  if (view.or_replace) {
    head = PrintHead(view.temporary ? "OR REPLACE TEMPORARY VIEW" : "OR REPLACE VIEW", false,
                     view.if_not_exists, view.name);
  }
  std::vector<Layout> parts = {head};
  if (!view.columns.empty()) {
    parts.push_back(PrintList(" (",
                              PrintEach(view.columns,
                                        [](const ViewColumn& column) {
                                          return PrintName(column.name) +
                                                 WithBlank(PrintComment(column.comment));
                                        }),
                              ")"));
  }
  if (!view.comment.empty()) {
    parts.push_back(Layout::HardLine());
    parts.push_back(PrintComment(view.comment));
    parts.push_back(Layout::HardLine());
  } else {
    parts.push_back(" ");
  }
  parts.push_back("AS");
  parts.push_back(Layout::HardLine());
  parts.push_back(PrintNode(*view.query, true));
  return Layout::Join(std::move(parts));
}

Layout PrintCreate(const CreateModel& model) {
  std::vector<Layout> lines = {
      PrintHead("MODEL", model.temporary, model.if_not_exists, model.name)};
  if (!model.inputs.empty()) lines.push_back(PrintModelColumns("INPUT", model.inputs));
  if (!model.outputs.empty()) lines.push_back(PrintModelColumns("OUTPUT", model.outputs));
  if (!model.comment.empty()) lines.push_back(PrintComment(model.comment));
  lines.push_back(WithOptions(model.options));
  if (model.query) {
    lines.push_back("AS");
    lines.push_back(PrintNode(*model.query, true));
  }
  return Layout::Join(std::move(lines), Layout::HardLine());
}

Layout PrintCreate(const CreateFunction& function) {
  std::vector<Layout> parts = {PrintHead(function.system ? "SYSTEM FUNCTION" : "FUNCTION",
                                         function.temporary, function.if_not_exists, function.name),
                               " AS ", PrintString(function.identifier),
                               PrintLanguage(function.language)};
  for (size_t i = 0; i < function.jars.size(); ++i) {
    parts.push_back((i == 0 ? " USING JAR " : ", JAR ") + PrintString(function.jars[i]));
  }
  if (!function.options.empty()) {
    parts.push_back(" ");
    parts.push_back(WithOptions(function.options));
  }
  return Layout::Join(std::move(parts));
}

}  // namespace millrace::syntax
