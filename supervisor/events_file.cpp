#include "supervisor/events_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/unique_fd.h"
#include "supervisor/json_fields.h"

namespace oneloop {
namespace {

std::string line(const control::Json& json) {
    // File names need not be UTF-8: what is not becomes U+FFFD.
    return json.dump(-1, ' ', false, control::Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string events_text(const std::optional<control::Cause>& cause) {
    if (!cause) return line({{"event", "start"}});
    if (cause->kind != "change") return line({{"event", cause->kind}, {"text", cause->text}});
    std::string text;
    for (const auto& path : cause->paths)
        text += line({{"event", "change"}, {"path", path}});
    if (cause->count > cause->paths.size()) {
        text += line({{"event", "more"}, {"count", cause->count - cause->paths.size()}});
    }
    if (cause->events_lost) text += line({{"event", "lost"}});
    return text;
}

Result<void> write_events_file(const std::string& path, const std::string& text) {
    const std::string temporary = path + ".tmp";
    UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return fail_errno("open " + temporary);
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t put = ::write(file.get(), text.data() + at, text.size() - at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return fail_errno("write " + temporary);
        at += static_cast<std::size_t>(put);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("rename to " + path);
    return {};
}

}  // namespace oneloop
