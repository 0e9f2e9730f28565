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

EntryKind what_is(int directory, const dirent& entry) {
    const auto type = [&](int flags) -> mode_t {
        struct stat info {};
        return ::fstatat(directory, entry.d_name, &info, flags) == 0 ? info.st_mode & S_IFMT : 0;
    };
    mode_t mode = static_cast<mode_t>(DTTOIF(entry.d_type));
    if (entry.d_type == DT_UNKNOWN) mode = type(AT_SYMLINK_NOFOLLOW);  // not all file systems say
    if (mode == S_IFDIR) return EntryKind::directory;
    if (mode != S_IFLNK) return EntryKind::file;
    return type(0) == S_IFDIR ? EntryKind::link : EntryKind::linked_file;
}

}  // namespace

int read_directory(const std::string& path,
                   const std::function<void(int, const std::string&, EntryKind)>& use) {
    const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
    if (!dir) return errno;
    const int fd = ::dirfd(dir.get());
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        use(fd, std::string(name), what_is(fd, *entry));
    }
    return 0;
}

}  // namespace oneloop
