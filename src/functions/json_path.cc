#include "functions/json_path.h"

#include <cctype>
#include <charconv>

namespace millrace::functions {

using nlohmann::json;

Result<JsonPath> JsonPath::Parse(std::string_view text) {
  const std::string_view whole = text;
  const auto fault = [&] {
    return Error::User("malformed JSON path '" + std::string(whole) + "'")
        .Hint("write it like '$.orders[0].price', '$[*]' or 'lax $.a'");
  };
  const auto skip_spaces = [&] {
    while (text.starts_with(' ')) text.remove_prefix(1);
  };
  JsonPath path;
  skip_spaces();
  for (const std::string_view mode : {"lax ", "strict "}) {
    if (!text.starts_with(mode)) continue;
    path.lax_ = mode == "lax ";
    text.remove_prefix(mode.size());
    skip_spaces();
    break;
  }
  if (!text.starts_with('$')) return fault();
  text.remove_prefix(1);
  while (!text.empty()) {
    Step step;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      const std::string_view name = text.substr(0, text.find_first_of(".["));
      if (name.empty()) return fault();
      step.every = name == "*";
      if (!step.every) step.name = std::string(name);
      text.remove_prefix(name.size());
    } else if (text.starts_with("['") || text.starts_with("[\"")) {
      const size_t end = text.find(text[1], 2);
      if (end == std::string_view::npos || text.substr(end + 1, 1) != "]") return fault();
      step.name = std::string(text.substr(2, end - 2));
      text.remove_prefix(end + 2);
    } else if (text.starts_with("[*]")) {
      step.every = true;
      text.remove_prefix(3);
    } else if (text.starts_with('[')) {
      const auto [end, error] =
          std::from_chars(text.data() + 1, text.data() + text.size(), step.index);
      if (error != std::errc() || end == text.data() + text.size() || *end != ']') return fault();
      text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
    } else {
      return fault();
    }
    path.many_ = path.many_ || step.every;
    path.steps_.push_back(std::move(step));
  }
  return path;
}

void JsonPath::Collect(const json& at, size_t step, std::vector<json>* out, bool* fault) const {
  if (step == steps_.size()) {
    out->push_back(at);
    return;
  }
  const Step& wanted = steps_[step];
  const auto each = [&](const json& container, size_t next) {
    for (const json& element : container) Collect(element, next, out, fault);
  };
  if (wanted.every) {
    if (at.is_structured()) return each(at, step + 1);
  } else if (wanted.name) {
    if (at.is_object()) {
      if (const auto found = at.find(*wanted.name); found != at.end())
        return Collect(*found, step + 1, out, fault);
    } else if (at.is_array() && lax_) {
      return each(at, step);
    }
  } else if (at.is_array()) {
    if (wanted.index < at.size()) return Collect(at[wanted.index], step + 1, out, fault);
  } else if (lax_ && wanted.index == 0) {
    return Collect(at, step + 1, out, fault);
  }
  *fault = *fault || !lax_;
}

JsonPath::Found JsonPath::Find(const json& document) const {
  Found found;
  std::vector<json> values;
  Collect(document, 0, &values, &found.fault);
  if (found.fault) return found;
  if (many_)
    found.value = json(std::move(values));
  else if (values.size() == 1)
    found.value = std::move(values[0]);
  else if (values.size() > 1)
    found.value = json(std::move(values));
  return found;
}

}  // namespace millrace::functions
