// keys: what a line typed at the supervisor asks for. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oneloop {

enum class Key { restart, quit, pause, status, help };

// `line` without its newline; blanks around it don't count. None: it is no key.
std::optional<Key> parse_key(std::string_view line);

// One line that lists them all.
std::string key_help();

}  // namespace oneloop
