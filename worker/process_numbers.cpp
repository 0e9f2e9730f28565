#include "worker/process_numbers.h"

#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "common/read_text.h"

namespace oneloop::worker {

ProcessNumbers read_process_numbers(WallTime started) {
    ProcessNumbers numbers;
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    numbers.cpu_seconds = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9;
    // proc(5): size and resident pages come first.
    const std::string pages = read_text("/proc/self/statm");
    const auto resident = pages.find(' ');
    if (resident != std::string::npos) {
        numbers.resident_bytes = static_cast<double>(std::atoll(pages.c_str() + resident)) *
                                 static_cast<double>(::sysconf(_SC_PAGESIZE));
    }
    numbers.start_seconds = std::chrono::duration<double>(started.time_since_epoch()).count();
    std::error_code ignored;
    for (std::filesystem::directory_iterator it("/proc/self/fd", ignored), end; it != end;
         it.increment(ignored))
        ++numbers.open_files;
    return numbers;
}

}  // namespace oneloop::worker
