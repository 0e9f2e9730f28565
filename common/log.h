// One line per fact on stderr: an event name and key=value pairs, or a sentence for people.
//
// Not for the worker's tick blocks (worker/console) and not used by the warden, which links
// nothing. Any thread may call it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace oneloop::log {

enum class Level { debug, info, warn, error };

// Sets the "[name]" in front of each line and the lowest level shown. Call once in main.
void open(std::string_view program, Level lowest = Level::info);

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
