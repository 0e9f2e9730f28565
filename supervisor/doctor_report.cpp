#include "supervisor/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace oneloop {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Standing standing) {
    switch (standing) {
        case Standing::holds:
            return "ok";
        case Standing::weaker:
            return "weaker";
        case Standing::missing:
            return "missing";
    }
    return "";
}

const char* symbol_of(Standing standing) {
    switch (standing) {
        case Standing::holds:
            return "✓";
        case Standing::weaker:
            return "!";
        case Standing::missing:
            return "✗";
    }
    return "";
}

const char* verdict_of(Standing standing) {
    switch (standing) {
        case Standing::holds:
            return "everything that oneloop promises holds here";
        case Standing::weaker:
            return "oneloop runs here, and something is weaker than it could be";
        case Standing::missing:
            return "oneloop can't run here";
    }
    return "";
}

// What a process has in its arguments must not steer the terminal.
std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return text;
}

std::string shell_word(const std::string& word) {
    constexpr const char* plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : printable(word)) {
        if (c == '\'') {
            quoted += R"('\'')";
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

std::string age_text(double seconds) {
    const auto whole = static_cast<long>(seconds);
    if (whole < 60) return fmt::format("{}s", whole);
    if (whole < 3600) return fmt::format("{}min", whole / 60);
    if (whole < 2 * 86400) return fmt::format("{}h {}min", whole / 3600, whole / 60 % 60);
    return fmt::format("{}d", whole / 86400);
}

std::string machine_text(const DoctorReport& report, bool symbols) {
    std::string text = "this machine\n";
    for (const auto& line : report.machine) {
        const std::string mark = symbols ? symbol_of(line.standing) : name_of(line.standing);
        // Not a width of the mark itself: fmt counts columns, but not what a terminal makes of it.
        const std::string pad(symbols ? 0 : 7 - mark.size(), ' ');
        text += fmt::format("  {}{}  {:<2}  {:<31}{}\n", mark, pad, line.invariant,
                            printable(line.what), printable(line.detail));
        if (!line.way_out.empty()) {
            text += fmt::format("  {:{}}        way out: {}\n", "", symbols ? 0 : 6,
                                printable(line.way_out));
        }
    }
    return text + verdict_of(worst(report.machine)) + "\n";
}

std::string leftover_text(const DoctorReport& report) {
    const std::size_t count = report.leftovers.size();
    if (count == 0) {
        return fmt::format("\nno process but a supervisor's: {}\n", printable(report.subject));
    }
    std::string text = fmt::format("\n{} process{} that no supervisor keeps: {}\n", count,
                                   count == 1 ? "" : "es", printable(report.subject));
    text += fmt::format("  {:>8} {:>8}  {:<10}{:<10}{}\n", "PID", "PARENT", "AGE", "TERMINAL",
                        "COMMAND");
    for (const auto& [finding, age] : report.leftovers) {
        const auto& process = finding.process;
        text += fmt::format("  {:>8} {:>8}  {:<10}{:<10}{}\n", process.pid, process.parent,
                            age_text(age), process.terminal.empty() ? "none" : process.terminal,
                            shell_words(process.arguments));
        text += fmt::format("  {:>39}in {}; {}\n", "", printable(process.directory_path),
                            fmt::join(finding.reasons, "; "));
    }
    return text;
}

std::string end_text(const DoctorReport& report) {
    if (!report.tried_to_end) {
        if (report.leftovers.empty()) return "";
        return fmt::format("to end {}: {}\n", report.leftovers.size() == 1 ? "it" : "them",
                           report.end_command);
    }
    std::string text;
    std::size_t ended = 0;
    for (const auto& result : report.ends) {
        using Outcome = EndResult::Outcome;
        if (result.outcome == Outcome::ended || result.outcome == Outcome::killed) ++ended;
        text += fmt::format("  {:>8}  {}{}\n", result.pid, describe(result.outcome),
                            result.reason.empty() ? "" : ": " + result.reason);
    }
    std::string remaining;
    if (!report.remaining.empty()) {
        remaining = fmt::format("; still there: {}", fmt::join(report.remaining, " "));
    }
    return fmt::format("\nended {} of {}{}\n{}", ended, report.ends.size(), remaining, text);
}

Json machine_json(const std::vector<MachineLine>& lines) {
    Json json = Json::array();
    for (const auto& line : lines) {
        json.push_back({{"invariant", line.invariant},
                        {"what", line.what},
                        {"standing", name_of(line.standing)},
                        {"detail", line.detail},
                        {"way_out", line.way_out}});
    }
    return json;
}

Json leftovers_json(const std::vector<DoctorReport::Leftover>& leftovers) {
    Json json = Json::array();
    for (const auto& [finding, age] : leftovers) {
        const auto& process = finding.process;
        json.push_back({{"pid", process.pid},
                        {"parent", process.parent},
                        {"age_seconds", age},
                        {"terminal", process.terminal},
                        {"command", process.arguments},
                        {"program", process.program_path},
                        {"directory", process.directory_path},
                        {"holds", process.holds},
                        {"reasons", finding.reasons}});
    }
    return json;
}

Json ends_json(const std::vector<EndResult>& ends) {
    Json json = Json::array();
    for (const auto& result : ends) {
        json.push_back({{"pid", result.pid},
                        {"outcome", describe(result.outcome)},
                        {"reason", result.reason}});
    }
    return json;
}

}  // namespace

std::string shell_words(const std::vector<std::string>& arguments) {
    std::string text;
    for (const auto& argument : arguments) {
        if (!text.empty()) text += ' ';
        text += shell_word(argument);
    }
    return text;
}

std::string to_text(const DoctorReport& report, bool symbols) {
    std::string text = machine_text(report, symbols);
    if (report.looked) text += leftover_text(report);
    for (const auto& note : report.notes)
        text += printable(note) + "\n";
    if (report.looked) text += end_text(report);
    return text;
}

std::string to_json(const DoctorReport& report) {
    Json json = {{"machine", machine_json(report.machine)},
                 {"standing", name_of(worst(report.machine))}};
    json["leftovers"] = report.looked ? leftovers_json(report.leftovers) : Json(nullptr);
    json["notes"] = report.notes;
    json["ends"] = report.tried_to_end ? ends_json(report.ends) : Json(nullptr);
    json["remaining"] = report.remaining;
    json["exit_code"] = report.exit_code;
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oneloop
