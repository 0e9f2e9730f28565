#include "common/lock_file.h"

#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <charconv>
#include <set>

namespace oneloop {
namespace {

// File systems whose flock is known to be local and to be dropped by the kernel that ran the
// holder (statfs(2), linux/magic.h). On a network file system two machines may both win.
constexpr std::array<unsigned long, 11> local_file_systems = {
    0xEF53,      // ext2, ext3, ext4
    0x58465342,  // xfs
    0x9123683E,  // btrfs
    0x01021994,  // tmpfs
    0x794C7630,  // overlayfs
    0x2FC12FC1,  // zfs
    0xF2F52010,  // f2fs
    0xCA451A4E,  // bcachefs
    0x858458F6,  // ramfs
    0x3153464A,  // jfs
    0x52654973,  // reiserfs
};

Result<void> check_directory(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string dir = slash == std::string::npos ? "."
                            : slash == 0               ? "/"
                                                       : path.substr(0, slash);
    struct stat info {};
    if (::stat(dir.c_str(), &info) != 0) return fail_errno("stat " + dir);
    if (info.st_uid != ::geteuid()) {
        return fail(dir + ": belongs to uid " + std::to_string(info.st_uid) +
                        ", who could replace the lock; give a directory of your own",
                    EPERM);
    }
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        return fail(dir + ": others may write to it and replace the lock; chmod go-w " + dir,
                    EPERM);
    }
    return {};
}

Result<void> check_file_system(int fd, const std::string& path) {
    struct statfs info {};
    if (::fstatfs(fd, &info) != 0) return fail_errno("fstatfs " + path);
    const auto type = static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFUL;
    for (const auto local : local_file_systems) {
        if (type == local) return {};
    }
    std::array<char, 20> hex{};
    const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), type, 16).ptr;
    return fail(path + ": its file system (type 0x" + std::string(hex.data(), end) +
                    ") is not known to keep locks for one holder only; "
                    "put the state on a local disk",
                EOPNOTSUPP);
}

bool same_inode(int fd, const std::string& path) {
    struct stat mine {};
    struct stat named {};
    return ::fstat(fd, &mine) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

// False, and `value` as it was, when `text` does not begin with a number.
template <class Integer>
bool read_integer(const std::string& text, Integer& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

// False for an unknown key or a broken value.
bool read_field(LockRecord& record, const std::string& key, const std::string& value) {
    if (key == "pid") return read_integer(value, record.pid);
    if (key == "generation") return read_integer(value, record.generation);
    if (key == "since") return read_integer(value, record.since);
    if (key == "instance") record.instance = value;
    if (key == "command") record.command = value;
    return key == "instance" || key == "command";
}

std::string one_line(std::string text) {
    for (char& c : text) {
        if (c == '\n') c = ' ';
    }
    return text;
}

}  // namespace

std::string format_record(const LockRecord& record) {
    return "pid=" + std::to_string(record.pid) +
           "\ngeneration=" + std::to_string(record.generation) +
           "\nsince=" + std::to_string(record.since) + "\ninstance=" + one_line(record.instance) +
           "\ncommand=" + one_line(record.command) + "\n";
}

LockRecord parse_record(const std::string& text) {
    LockRecord record;
    std::set<std::string> seen;  // the first of a key counts: see LockFile::write
    for (std::size_t at = 0; at < text.size();) {
        auto end = text.find('\n', at);
        if (end == std::string::npos) end = text.size();
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        const auto equals = line.find('=');
        if (equals == std::string::npos) continue;
        const std::string key = line.substr(0, equals);
        const std::string value = line.substr(equals + 1);
        if (!seen.contains(key) && read_field(record, key, value)) seen.insert(key);
    }
    return record;
}

Result<LockFile> LockFile::open(const std::string& path) {
    if (auto ok = check_directory(path); !ok) return tl::unexpected(ok.error());
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        if (errno == ELOOP) return fail(path + ": is a symbolic link, not a lock file", ELOOP);
        return fail_errno("open " + path);
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return fail_errno("fstat " + path);
    if (!S_ISREG(info.st_mode)) return fail(path + ": not a regular file", EINVAL);
    if (auto ok = check_file_system(fd.get(), path); !ok) return tl::unexpected(ok.error());
    return LockFile(std::move(fd), path);
}

Result<LockFile> LockFile::adopt(int fd) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("descriptor " + std::to_string(fd));
    if (!S_ISREG(info.st_mode)) {
        return fail("descriptor " + std::to_string(fd) + ": not a regular file", EINVAL);
    }
    std::array<char, PATH_MAX> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t size = ::readlink(link.c_str(), path.data(), path.size() - 1);
    if (size < 0) return fail_errno("readlink " + link);
    const std::string name(path.data(), static_cast<std::size_t>(size));
    if (!same_inode(fd, name))
        return fail(name + ": the lock file was deleted or replaced", ESTALE);
    return LockFile(UniqueFd(fd), name);
}

Result<bool> LockFile::try_lock() {
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        return fail_errno("flock " + path_);
    }
    // Between open and flock the file may have been replaced: then we locked a ghost.
    if (!is_current()) return fail(path_ + ": the lock file was deleted or replaced", ESTALE);
    return true;
}

bool LockFile::is_current() const {
    return same_inode(fd_.get(), path_);
}

LockRecord LockFile::read() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::pread(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return {};
    return parse_record(std::string(buffer.data(), static_cast<std::size_t>(size)));
}

Result<void> LockFile::write(const LockRecord& record) {
    LockRecord shortened = record;
    if (shortened.command.size() > 1024) shortened.command.resize(1024);
    const std::string text = format_record(shortened);
    struct stat before {};
    if (::fstat(fd_.get(), &before) != 0) return fail_errno("fstat " + path_);
    if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return fail_errno("write " + path_);
    }
    // Shrink last: a reader in between sees old lines after new ones (the first of a key counts),
    // never a lost generation.
    const auto size = static_cast<off_t>(text.size());
    if (before.st_size > size && ::ftruncate(fd_.get(), size) != 0) {
        return fail_errno("ftruncate " + path_);
    }
    return {};
}

Result<void> make_private_directory(const std::string& path) {
    for (std::size_t at = 1; at <= path.size(); ++at) {
        if (at != path.size() && path[at] != '/') continue;
        const std::string part = path.substr(0, at);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
            // EROFS or EACCES on a parent that exists is no error: only the last one counts.
            const int why = errno;
            struct stat info {};
            if (::stat(part.c_str(), &info) != 0) return fail_errno("mkdir " + part, why);
        }
    }
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return fail_errno("stat " + path);
    if (!S_ISDIR(info.st_mode)) return fail(path + ": not a directory", ENOTDIR);
    return {};
}

}  // namespace oneloop
