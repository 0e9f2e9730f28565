#include "supervisor/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>

#include "common/exit_status.h"
#include "supervisor/command_options.h"
#include "supervisor/commands.h"
#include "supervisor/completions.h"
#include "supervisor/config_file.h"

namespace oneloop {
namespace {

struct Formatter : CLI::Formatter {
    std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: supervisor [OPTIONS] [-- COMMAND [ARG...]]\n";
    }
};

// CLI11 2.1 takes a value in brackets for a list: "[id]" would become "id". With "./" in front a
// path is left alone and stays the same, and so does a line for the shell with a space behind it.
std::vector<std::string> shield_brackets(char** begin, char** end) {
    std::vector<std::string> arguments(begin, end);
    const auto is_line = [](std::string_view name) {
        return name == "--build" || name == "--check" || name == "--hook";
    };
    std::string option;
    for (auto& argument : arguments) {
        const bool bracketed = argument.ends_with(']');
        const auto equals = argument.find('=');
        if (argument.starts_with('-')) {
            option = argument.substr(0, equals);
            if (bracketed && is_line(option) && argument.substr(equals + 1).starts_with('['))
                argument += ' ';
        } else if (bracketed && argument.starts_with('[')) {
            if (option == "-w" || option == "--watch") argument.insert(0, "./");
            if (is_line(option)) argument += ' ';
        }
    }
    return arguments;
}

// "WHAT:{wait,restart,exit}", as CLI11 tells the name of a value with what may stand for it.
void split_choices(OptionInfo& info) {
    const auto at = info.value.find(":{");
    if (at == std::string::npos) return;
    std::istringstream choices(info.value.substr(at + 2, info.value.size() - at - 3));
    info.value.erase(at);
    for (std::string choice; std::getline(choices, choice, ',');)
        info.choices.push_back(choice);
}

OptionModel model_of(const CLI::App& app) {
    OptionModel model;
    for (const auto* option : app.get_options()) {
        OptionInfo info;
        info.name = option->get_lnames().front();
        if (!option->get_snames().empty()) info.letter = option->get_snames().front().front();
        info.about = option->get_description();
        info.value = option->get_type_name();
        info.bare = !info.value.empty() && option->get_items_expected_min() == 0;
        info.list = option->get_items_expected_max() > 1;
        split_choices(info);
        model.options.push_back(std::move(info));
    }
    model.commands = visible_commands();
    return model;
}

class Parser {
  public:
    explicit Parser(CommandLine& line) : line_(line) {
        app_.formatter(std::make_shared<Formatter>());
        app_.footer("Without a COMMAND it runs the worker that comes with oneloop.\n" +
                    describe_commands());
        add_options(app_, line_);
    }

    std::optional<Refusal> parse(std::vector<std::string> arguments) {
        try {
            std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
            app_.parse(std::move(arguments));
        } catch (const CLI::Success& success) {  // --help, --version
            std::ostringstream out;
            std::ostringstream err;
            app_.exit(success, out, err);
            std::string text = out.str();
            while (!text.empty() && text.back() == '\n')
                text.pop_back();
            return Refusal{exit_ok, text};
        } catch (const CLI::ExtrasError&) {
            const auto extras = app_.remaining();
            const bool flag = !extras.empty() && extras[0].starts_with('-');
            return usage(flag ? fmt::format("unknown option {}", extras[0])
                              : fmt::format("a command follows --: supervisor … -- {}",
                                            fmt::join(extras, " ")))
                .value();
        } catch (const CLI::ParseError& error) {
            return usage(error.what()).value();
        }
        line_.watches = was_given("--watch");
        line_.polls = was_given("--poll");
        // CLI11 stands in for "--watch alone" with one empty value.
        std::erase(line_.watch, "");
        for (auto& path : line_.watch) {
            if (path.starts_with("./[") && path.ends_with(']')) path.erase(0, 2);
        }
        return std::nullopt;
    }

    [[nodiscard]] bool was_given(const std::string& option) const {
        return app_.get_option(option)->count() > 0;
    }
    [[nodiscard]] OptionModel model() const { return model_of(app_); }

  private:
    CommandLine& line_;
    CLI::App app_{"Keeps exactly one worker running and restarts it when files change.",
                  "supervisor"};
};

std::vector<std::string> as_typed(const ConfigEntry& entry) {
    if (entry.values.empty()) return {"--" + entry.key};
    std::vector<std::string> arguments;
    for (std::string value : entry.values) {
        // See shield_brackets.
        if (value.starts_with('[') && value.ends_with(']')) {
            entry.key == "watch" ? value.insert(0, "./") : value += ' ';
        }
        arguments.push_back("--" + entry.key + "=" + value);
    }
    return arguments;
}

// What the file says comes first, as if it had been typed, unless the same was typed.
tl::expected<CommandLine, Refusal> with_config(const Parser& parsed, const CommandLine& typed,
                                               const std::vector<std::string>& arguments) {
    const ConfigFile file = read_config_file(typed.config, parsed.model());
    std::vector<std::string> problems = file.problems;
    // Who types a command may name a file that is its own affair so far.
    if (problems.empty() && !file.has_table && typed.command.empty())
        problems.push_back(typed.config + ": there is no table [supervisor]");
    CommandLine line;
    line.command = typed.command;
    std::vector<std::string> all;
    for (const auto& entry : file.entries) {
        if (entry.key == "command") {
            if (line.command.empty()) line.command = entry.values;
            continue;
        }
        if (parsed.was_given("--" + entry.key)) continue;
        const auto one = as_typed(entry);
        CommandLine alone;
        if (const auto refusal = Parser(alone).parse(one)) {
            problems.push_back(entry.place + ": " +
                               refusal->text.substr(0, refusal->text.find('\n')));
        }
        all.insert(all.end(), one.begin(), one.end());
        line.origins.emplace_back("--" + entry.key, entry.place);
    }
    if (!problems.empty()) {
        return tl::unexpected(Refusal{exit_config, fmt::format("{}", fmt::join(problems, "\n"))});
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    if (auto refusal = Parser(line).parse(all)) return tl::unexpected(*refusal);
    line.effective = std::move(all);
    line.effective.insert(line.effective.end(), line.command.begin(), line.command.end());
    return line;
}

}  // namespace

tl::unexpected<Refusal> usage(const std::string& text) {
    return tl::unexpected(Refusal{exit_usage, text + "\n(supervisor --help lists the options)"});
}

tl::expected<CommandLine, Refusal> parse_command_line(int argc, char** argv) {
    // What follows the first "--" is the user's, to the letter; CLI11 never sees it.
    char** const end = argv + argc;
    char** const dashes =
        std::find_if(argv, end, [](const char* a) { return std::string_view(a) == "--"; });
    CommandLine line;
    if (dashes != end) {
        line.command.assign(dashes + 1, end);
        if (line.command.empty()) return usage("there is no command after --");
    }
    Parser parser(line);
    const auto arguments = shield_brackets(argv + 1, dashes);
    if (auto refusal = parser.parse(arguments)) return tl::unexpected(*refusal);
    if (!line.completions.empty()) {
        return tl::unexpected(
            Refusal{exit_ok, completions(line.completions, parser.model()).value_or("")});
    }
    if (!line.config.empty()) return with_config(parser, line, arguments);
    return line;
}

}  // namespace oneloop
