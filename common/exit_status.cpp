#include "common/exit_status.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <cstdlib>

namespace oneloop {

ExitStatus ExitStatus::from_wait_status(int status) {
    if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

std::string signal_name(int signal) {
    // sigabbrev_np(3), glibc 2.32.
    if (const char* name = ::sigabbrev_np(signal)) return std::string("SIG") + name;
    return "signal " + std::to_string(signal);
}

std::string describe(ExitStatus status) {
    return status.signal ? signal_name(status.signal) : "exit " + std::to_string(status.code);
}

int parse_signal(const std::string& text) {
    char* end = nullptr;
    const long number = std::strtol(text.c_str(), &end, 10);
    if (!text.empty() && *end == '\0') {
        return number > 0 && number < NSIG ? static_cast<int>(number) : 0;
    }
    const std::string name = text.rfind("SIG", 0) == 0 ? text.substr(3) : text;
    for (int signal = 1; signal < NSIG; ++signal) {
        const char* candidate = ::sigabbrev_np(signal);
        if (candidate && name == candidate) return signal;
    }
    return 0;
}

}  // namespace oneloop
