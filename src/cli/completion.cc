#include "cli/completion.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <arrow/type.h>

#include "session/session_impl.h"
#include "syntax/interactive.h"
#include <millrace/session.h>

namespace millrace::cli {
namespace {

void AddNames(const Session& session, ObjectInfo::Kind kind, std::set<std::string>* words) {
  for (const std::string& name : session.Names(kind)) words->insert(name);
}

void AddColumns(const Session& session, std::set<std::string>* words) {
  for (const auto kind : {ObjectInfo::Kind::kTable, ObjectInfo::Kind::kView}) {
    for (const std::string& name : session.Names(kind)) {
      const auto object = session.Find(kind, name);
      if (!object.ok()) continue;
      for (const auto& field : object->schema->fields()) words->insert(field->name());
    }
  }
}

template <class Spec>
void AddFunctions(const Registry<Spec>& registry, std::set<std::string>* words) {
  for (const Spec* spec : registry.All()) {
    if (std::isalpha(static_cast<unsigned char>(spec->name.front()))) words->insert(spec->name);
  }
}

}  // namespace

std::vector<std::string> CompletionsOf(Session& session, std::string_view text) {
  std::set<std::string> words;
  const Registries& registries = session.impl().engine().registries();
  for (const std::string& word : syntax::ExpectedAt(text, text.size())) {
    if (word == "<table>") {
      AddNames(session, ObjectInfo::Kind::kTable, &words);
      AddNames(session, ObjectInfo::Kind::kView, &words);
    } else if (word == "<view>") {
      AddNames(session, ObjectInfo::Kind::kView, &words);
    } else if (word == "<model>") {
      AddNames(session, ObjectInfo::Kind::kModel, &words);
    } else if (word == "<column>") {
      AddColumns(session, &words);
    } else if (word == "<function>") {
      AddFunctions(registries.functions, &words);
      AddFunctions(registries.aggregates, &words);
      AddNames(session, ObjectInfo::Kind::kModel, &words);
    } else if (word == "<job>") {
      for (const auto& job : session.Jobs()) words.insert(job->id());
    } else if (!word.starts_with('<')) {
      words.insert(word);
    }
  }
  return {words.begin(), words.end()};
}

}  // namespace millrace::cli
