#include "supervisor/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "common/nearest.h"

namespace oneloop {
namespace {

constexpr std::string_view table_name = "supervisor";
constexpr std::string_view command_key = "command";

class Reader {
  public:
    Reader(std::string path, const OptionModel& model) : path_(std::move(path)), model_(model) {}

    ConfigFile read() {
        try {
            const toml::table file = toml::parse_file(path_);
            const toml::node* node = file.get(table_name);
            result_.has_table = node != nullptr;
            if (!node) {
                look_for_a_slip(file);
            } else if (const auto* table = node->as_table()) {
                for (const auto& [key, value] : *table)
                    take(std::string(key.str()), key.source(), value);
            } else {
                problem(node->source(), "supervisor must be a table");
            }
        } catch (const toml::parse_error& error) {
            // Without a position the file could not be opened.
            if (error.source().begin.line == 0) {
                result_.problems.push_back(path_ + ": " + std::string(error.description()));
            } else {
                problem(error.source(), std::string(error.description()));
            }
        }
        // In the order of the file, which a table does not keep.
        const auto by_line = [](const auto& a, const auto& b) { return a.first < b.first; };
        std::stable_sort(found_.begin(), found_.end(), by_line);
        for (auto& [line, entry] : found_)
            result_.entries.push_back(std::move(entry));
        return std::move(result_);
    }

  private:
    [[nodiscard]] std::string place(const toml::source_region& where) const {
        return fmt::format("{}:{}:{}", path_, where.begin.line, where.begin.column);
    }
    void problem(const toml::source_region& where, const std::string& what) {
        result_.problems.push_back(place(where) + ": " + what);
    }

    // A table whose name is mistyped would be taken for somebody else's.
    void look_for_a_slip(const toml::table& file) {
        for (const auto& [key, value] : file) {
            if (nearest(key.str(), {table_name}).empty()) continue;
            problem(key.source(), fmt::format("unknown table [{}], did you mean [{}]?",
                                              std::string(key.str()), table_name));
        }
    }

    void take(const std::string& key, const toml::source_region& where, const toml::node& value) {
        static const OptionInfo command{std::string(command_key), 0, "", "ARG", true, false, {}};
        const OptionInfo* option = key == command_key ? &command : nullptr;
        for (const auto& one : model_.options) {
            if (one.name == key && may_be_set(key)) option = &one;
        }
        if (!option) return problem(where, fmt::format("unknown key '{}'{}", key, near(key)));
        auto values = read_values(key, *option, value);
        if (!values) return;
        found_.emplace_back(where.begin.line, ConfigEntry{key, *values, place(value.source())});
    }

    // None: nothing is to be set, or it is a problem.
    std::optional<std::vector<std::string>> read_values(const std::string& key,
                                                        const OptionInfo& option,
                                                        const toml::node& value) {
        using Values = std::vector<std::string>;
        if (const auto set = value.value_exact<bool>();
            set && (option.value.empty() || option.bare)) {
            return *set ? std::optional(Values{}) : std::nullopt;
        }
        if (option.value.empty()) {
            problem(value.source(), key + " must be true or false");
            return std::nullopt;
        }
        if (const auto* array = value.as_array(); array && option.list) {
            Values values;
            for (const auto& entry : *array) {
                if (const auto text = entry.value_exact<std::string>()) {
                    values.push_back(*text);
                } else {
                    problem(entry.source(), key + " must be texts in quotes");
                    return std::nullopt;
                }
            }
            return values.empty() ? std::nullopt : std::optional(values);
        }
        const auto text = value.value_exact<std::string>();
        if (text && key != command_key) return Values{*text};
        problem(value.source(), option.list ? key + " must be a list of texts in quotes"
                                            : key + " must be a text in quotes");
        return std::nullopt;
    }

    // The others end the program, or say where to look for this file.
    static bool may_be_set(std::string_view key) {
        for (const char* other : {"help", "version", "config", "completions"}) {
            if (key == other) return false;
        }
        return true;
    }

    [[nodiscard]] std::string near(std::string_view key) const {
        std::vector<std::string_view> known = {command_key};
        for (const auto& option : model_.options) {
            if (may_be_set(option.name)) known.push_back(option.name);
        }
        const std::string best = nearest(key, known);
        return best.empty() ? "" : fmt::format(", did you mean '{}'?", best);
    }

    std::string path_;
    const OptionModel& model_;
    ConfigFile result_;
    std::vector<std::pair<unsigned, ConfigEntry>> found_;
};

}  // namespace

ConfigFile read_config_file(const std::string& path, const OptionModel& model) {
    return Reader(path, model).read();
}

}  // namespace oneloop
