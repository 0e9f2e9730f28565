#include "supervisor/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string_view>

#include "common/unique_fd.h"

namespace oneloop {
namespace {

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

bool kill_cgroup(int directory) {
    const UniqueFd file(::openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), "1", 1) == 1;
}

bool populated(int directory) {
    const UniqueFd file(::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC));
    if (!file) return false;
    std::array<char, 128> text{};
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    if (got <= 0) return false;
    return std::string_view(text.data(), static_cast<std::size_t>(got)).find("populated 1") !=
           std::string_view::npos;
}

bool remove_cgroup(const std::string& path) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
    // What the worker has made below. A group's directory holds files too, which go with it.
    {
        const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
        while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
                remove_cgroup(path + "/" + entry->d_name);
            }
        }
    }
    return ::rmdir(path.c_str()) == 0;
}

}  // namespace oneloop
