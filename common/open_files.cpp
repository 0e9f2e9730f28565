#include "common/open_files.h"

#include <cstdlib>
#include <filesystem>

namespace oneloop {

namespace fs = std::filesystem;

std::vector<pid_t> all_pids() {
    std::vector<pid_t> pids;
    std::error_code ignored;
    for (fs::directory_iterator entry("/proc", ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
        const pid_t pid = std::atoi(entry->path().filename().c_str());
        if (pid > 0) pids.push_back(pid);
    }
    return pids;
}

bool has_open(pid_t pid, const std::function<bool(const std::string& entry)>& wanted) {
    std::error_code closed;  // it ended, or belongs to somebody else
    const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
    for (fs::directory_iterator fd(directory, closed), end; !closed && fd != end;
         fd.increment(closed)) {
        if (wanted(fd->path().string())) return true;
    }
    return false;
}

bool leads_to(const std::string& entry, const struct stat& file) {
    struct stat info {};
    return ::stat(entry.c_str(), &info) == 0 && info.st_dev == file.st_dev &&
           info.st_ino == file.st_ino;
}

}  // namespace oneloop
