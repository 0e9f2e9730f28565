#include "supervisor/read_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string_view>

namespace oneloop {
namespace {

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

bool is_directory(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info {};  // some file systems do not say
    return ::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(info.st_mode);
}

}  // namespace

int read_directory(const std::string& path,
                   const std::function<void(int, const std::string&, bool)>& use) {
    const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
    if (!dir) return errno;
    const int fd = ::dirfd(dir.get());
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        use(fd, std::string(name), is_directory(fd, *entry));
    }
    return 0;
}

}  // namespace oneloop
