#include "supervisor/reload.h"

#include "common/log.h"

namespace oneloop {

std::optional<std::string> reload_mistake(const Options& options) {
    std::vector<std::string> words = options.typed;
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const auto now = parse_options(static_cast<int>(words.size()), argv.data());
    if (!now) return now.error().text;
    if (now->effective != options.effective) {
        log::warn(
            "the supervisor's own options have changed; they count when it is started again "
            "(systemctl restart)");
    }
    return std::nullopt;
}

}  // namespace oneloop
