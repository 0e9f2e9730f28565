#include "supervisor/reload.h"

#include "common/exec_pointers.h"
#include "common/log.h"

namespace oneloop {

std::optional<std::string> reload_mistake(const Options& options) {
    auto argv = exec_pointers(options.typed);
    const auto now = parse_options(static_cast<int>(options.typed.size()), argv.data());
    if (!now) return now.error().text;
    if (now->effective != options.effective) {
        log::warn(
            "the supervisor's own options have changed; they count when it is started again "
            "(systemctl restart)");
    }
    return std::nullopt;
}

}  // namespace oneloop
