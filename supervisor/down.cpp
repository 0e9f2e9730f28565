#include "supervisor/down.h"

#include <algorithm>

namespace oneloop {
namespace {

using std::chrono::seconds;

// When a change is waited for nobody knows how long; a client may well ask again soon.
constexpr int retry_when_unknown = 5;

}  // namespace

std::optional<DownNotice> down_notice(Down mode, const Lifecycle& lifecycle, SteadyTime now,
                                      const std::string& last_end) {
    if (mode == Down::hold) return std::nullopt;
    const auto* waiting = std::get_if<Waiting>(&lifecycle.state);
    // A burst of changes ends in a start within a moment, and so does what is due.
    if (!waiting || lifecycle.gathering || lifecycle.finishing) return std::nullopt;
    if (waiting->due && *waiting->due <= now) return std::nullopt;
    DownNotice notice{retry_when_unknown, last_end.empty() ? "no worker is running" : last_end};
    if (waiting->due) {
        const auto left = std::chrono::ceil<seconds>(*waiting->due - now).count();
        notice.retry_after = static_cast<int>(std::max<seconds::rep>(left, 1));
    }
    std::replace_if(
        notice.text.begin(), notice.text.end(),
        [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return notice;
}

std::string down_answer(const DownNotice& notice, const std::string& request) {
    const std::string body = "503 Service Unavailable: " + notice.text + "\n";
    std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Retry-After: " +
        std::to_string(notice.retry_after) +
        "\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n";
    if (!request.starts_with("HEAD ")) answer += body;  // RFC 9110, 9.3.2
    return answer;
}

}  // namespace oneloop
