#include "supervisor/keys.h"

#include <array>
#include <utility>

namespace oneloop {

std::optional<Key> parse_key(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return std::nullopt;
    line = line.substr(first, line.find_last_not_of(blanks) - first + 1);
    constexpr std::array<std::pair<std::string_view, Key>, 5> keys = {{{"rs", Key::restart},
                                                                       {"q", Key::quit},
                                                                       {"p", Key::pause},
                                                                       {"s", Key::status},
                                                                       {"?", Key::help}}};
    for (const auto& [name, key] : keys) {
        if (name == line) return key;
    }
    return std::nullopt;
}

std::string key_help() {
    return "type rs to restart, p to pause or go on, s for the status, q to quit, ? for this line";
}

}  // namespace oneloop
