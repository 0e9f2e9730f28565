#include "supervisor/file_watcher.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>

#include "common/unique_fd.h"
#include "supervisor/inotify_decode.h"
#include "supervisor/watch_tree.h"

namespace oneloop {
namespace {

namespace asio = boost::asio;

// CREATE for directories and links; a new regular file counts when it is closed. Not MODIFY (the
// close follows) and not ATTRIB (touch and chmod change no byte).
constexpr std::uint32_t interesting = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK;

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

struct FileWatcher::Impl {
    Impl(asio::io_context& io, PathRules path_rules, Events watcher_events)
        : inotify(io), rules(std::move(path_rules)), events(std::move(watcher_events)) {
        const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0) {
            throw WatchError(fmt::format(
                "inotify: {}{}", std::strerror(errno),
                errno == EMFILE ? " (raise fs.inotify.max_user_instances with sysctl)" : ""));
        }
        inotify.assign(fd);
    }

    // ---- arming ----
    int add_watch(const std::string& path) {
        return ::inotify_add_watch(inotify.native_handle(), path.c_str(), interesting | IN_ONLYDIR);
    }

    static std::string watch_problem(const std::string& path, int error) {
        if (error == ENOSPC) {
            return fmt::format(
                "cannot watch {}: all inotify watches are in use "
                "(sudo sysctl fs.inotify.max_user_watches=524288)",
                path);
        }
        return fmt::format("cannot watch {}: {}", path, std::strerror(error));
    }

    void add_root(const std::string& path) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) throw WatchError(watch_problem(path, errno));
        if (!S_ISDIR(info.st_mode)) return add_file(path, false);
        if (::access(path.c_str(), R_OK | X_OK) != 0) {
            throw WatchError(watch_problem(path, errno));
        }
        const int wd = add_watch(path);
        if (wd < 0) throw WatchError(watch_problem(path, errno));
        auto& node = tree.nodes[wd];
        if (node.name.empty()) node.name = path;
        node.recursive = true;
        if (const int error = scan(wd, false)) throw WatchError(watch_problem(path, error));
    }

    void add_file(const std::string& path, bool program) {
        watch_file(path, program);
        // The link and what it points to: either may be replaced.
        std::array<char, PATH_MAX> resolved{};
        struct stat info {};
        if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) &&
            ::realpath(path.c_str(), resolved.data())) {
            watch_file(resolved.data(), program);
        }
    }

    void watch_file(const std::string& path, bool program) {
        const std::string directory = parent_path(path);
        const int wd = add_watch(directory);
        if (wd < 0) throw WatchError(watch_problem(path, errno));
        auto& node = tree.nodes[wd];
        if (node.name.empty()) node.name = directory;
        (program ? node.programs : node.files).insert(last_name(path));
        ++counts.files;
    }

    // Reads a directory that is watched already. `tell`: its files are news. Returns an errno.
    int scan(int wd, bool tell) {
        const std::string path = tree.full(wd);
        const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(path.c_str()));
        if (!dir) return errno;
        ++counts.directories;
        while (const dirent* entry = ::readdir(dir.get())) {
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            unsigned char type = entry->d_type;
            if (type == DT_UNKNOWN) {  // some file systems do not say
                struct stat info {};
                if (::fstatat(::dirfd(dir.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
                    type = S_ISDIR(info.st_mode) ? DT_DIR : DT_REG;
                }
            }
            if (type == DT_DIR) {
                add_directory(wd, name, tell);
            } else if (rules.ignores_file(join_path(tree.relative(wd), name))) {
                ++counts.ignored;
            } else {
                ++counts.files;
                if (tell) events.changed(join_path(path, name), ChangeKind::written);
            }
        }
        return 0;
    }

    void add_directory(int parent, const std::string& name, bool tell) {
        if (rules.ignores_directory(join_path(tree.relative(parent), name))) {
            ++counts.ignored;
            return;
        }
        const std::string path = join_path(tree.full(parent), name);
        const int wd = add_watch(path);
        if (wd < 0) {
            if (errno != ENOENT && errno != ENOTDIR) events.warning(watch_problem(path, errno));
            return;  // gone again: its removal is told by its parent
        }
        auto& node = tree.nodes[wd];
        node.parent = parent;
        node.name = name;
        node.recursive = true;
        tree.nodes.at(parent).children[name] = wd;
        if (const int error = scan(wd, tell); error && error != ENOENT) {
            events.warning(watch_problem(path, error));
        }
    }

    void forget(int wd) {
        const auto found = tree.nodes.find(wd);
        if (found == tree.nodes.end()) return;
        for (const auto& [name, child] : std::map(found->second.children))
            forget(child);
        tree.nodes.erase(wd);
        ::inotify_rm_watch(inotify.native_handle(), wd);
    }

    // ---- events ----
    void listen() {
        inotify.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                               if (error) return;
                               read_all();
                               listen();
                           });
    }

    void read_all() {
        std::array<std::byte, 64 * 1024> buffer{};
        for (;;) {
            const ssize_t size = ::read(inotify.native_handle(), buffer.data(), buffer.size());
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return;
            const auto batch =
                decode_inotify(std::span(buffer.data(), static_cast<std::size_t>(size)));
            for (const auto& event : batch.events)
                take(event);
            if (batch.malformed) lost();
        }
    }

    void lost() {
        // Directories made meanwhile have no watch yet; those that have one keep it.
        for (const auto& path : trees) {
            const int wd = add_watch(path);
            if (wd >= 0) scan_again(wd);
        }
        events.lost();
    }

    void scan_again(int wd) {
        if (tree.nodes.contains(wd)) (void)scan(wd, false);
    }

    void take(const InotifyEvent& event) {
        if (event.mask & IN_Q_OVERFLOW) return lost();
        const auto found = tree.nodes.find(event.wd);
        if (found == tree.nodes.end()) return;  // forgotten, its last events still in the queue
        if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
            // Of an inner directory the parent tells.
            if (found->second.parent >= 0 && !(event.mask & IN_UNMOUNT)) return;
            events.warning(fmt::format("{} is gone and no longer watched", tree.full(event.wd)));
            return;
        }
        if (event.mask & IN_IGNORED) return forget(event.wd);
        if (event.mask & IN_ISDIR) return take_directory(event, found->second.recursive);
        take_file(event, found->second);
    }

    void take_directory(const InotifyEvent& event, bool recursive) {
        if (!recursive) return;
        if (event.mask & (IN_CREATE | IN_MOVED_TO)) {
            add_directory(event.wd, event.name, true);
        } else if (event.mask & (IN_MOVED_FROM | IN_DELETE)) {
            auto& children = tree.nodes.at(event.wd).children;
            const auto child = children.find(event.name);
            if (child == children.end()) return;  // an ignored one
            const std::string path = join_path(tree.full(event.wd), event.name);
            const int wd = child->second;
            children.erase(child);
            forget(wd);
            // Files of a deleted directory were told one by one, those of a moved one were not.
            if (event.mask & IN_MOVED_FROM) events.changed(path, ChangeKind::removed);
        }
    }

    void take_file(const InotifyEvent& event, const WatchNode& node) {
        const bool removed = event.mask & (IN_DELETE | IN_MOVED_FROM);
        const bool program = node.programs.contains(event.name);
        const bool named = program || node.files.contains(event.name);
        if (!named) {
            if (!node.recursive) return;
            if (rules.ignores_file(join_path(tree.relative(event.wd), event.name))) return;
        }
        if (program && removed) return;
        const std::string path = join_path(tree.full(event.wd), event.name);
        if (event.mask & IN_CREATE) {
            // A regular file is told when it is closed, unless it is complete at once: a link.
            struct stat info {};
            if (::lstat(path.c_str(), &info) != 0) return;
            if (!S_ISLNK(info.st_mode) && info.st_nlink < 2) return;
        }
        events.changed(path, removed ? ChangeKind::removed : ChangeKind::written);
    }

    asio::posix::stream_descriptor inotify;
    PathRules rules;
    Events events;
    std::vector<std::string> trees;  // as given
    WatchTree tree;
    Counts counts;
};

FileWatcher::FileWatcher(asio::io_context& io, const std::vector<std::string>& paths,
                         const std::vector<std::string>& programs, PathRules rules, Events events)
    : impl_(std::make_unique<Impl>(io, std::move(rules), std::move(events))) {
    for (const auto& path : paths) {
        impl_->add_root(path);
        impl_->trees.push_back(path);
    }
    for (const auto& program : programs)
        impl_->add_file(program, true);
    impl_->listen();
}

FileWatcher::~FileWatcher() = default;

FileWatcher::Counts FileWatcher::counts() const {
    return impl_->counts;
}

}  // namespace oneloop
