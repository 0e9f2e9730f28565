#include "supervisor/hearing.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include <utility>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

// The kernel needs none. What stands in for it may take a while.
constexpr Duration limit = std::chrono::seconds(1);

void tell_as_before(int inotify, const std::string& path, std::uint32_t mask) {
    ::inotify_add_watch(inotify, path.c_str(), mask);
}

}  // namespace

Hearing::Hearing(boost::asio::io_context& io, std::function<void()> read,
                 std::function<void(const std::vector<int>&)> silent)
    : timer_(io), read_(std::move(read)), silent_(std::move(silent)) {}

void Hearing::test(int inotify, int wd, const std::string& path, std::uint32_t mask) {
    if (::inotify_add_watch(inotify, path.c_str(), mask | IN_OPEN) != wd) return;
    // Whoever may pass through it and not read it has no event to expect.
    const UniqueFd opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return tell_as_before(inotify, path, mask);
    tests_[wd] = {inotify, path, mask};
    timer_.expires_after(limit);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) over();
    });
}

void Hearing::heard(int wd) {
    const auto found = tests_.find(wd);
    if (found == tests_.end()) return;  // somebody else has opened something meanwhile
    const Test test = std::move(found->second);
    tests_.erase(found);
    if (tests_.empty()) timer_.cancel();
    tell_as_before(test.inotify, test.path, test.mask);
}

void Hearing::all_heard() {
    while (!tests_.empty())
        heard(tests_.begin()->first);
}

void Hearing::over() {
    read_();  // we may have been held up ourselves
    std::vector<int> silent;
    for (const auto& [wd, test] : std::exchange(tests_, {})) {
        tell_as_before(test.inotify, test.path, test.mask);
        silent.push_back(wd);
    }
    if (!silent.empty()) silent_(silent);
}

}  // namespace oneloop
