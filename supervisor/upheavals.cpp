#include "supervisor/upheavals.h"

#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "common/read_text.h"

namespace oneloop {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

namespace {

// proc(5): what would break a line is written as \\040 and so on.
std::string as_in_proc(const std::string& path) {
    std::string result;
    for (const char c : path) {
        if (c == ' ' || c == '\t' || c == '\n' || c == '\\') {
            std::array<char, 8> octal{};
            std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned>(c));
            result += octal.data();
        } else {
            result += c;
        }
    }
    return result;
}

}  // namespace

Upheavals::Upheavals(asio::io_context& io, const std::vector<std::string>& roots,
                     std::function<void(bool below)> happened)
    : happened_(std::move(happened)), mounts_(io), clock_(io) {
    for (const auto& root : roots) {
        std::error_code error;
        const auto absolute = std::filesystem::canonical(root, error);
        if (!error) roots_.push_back(as_in_proc(absolute.string()));
    }
    seen_ = mounts_below();
    // proc(5): /proc/PID/mounts is "exceptional" when something was mounted or unmounted.
    if (const int fd = ::open("/proc/self/mounts", O_RDONLY | O_CLOEXEC); fd >= 0) {
        mounts_.assign(fd);
        wait_for_mounts();
    }
    // timerfd_create(2): with TFD_TIMER_CANCEL_ON_SET a timer is cancelled when the clock of the
    // day jumps, and the kernel treats the end of a suspend as such a jump.
    if (const int fd = ::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK); fd >= 0) {
        clock_.assign(fd);
        arm_clock();
        wait_for_clock();
    }
}

void Upheavals::wait_for_mounts() {
    mounts_.async_wait(Descriptor::wait_error, [this](const boost::system::error_code& error) {
        if (error) return;
        const std::string now = mounts_below();
        happened_(std::exchange(seen_, now) != now);
        wait_for_mounts();
    });
}

std::string Upheavals::mounts_below() const {
    std::string result;
    std::istringstream lines(read_text("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string point;
        for (int i = 0; i < 5; ++i)
            words >> point;
        for (const auto& root : roots_) {
            if (point == root || point.starts_with(root == "/" ? root : root + "/")) {
                result += line + "\n";
                break;
            }
        }
    }
    return result;
}

void Upheavals::arm_clock() {
    itimerspec never{};
    never.it_value.tv_sec = INT32_MAX;  // 2038, a day that comes; then it is armed again
    ::timerfd_settime(clock_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                      nullptr);
}

void Upheavals::wait_for_clock() {
    clock_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        std::uint64_t expirations = 0;
        const bool jumped = ::read(clock_.native_handle(), &expirations, sizeof expirations) < 0;
        if (!jumped) return;
        arm_clock();
        happened_(true);
        wait_for_clock();
    });
}

}  // namespace oneloop
