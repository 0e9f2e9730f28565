// One line per fact on stderr: an event name and key=value pairs, or a sentence for people.
//
// Not for the worker's tick blocks (worker/console) and not used by the warden, which links
// nothing. Any thread may call it.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace oneloop::log {

enum class Level { debug, info, warn, error };

// text: "[name] sentence". json: one object a line with time (RFC 3339, UTC), level, event, text
// and the event's fields.
enum class Format { text, json };

// Sets the "[name]" in front of each line, the lowest level shown and the form. Call in main.
void open(std::string_view program, Level lowest = Level::info, Format format = Format::text);

using Value = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;
struct Field {
    std::string key;
    Value value;
    friend bool operator==(const Field&, const Field&) = default;
};
// Something that programs want to know as well: what people read as a sentence, with its parts.
struct Event {
    Level level = Level::info;
    std::string name;  // snake_case, stays the same over versions
    std::string text;
    std::vector<Field> fields = {};
    friend bool operator==(const Event&, const Event&) = default;
};
void write(const Event& event);

// A sentence alone; its event's name is "message".
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::warn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace oneloop::log
