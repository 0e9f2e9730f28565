#include "worker/config_reader.h"

#include <algorithm>
#include <sstream>

#include "common/duration.h"
#include "worker/template.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

Problem at(const toml::source_region& where, std::string message) {
    return {static_cast<int>(where.begin.line), static_cast<int>(where.begin.column),
            std::move(message)};
}

}  // namespace

std::string json_of(const toml::node& value) {
    std::ostringstream text;
    text << toml::json_formatter(value);
    return compact_json(text.str());
}

ConfigReader::ConfigReader(const toml::table& table, std::string name,
                           const std::vector<std::string_view>& known,
                           std::vector<Problem>& problems)
    : table_(table), name_(std::move(name)), problems_(problems) {
    for (const auto& [key, value] : table) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
        std::string message = fmt::format("unknown key '{}'", one_line(called(key.str()), 80));
        if (const auto near = nearest(key.str(), known); !near.empty()) {
            message += fmt::format(", did you mean '{}'?", near);
        }
        problems_.push_back(at(key.source(), std::move(message)));
    }
}

void ConfigReader::problem(const toml::node& where, std::string message) const {
    problems_.push_back(at(where.source(), std::move(message)));
}

std::string ConfigReader::called(std::string_view key) const {
    return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
}

std::optional<std::string> ConfigReader::text(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return std::nullopt;
    if (const auto text = value->value_exact<std::string>()) return text;
    problem(*value, called(key) + " must be a text in quotes");
    return std::nullopt;
}

std::optional<std::int64_t> ConfigReader::integer(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return std::nullopt;
    if (const auto number = value->value_exact<std::int64_t>()) return number;
    problem(*value, called(key) + " must be a whole number");
    return std::nullopt;
}

std::optional<bool> ConfigReader::boolean(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return std::nullopt;
    if (const auto flag = value->value_exact<bool>()) return flag;
    problem(*value, called(key) + " must be true or false");
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> ConfigReader::duration(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return std::nullopt;
    const auto text = value->value_exact<std::string>();
    if (!text) {
        problem(*value, called(key) + " must be a duration in quotes, such as \"30s\"");
        return std::nullopt;
    }
    const auto parsed = parse_duration(*text);
    if (!parsed) {
        problem(*value, called(key) + ": " + parsed.error().what);
        return std::nullopt;
    }
    return *parsed;
}

const toml::table* ConfigReader::table(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return nullptr;
    if (!value->is_table()) problem(*value, called(key) + " must be a table");
    return value->as_table();
}

const toml::array* ConfigReader::array(std::string_view key) const {
    const auto* value = node(key);
    if (!value) return nullptr;
    if (!value->is_array()) problem(*value, called(key) + " must be a list");
    return value->as_array();
}

std::vector<std::string> ConfigReader::texts(std::string_view key) const {
    std::vector<std::string> result;
    const auto* list = array(key);
    if (!list) return result;
    for (const auto& entry : *list) {
        if (const auto text = entry.value_exact<std::string>()) {
            result.push_back(*text);
        } else {
            problem(entry, called(key) + " must be a list of texts");
        }
    }
    return result;
}

Pairs ConfigReader::pairs(std::string_view key, bool json) const {
    Pairs result;
    const auto* values = table(key);
    if (!values) return result;
    for (const auto& [name, value] : *values) {
        const std::string as_key(name.str());
        if (const auto text = value.value_exact<std::string>()) {
            result.emplace_back(as_key, *text);
        } else if (const auto number = value.value_exact<std::int64_t>()) {
            result.emplace_back(as_key, std::to_string(*number));
        } else if (const auto flag = value.value_exact<bool>()) {
            result.emplace_back(as_key, *flag ? "true" : "false");
        } else if (json && (value.is_table() || value.is_array())) {
            result.emplace_back(as_key, json_of(value));
        } else {
            problem(value, fmt::format("{}.{} must be a text or a number", called(key), as_key));
        }
    }
    return result;
}

std::size_t ConfigReader::choice(std::string_view key,
                                 const std::vector<std::string_view>& words) const {
    const auto value = text(key);
    if (!value) return 0;
    const auto found = std::find(words.begin(), words.end(), *value);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    problem(*node(key), fmt::format("{} is '{}'; it can be {}", called(key), one_line(*value, 60),
                                    fmt::join(words, ", ")));
    return 0;
}

std::string ConfigReader::required(std::string_view key) const {
    if (!has(key)) {
        problem_here(called(key) + " is missing");
        return {};
    }
    const auto value = text(key);
    if (value && value->empty()) problem(*node(key), called(key) + " is empty");
    return value.value_or("");
}

}  // namespace oneloop::worker
