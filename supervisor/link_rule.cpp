#include "supervisor/link_rule.h"

namespace oneloop {

bool is_below(std::string_view path, std::string_view directory) {
    if (!path.starts_with(directory)) return false;
    return path.size() == directory.size() || directory.ends_with('/') ||
           path[directory.size()] == '/';
}

std::optional<std::string> why_not_followed(std::string_view target,
                                            const std::vector<std::string>& watched) {
    for (const auto& one : watched) {
        if (is_below(target, one)) return "leads into " + one + ", which is watched";
        if (is_below(one, target)) return "leads to what holds " + one;
    }
    return std::nullopt;
}

}  // namespace oneloop
