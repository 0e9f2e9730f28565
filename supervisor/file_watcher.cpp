#include "supervisor/file_watcher.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>

#include "supervisor/content_watch.h"
#include "supervisor/inotify_decode.h"
#include "supervisor/tree_reader.h"
#include "supervisor/watch_tree.h"

namespace oneloop {

namespace asio = boost::asio;

struct FileWatcher::Impl {
    Impl(asio::io_context& io, PathRules path_rules, bool by_content, Events watcher_events)
        : inotify(io, open_inotify()),
          rules(std::move(path_rules)),
          events(std::move(watcher_events)),
          content(io, tree, by_content),
          reader(inotify.native_handle(), rules, tree, content, events) {}

    static int open_inotify() {
        const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd >= 0) return fd;
        throw WatchError(fmt::format(
            "inotify: {}{}", std::strerror(errno),
            errno == EMFILE ? " (raise fs.inotify.max_user_instances with sysctl)" : ""));
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

    void lost() { events.lost(reader.compare()); }

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
        if (event.mask & IN_IGNORED) return reader.forget(event.wd);
        if (event.mask & IN_ISDIR) return take_directory(event, found->second.recursive);
        take_file(event, found->second);
    }

    void take_directory(const InotifyEvent& event, bool recursive) {
        if (!recursive) return;
        if (event.mask & (IN_CREATE | IN_MOVED_TO)) {
            reader.add_directory(event.wd, event.name, true);
        } else if (event.mask & (IN_MOVED_FROM | IN_DELETE)) {
            auto& children = tree.nodes.at(event.wd).children;
            const auto child = children.find(event.name);
            if (child == children.end()) return;  // an ignored one
            const std::string path = join_path(tree.full(event.wd), event.name);
            const int wd = child->second;
            children.erase(child);
            reader.forget(wd);
            // Files of a deleted directory were told one by one, those of a moved one were not.
            if (event.mask & IN_MOVED_FROM) events.changed(path, ChangeKind::removed, false);
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
        const std::string path = join_path(tree.full(event.wd), event.name);
        if (removed) {
            content.removed(event.wd, event.name, path);
            // A program that is being rebuilt is absent for a while.
            if (!program) events.changed(path, ChangeKind::removed, false);
            return;
        }
        if (event.mask & IN_CREATE) {
            // A regular file is told when it is closed, unless it is complete at once: a link.
            struct stat info {};
            if (::lstat(path.c_str(), &info) != 0) return;
            if (!S_ISLNK(info.st_mode) && info.st_nlink < 2) return;
        }
        reader.tell_saved(event.wd, event.name, true);
    }

    asio::posix::stream_descriptor inotify;
    PathRules rules;
    Events events;
    WatchTree tree;
    ContentWatch content;
    TreeReader reader;
};

FileWatcher::FileWatcher(asio::io_context& io, const std::vector<std::string>& paths,
                         const std::vector<std::string>& programs, PathRules rules, bool content,
                         Events events)
    : impl_(std::make_unique<Impl>(io, std::move(rules), content, std::move(events))) {
    for (const auto& path : paths)
        impl_->reader.add_root(path);
    for (const auto& program : programs)
        impl_->reader.add_file(program, true);
    impl_->listen();
}

FileWatcher::~FileWatcher() = default;

FileWatcher::Counts FileWatcher::counts() const {
    return impl_->reader.counts();
}
void FileWatcher::worker_starts() {
    impl_->content.worker_starts();
}
void FileWatcher::removal_counted(const std::string& path) {
    impl_->content.forget(path);
}
void FileWatcher::count_next(const std::string& path) {
    impl_->content.count_next(path);
}
bool FileWatcher::busy() const {
    return impl_->content.busy();
}

}  // namespace oneloop
