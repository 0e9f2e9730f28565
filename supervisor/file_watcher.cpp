#include "supervisor/file_watcher.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <optional>

#include "common/log.h"
#include "supervisor/content_watch.h"
#include "supervisor/hearing.h"
#include "supervisor/inotify_decode.h"
#include "supervisor/tree_comparer.h"
#include "supervisor/tree_reader.h"
#include "supervisor/upheavals.h"
#include "supervisor/watch_rules.h"
#include "supervisor/watch_tree.h"

namespace oneloop {

namespace asio = boost::asio;

struct FileWatcher::Impl {
    Impl(asio::io_context& io, Setup setup, Events watcher_events)
        : rules(std::move(setup.rules), setup.vcs_ignore),
          events(std::move(watcher_events)),
          content(io, tree, setup.content),
          reader(take_inotify(io, setup.polling), setup.polling, rules, tree, content, events),
          comparer(reader, tree, content, events),
          poller(reader, tree, content, events),
          every(setup.polling.every),
          pauses(io),
          next_pass(io),
          settle(setup.links_settle),
          new_links(io),
          hearing(
              io, [this] { read_all(); },
              [this](const std::vector<int>& silent) {
                  reader.poll_below(silent);
                  poll_if_needed();
              }),
          loop(io) {
        for (const auto& path : setup.paths)
            reader.add_root(path);
        for (const auto& program : setup.programs)
            reader.add_file(program, true);
        reader.watch_rules_above();
        upheavals.emplace(io, setup.paths, [this](bool below) {
            check_roots();
            if (below) compare_soon();
        });
        listen();
        finish();
    }

    // What follows when something may have got its watch.
    void finish() {
        follow_links();
        for (const int wd : reader.take_untested()) {
            if (tree.nodes.contains(wd)) {
                hearing.test(inotify->native_handle(), wd, tree.full(wd), watch_mask());
            }
        }
        poll_if_needed();
    }

    // -1: there is none to be had, so that everything is polled.
    int take_inotify(asio::io_context& io, const PollOptions& how) {
        const int fd = open_inotify(how, events);
        if (fd >= 0) inotify.emplace(io, fd);
        return fd;
    }

    // One that was made a moment ago may be renamed at once: ln -sfn.
    void follow_links() {
        reader.follow_links(settle == Duration{});
        if (!reader.has_new_links() || std::exchange(settling, true)) return;
        new_links.expires_after(settle);
        new_links.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            settling = false;
            reader.follow_links(true);
            finish();
        });
    }

    // ---- events ----
    void listen() {
        if (!inotify) return;
        inotify->async_wait(asio::posix::stream_descriptor::wait_read,
                            [this](const boost::system::error_code& error) {
                                if (error) return;
                                read_all();
                                listen();
                            });
    }

    void read_all() {
        std::array<std::byte, 64 * 1024> buffer{};
        for (;;) {
            if (!inotify) return finish();
            const ssize_t size = ::read(inotify->native_handle(), buffer.data(), buffer.size());
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) return finish();
            const auto batch =
                decode_inotify(std::span(buffer.data(), static_cast<std::size_t>(size)));
            for (const auto& event : batch.events)
                take_with_links(event);
            if (batch.malformed) lost();
        }
    }

    void lost() {
        comparer.begin();
        while (comparer.step()) {
        }
        hearing.all_heard();
        events.lost(comparer.result());
    }

    // Whoever asks may be in the middle of being told of a change.
    void check_roots_soon() {
        asio::post(loop, [this] { check_roots(); });
    }
    void check_roots() {
        reader.check_roots();
        reader.retry_links();
        finish();
    }

    // A fifth of one core at most, and never longer than a millisecond at a time.
    void compare_soon() {
        comparer.begin();
        rest(std::chrono::milliseconds(0));
    }
    void rest(Duration pause) {
        pauses.expires_after(pause);
        pauses.async_wait([this](const boost::system::error_code& error) {
            if (!error) compare_on();
        });
    }
    void compare_on() {
        const auto end = Steady::now() + std::chrono::milliseconds(1);
        while (Steady::now() < end) {
            if (comparer.step()) continue;
            finish();
            const auto& result = comparer.result();
            log::debug("compared {} files, {} changed", result.files, result.changed);
            return;
        }
        rest(std::chrono::milliseconds(4));
    }

    // Without an end once something had to be polled, and not at all before.
    void poll_if_needed() {
        if (!polling && reader.ever_polled()) poll_later(every);
    }
    void poll_later(Duration pause) {
        polling = true;
        next_pass.expires_after(pause);
        next_pass.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            check_roots();
            poller.begin(reader.polled());
            spent = {};
            poll_on();
        });
    }
    void poll_on() {
        const auto begin = Steady::now();
        while (Steady::now() < begin + std::chrono::milliseconds(1)) {
            if (poller.step()) continue;
            finish();
            return poll_later(until_next_pass(every, spent + (Steady::now() - begin)));
        }
        spent += Steady::now() - begin;
        next_pass.expires_after(std::chrono::milliseconds(4));
        next_pass.async_wait([this](const boost::system::error_code& error) {
            if (!error) poll_on();
        });
    }

    void take_with_links(const InotifyEvent& event) {
        take(event);
        constexpr std::uint32_t told =
            IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
        if (event.mask & told) reader.tell_links(event.wd, event.name, event.mask & IN_CREATE);
        if (event.mask & IN_IGNORED) reader.forget_target(event.wd);
    }

    void take(const InotifyEvent& event) {
        if (event.mask & IN_Q_OVERFLOW) return lost();
        if (event.mask & IN_OPEN) return hearing.heard(event.wd);
        if (reader.is_guard(event.wd)) reader.retry_roots();
        const auto found = tree.nodes.find(event.wd);
        if (found == tree.nodes.end()) return;  // forgotten, its last events still in the queue
        if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
            // Of an inner directory the parent tells, or whoever tells of mounts.
            if (found->second.parent < 0) return reader.root_gone(event.wd);
            return reader.link_target_gone(event.wd);
        }
        if (event.mask & IN_IGNORED) return reader.forget(event.wd);
        if (event.mask & IN_ISDIR) return take_directory(event, found->second.recursive);
        take_file(event);
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
            reader.forget(wd);
            // Files of a deleted directory were told one by one, those of a moved one were not.
            if (event.mask & IN_MOVED_FROM) events.changed(path, ChangeKind::removed, false);
        }
    }

    void take_file(const InotifyEvent& event) {
        if (reader.take_rule(event.wd, event.name)) return;
        if (event.mask & (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM) &&
            reader.take_link(event.wd, event.name)) {
            return;
        }
        if (!reader.counts(event.wd, event.name)) return;
        if (event.mask & (IN_DELETE | IN_MOVED_FROM)) {
            return reader.tell_removed(event.wd, event.name);
        }
        if (event.mask & IN_CREATE) {
            // A regular file is told when it is closed, unless it is complete at once: a link. Of
            // what is gone again nobody knows what it was.
            struct stat info {};
            const std::string path = join_path(tree.full(event.wd), event.name);
            const bool there = ::lstat(path.c_str(), &info) == 0;
            if (there && !S_ISLNK(info.st_mode) && info.st_nlink < 2) return;
        }
        reader.tell_saved(event.wd, event.name, true);
    }

    std::optional<asio::posix::stream_descriptor> inotify;
    WatchRules rules;
    Events events;
    WatchTree tree;
    ContentWatch content;
    TreeReader reader;
    TreeComparer comparer;
    TreeComparer poller;
    Duration every;
    Duration spent{};
    bool polling = false;
    asio::steady_timer pauses;
    asio::steady_timer next_pass;
    Duration settle;
    bool settling = false;
    asio::steady_timer new_links;
    Hearing hearing;
    std::optional<Upheavals> upheavals;
    asio::io_context& loop;
};

FileWatcher::FileWatcher(asio::io_context& io, Setup setup, Events events)
    : impl_(std::make_unique<Impl>(io, std::move(setup), std::move(events))) {}

FileWatcher::~FileWatcher() = default;

void FileWatcher::catch_up() {
    impl_->read_all();
}

FileWatcher::Counts FileWatcher::counts() const {
    return impl_->reader.counts();
}
void FileWatcher::worker_starts() {
    impl_->check_roots_soon();
    impl_->content.worker_starts();
}
void FileWatcher::removal_counted(const std::string& path) {
    impl_->content.forget(path);
    // The directory of work is not told of while somebody is in it, but its files were.
    impl_->check_roots_soon();
}
void FileWatcher::count_next(const std::string& path) {
    impl_->content.count_next(path);
}
void FileWatcher::compare_soon() {
    impl_->compare_soon();
}

}  // namespace oneloop
