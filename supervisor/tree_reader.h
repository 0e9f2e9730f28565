// tree_reader: arms watches on directories and remembers what lies in them.
//
// A part of file_watcher, which reads what inotify tells. A watch is added first and the directory
// is read afterwards, so that a file made in between is seen at least once. On the loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/content_watch.h"
#include "supervisor/file_watcher.h"
#include "supervisor/linked_files.h"
#include "supervisor/poll_rule.h"
#include "supervisor/watch_rules.h"
#include "supervisor/watch_tree.h"

namespace oneloop {

class TreeReader {
  public:
    // All of them outlive it. `inotify`: a descriptor; -1: everything is polled.
    TreeReader(int inotify, PollOptions polling, WatchRules& rules, WatchTree& tree,
               ContentWatch& content, const FileWatcher::Events& events);

    // Throw WatchError.
    void add_root(const std::string& path);
    void add_file(const std::string& path, bool program);

    // A directory in a watched one. `tell`: its files are news.
    void add_directory(int parent, const std::string& name, bool tell);
    void forget(int wd);

    // Links to directories (watch_links.cpp). One that was found is followed when all that was
    // found with it is watched, so that each directory goes by its own name where it has one.
    // `new_ones`: also those that somebody has just made.
    void follow_links(bool new_ones);
    [[nodiscard]] bool has_new_links() const;
    // It was made, replaced or removed. False: it is none, and was none.
    bool take_link(int wd, const std::string& name);
    void found_link(int wd, const std::string& name, bool tell);
    // What it leads to was deleted, moved or unmounted. Those that could not be followed are tried
    // again.
    void link_target_gone(int wd);
    void retry_links();

    // Links to files: what is told of the name in the directory of `wd` is told of those that lead
    // to it as well. One on the way to a root: each root is looked at.
    // `created`: a moment ago, and perhaps not written yet.
    void tell_links(int wd, const std::string& name, bool created);
    void forget_target(int wd) { linked_.forget_target(wd); }

    // .gitignore above a root, and .git/info/exclude.
    void watch_rules_above();
    // .gitignore has changed: what counts now gets its watch, and what no longer does loses it. A
    // rule is no change of a program. False: it is no rule.
    bool take_rule(int wd, const std::string& name);

    // Watches that are the first on their file system, or of a root: do they tell anything?
    [[nodiscard]] std::vector<int> take_untested() { return std::exchange(untested_, {}); }
    void poll_below(const std::vector<int>& silent);
    // It is looked at in each pass: polled, or in one that is silent.
    [[nodiscard]] bool looked_at(int wd) const;

    // What the path stands for is no longer what is watched: something was mounted there, or a
    // rename was missed.
    [[nodiscard]] bool stands_for_another(int wd) const;

    // A root is gone: it is waited for.
    void root_gone(int wd);
    // True: the watch was added while a root is waited for, and what it tells may be its return.
    [[nodiscard]] bool is_guard(int wd) const { return guards_.contains(wd); }
    // Those that are there again are watched again, and their files are news.
    void retry_roots();
    // After a mount or an unmount: is each root still the directory that is watched?
    void check_roots();

    // Does it count? Of a file that the user named: always.
    [[nodiscard]] bool counts(int wd, const std::string& name) const;
    // Tells of a file that was saved, if its bytes are others. True: it was told.
    bool tell_saved(int wd, const std::string& name, bool say_unchanged);
    void tell_removed(int wd, const std::string& name);

    [[nodiscard]] const FileWatcher::Counts& counts() const { return counts_; }
    [[nodiscard]] std::vector<int> directories() const;
    // Those of which inotify tells nothing, parents first.
    [[nodiscard]] std::vector<int> polled() const;
    [[nodiscard]] bool ever_polled() const {
        return next_polled_ > first_polled || !silent_.empty();
    }

  private:
    struct Root {
        std::string path;      // as given
        std::string absolute;  // the same when the working directory was replaced
        bool file = false;     // else a directory with all that is in it
        bool program = false;
        int wd = -1;  // none: it is waited for
        // What is watched of it.
        [[nodiscard]] std::string directory() const {
            return file ? parent_path(absolute) : absolute;
        }
    };
    struct Link {
        int parent;
        std::string name;
        bool tell;
        bool event;  // somebody has just made it
    };
    int add_watch(const std::string& path) const;
    // Ends a watch, unless a directory of the tree or a link to a file needs it.
    void end_watch(int wd) const;
    void rules_changed(int wd);
    [[nodiscard]] bool is_rule(int wd, const std::string& name) const;
    void follow(const Link& link);
    void keep_unfollowed(const Link& link, const std::string& target);
    void tell_all_removed(int wd);
    [[nodiscard]] bool is_watched_elsewhere(int wd, int parent, const std::string& name) const;
    void want_test(int wd, bool root);
    // Of a directory that is to be polled: a number of our own. Else a watch, or -1 and errno.
    int take_watch(const std::string& path, int parent);
    [[nodiscard]] std::string why_polled(const std::string& path);
    bool arm(Root& root, bool tell, std::string& problem);
    bool scan(int wd, bool tell, std::string& problem);
    void remember(int wd, int directory, const std::string& name);
    void guard(const Root& root);
    void release_guards();
    [[nodiscard]] bool all_there() const;
    void return_to_working_directory() const;

    void look_for_link(int wd, const std::string& name);
    void tell_link(int wd, const std::string& name, bool created);

    int inotify_;
    PollOptions polling_;
    int next_polled_ = first_polled;
    bool said_exhausted_ = false;
    WatchRules& rules_;
    WatchTree& tree_;
    ContentWatch& content_;
    const FileWatcher::Events& events_;
    FileWatcher::Counts counts_;
    std::vector<Root> roots_;
    std::set<int> guards_;
    std::vector<Link> links_;  // to be followed
    // Parent and name of the others, and the real path they lead to; "" for nowhere.
    std::map<std::pair<int, std::string>, std::string> unfollowed_;
    std::map<int, std::string> targets_;  // of those that are followed: the real path
    std::vector<int> untested_;
    using FileSystem = std::pair<std::int64_t, std::int64_t>;  // type and id of statfs(2)
    std::optional<FileSystem> file_system_;                    // of the last one looked at
    std::set<FileSystem> tested_;
    std::set<int> silent_;
    LinkedFiles linked_;
    std::string working_directory_;
};

// "cannot watch app: Permission denied"
[[nodiscard]] std::string watch_problem(const std::string& path, int error);
// A descriptor; -1: there is none to be had, and everything is polled, which is told. Throws
// WatchError.
[[nodiscard]] int open_inotify(const PollOptions& how, const FileWatcher::Events& events);
[[nodiscard]] std::string format_every(const PollOptions& polling);
// Of a watched directory, for inotify_add_watch(2).
[[nodiscard]] std::uint32_t watch_mask();

}  // namespace oneloop
