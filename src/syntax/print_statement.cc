#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "syntax/print.h"
#include "syntax/print_ddl.h"
#include "syntax/printer.h"

namespace millrace::syntax {
namespace {

Layout PrintValueOrWord(const std::string& version) {
  const bool number = !version.empty() && std::all_of(version.begin(), version.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  return number ? version : PrintString(version);
}

/// What stands behind the name in ALTER.
class ActionPrinter {
 public:
  Layout operator()(const SetOptions& action) const {
    return Layout::Join({"SET ", PrintOptions(action.options)});
  }
  Layout operator()(const ResetOptions& action) const {
    return PrintList("RESET (", PrintEach(action.keys, PrintString), ")");
  }
  Layout operator()(const RenameTo& action) const { return "RENAME TO " + action.name.ToString(); }
  Layout operator()(const RenameColumn& action) const {
    return "RENAME " + PrintName(action.from) + " TO " + PrintName(action.to);
  }
  Layout operator()(const ChangeSchema& action) const {
    std::vector<Layout> items = PrintEach(action.columns, [](const auto& change) {
      std::string place = change.first ? " FIRST" : "";
      if (change.after) place = " AFTER " + PrintName(*change.after);
      return Layout::Join({PrintColumn(change.column), place});
    });
    if (action.watermark) items.push_back(PrintWatermark(*action.watermark));
    if (action.primary_key) items.push_back(PrintPrimaryKey(*action.primary_key));
    return PrintList(action.modify ? "MODIFY (" : "ADD (", std::move(items), ")");
  }
  Layout operator()(const DropColumns& action) const {
    return Layout::Join({"DROP ", PrintNames(action.columns)});
  }
  Layout operator()(const DropPrimaryKey& action) const {
    return action.constraint ? "DROP CONSTRAINT " + PrintName(*action.constraint)
                             : "DROP PRIMARY KEY";
  }
  Layout operator()(const DropWatermark&) const { return "DROP WATERMARK"; }
  Layout operator()(const SetQuery& action) const {
    return Layout::Join({"AS", Layout::HardLine(), PrintNode(*action.query, true)});
  }
  Layout operator()(const SetVersion& action) const {
    return Layout::Join({"SET VERSION ", PrintValueOrWord(action.version)});
  }
  Layout operator()(const SetFunction& action) const {
    return "AS " + PrintString(action.identifier) + PrintLanguage(action.language);
  }
};

std::string PrintScope(const Drop& drop) {
  return std::string(drop.temporary ? "TEMPORARY " : "") + (drop.system ? "SYSTEM " : "");
}

class StatementPrinter {
 public:
  Layout operator()(const CreateTable& node) const { return PrintCreate(node); }
  Layout operator()(const CreateView& node) const { return PrintCreate(node); }
  Layout operator()(const CreateModel& node) const { return PrintCreate(node); }
  Layout operator()(const CreateFunction& node) const { return PrintCreate(node); }

  Layout operator()(const Drop& node) const {
    return "DROP " + PrintScope(node) + PrintKind(node.kind) +
           (node.if_exists ? " IF EXISTS " : " ") + node.name.ToString();
  }

  Layout operator()(const Alter& node) const {
    std::string head = "ALTER ";
    if (node.temporary) head += "TEMPORARY ";
    if (node.system) head += "SYSTEM ";
    head += PrintKind(node.kind) + (node.if_exists ? " IF EXISTS " : " ") + node.name.ToString();
    return Layout::Join({head, " ", std::visit(ActionPrinter(), node.action)});
  }

  Layout operator()(const Show& node) const {
    static constexpr const char* kWords[] = {
        "TABLES",   "VIEWS",   "MODELS", "FUNCTIONS",       "USER FUNCTIONS",  "DATABASES",
        "CATALOGS", "COLUMNS", "JOBS",   "CURRENT CATALOG", "CURRENT DATABASE"};
    std::string out = std::string("SHOW ") + kWords[static_cast<size_t>(node.kind)];
    if (node.scope) out += " FROM " + node.scope->ToString();
    if (!node.pattern) return out;
    out += node.negated ? " NOT" : "";
    return out + (node.ignore_case ? " ILIKE " : " LIKE ") + PrintString(*node.pattern);
  }

  Layout operator()(const ShowCreate& node) const {
    return "SHOW CREATE " + PrintKind(node.kind) + ' ' + node.name.ToString();
  }

  Layout operator()(const Describe& node) const {
    const bool table = node.kind == ObjectKind::kTable;
    return "DESCRIBE " + (table ? "" : PrintKind(node.kind) + ' ') +
           (node.extended ? "EXTENDED " : "") + node.name.ToString();
  }

  Layout operator()(const Insert& node) const {
    std::vector<Layout> parts = {node.overwrite ? "INSERT OVERWRITE " : "INSERT INTO ",
                                 node.table.ToString(), PrintHints(node.hints)};
    if (!node.partition.empty()) {
      const auto print = [](const NamedExpression& partition) {
        return Layout::Join({PrintName(partition.name), " = ", PrintNode(*partition.expression)});
      };
      parts.push_back(PrintList(" PARTITION (", PrintEach(node.partition, print), ")"));
    }
    if (!node.columns.empty()) parts.push_back(Layout::Join({" ", PrintNames(node.columns)}));
    parts.push_back(Layout::HardLine());
    parts.push_back(PrintNode(*node.query, true));
    return Layout::Join(std::move(parts));
  }

  Layout operator()(const StatementSet& node) const {
    std::vector<Layout> inserts = PrintEach(
        node.inserts, [](const StatementPtr& insert) { return PrintTerminated(*insert); });
    Layout inside = Layout::Join(std::move(inserts), Layout::HardLine());
    return Layout::Join({"EXECUTE STATEMENT SET", Layout::HardLine(), "BEGIN",
                         Layout::Nest(Layout::Join({Layout::HardLine(), inside})),
                         Layout::HardLine(), "END"});
  }

  Layout operator()(const Selection& node) const { return PrintNode(*node.query, true); }

  Layout operator()(const Explain& node) const {
    static constexpr const char* kDetails[] = {"ESTIMATED_COST", "CHANGELOG_MODE",
                                               "JSON_EXECUTION_PLAN", "PLAN_ADVICE"};
    std::string head = node.json ? "EXPLAIN JSON" : "EXPLAIN";
    for (size_t i = 0; i < node.details.size(); ++i) {
      head += (i == 0 ? " " : ", ") + std::string(kDetails[node.details[i]]);
    }
    return Layout::Join({head, Layout::HardLine(), PrintNode(*node.statement)});
  }

  Layout operator()(const SetOption& node) const {
    return node.key ? "SET " + PrintString(*node.key) + " = " + PrintString(node.value) : "SET";
  }

  Layout operator()(const ResetOption& node) const {
    return node.key ? "RESET " + PrintString(*node.key) : "RESET";
  }

  Layout operator()(const Use& node) const {
    return (node.kind == ObjectKind::kCatalog ? "USE CATALOG " : "USE ") + node.name.ToString();
  }

  Layout operator()(const StopJob& node) const {
    return "STOP JOB " + PrintString(node.job) + (node.with_savepoint ? " WITH SAVEPOINT" : "") +
           (node.with_drain ? " WITH DRAIN" : "");
  }
};

constexpr size_t kWidth = 100;

}  // namespace

Layout PrintNode(const Statement& statement) {
  std::vector<Layout> lines;
  for (const std::string& comment : statement.comments) lines.push_back(comment);
  lines.push_back(std::visit(StatementPrinter(), statement.node));
  return Layout::Join(std::move(lines), Layout::HardLine());
}

std::string Print(const Statement& statement) { return PrintNode(statement).Render(kWidth); }
std::string Print(const Query& query) { return PrintNode(query, true).Render(kWidth); }
std::string Print(const Expression& expression) { return PrintNode(expression).Render(kWidth); }
std::string Print(const Pattern& pattern) { return PrintNode(pattern).Render(kWidth); }
std::string Print(const SqlType& type) { return PrintType(type); }

Layout PrintTerminated(const Statement& statement) {
  const std::string& comment = statement.trailing_comment;
  return Layout::Join({PrintNode(statement), comment.empty() ? ";" : "; " + comment});
}

std::string PrintScript(std::span<const StatementPtr> statements) {
  std::string out;
  for (const StatementPtr& statement : statements) {
    if (!out.empty()) out += '\n';
    out += PrintTerminated(*statement).Render(kWidth) + '\n';
  }
  return out;
}

}  // namespace millrace::syntax
