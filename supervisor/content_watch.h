// content_watch: which saves change something, by what is remembered of each file.
//
// Remembers of each file what the running worker has, or may have read, and compares. Hashes are
// taken in pauses, a millisecond at a time; a file whose hash is not known yet counts as changed.
// Not for where files are (watch_tree, file_watcher). On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "supervisor/content.h"
#include "supervisor/watch_tree.h"

namespace oneloop {

class ContentWatch {
  public:
    // `hashing`: off, every save counts.
    ContentWatch(boost::asio::io_context& io, WatchTree& tree, bool hashing);

    enum class Saved {
        nothing,    // gone again, which is another event
        fresh,      // nothing was there before
        changed,    //
        unchanged,  // the same bytes
    };
    // What was done to the file `name` in the directory of `wd`; what is there now is remembered.
    [[nodiscard]] Saved saved(int wd, const std::string& name);
    // After `saved` was told: takes the hash while no worker can have read anything else.
    void learn(int wd, const std::string& name);
    // Before the first start: files that were written a moment ago, whose later writes the clock of
    // the file system can't tell from that one.
    void learn_young(int wd);
    void learn_young(int wd, const std::string& name);  // this one only
    // Nothing was done to it, by all that stat(2) can say. `loosely`: on a file system whose inodes
    // and times of change mean nothing.
    [[nodiscard]] bool is_same(const Fingerprint& known, const Fingerprint& now,
                               bool loosely) const;

    // Remembered for when it is back, until forget().
    void removed(int wd, const std::string& name);
    void forget(const std::string& path) { departed_.erase(path); }
    // Whatever is saved there next is a change: the last one was told and not acted upon.
    void count_next(const std::string& path) { news_.insert(path); }

    // A worker is about to be started: what was written before, it will read, and of what is gone
    // whatever comes back is news. Hashes that are not known are taken soon.
    void worker_starts();

  private:
    [[nodiscard]] std::string path_of(int wd, const std::string& name) const;
    void read_now(Fingerprint& print, const std::string& path);
    void read_if_young(Fingerprint& print, int wd, const std::string& name, std::int64_t now);
    void go_on(Duration pause);
    void slice();
    bool next_file();
    void finish_file();

    WatchTree& tree_;
    bool hashing_;
    ReadBudget budget_;
    std::unordered_map<std::string, Fingerprint> departed_;  // by path
    std::unordered_set<std::string> news_;                   // by path

    // In pauses
    boost::asio::steady_timer timer_;
    std::int64_t started_ns_ = 0;  // of the worker, by the clock of files
    std::vector<int> queue_;       // directories that are still to be read
    std::size_t at_ = 0;           // in the last of them
    std::optional<ContentReader> reader_;
    std::string reading_;  // its name
};

}  // namespace oneloop
