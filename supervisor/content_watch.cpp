#include "supervisor/content_watch.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "common/log.h"

namespace oneloop {
namespace {

// A worker that starts has the machine for itself; then one fifth of one core at most.
constexpr Duration after_start = std::chrono::milliseconds(200);
constexpr Duration between_slices = std::chrono::milliseconds(4);
constexpr Duration longest_slice = std::chrono::milliseconds(1);
constexpr std::size_t piece = 256 * 1024;

// The clock that the kernel puts on files (ktime_get_coarse_real_ts64, as in inode(7)).
std::int64_t file_clock_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace

ContentWatch::ContentWatch(boost::asio::io_context& io, WatchTree& tree, bool hashing)
    : tree_(tree), hashing_(hashing), timer_(io) {}

void ContentWatch::read_now(Fingerprint& print, const std::string& path) {
    if (!hashing_ || print.hash != 0 || print.size == 0 || print.size > most_hashed) return;
    if (!budget_.take(print.size, Steady::now())) return;
    if (const auto read = read_content(path.c_str())) print = *read;
}

std::string ContentWatch::path_of(int wd, const std::string& name) const {
    return join_path(tree_.full(wd), name);
}

ContentWatch::Saved ContentWatch::saved(int wd, const std::string& name) {
    const std::string path = path_of(wd, name);
    auto& files = tree_.nodes.at(wd).known;
    auto now = look_at(AT_FDCWD, path.c_str());
    if (!now) {
        const bool there = ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        const bool known = files.find(name) || departed_.contains(path);
        if (!there && known) return Saved::nothing;
        files.erase(name);
        return known ? Saved::changed : Saved::fresh;
    }
    std::optional<Fingerprint> before;
    if (const auto back = departed_.find(path); back != departed_.end()) {
        before = back->second;
        departed_.erase(back);
    } else if (const auto* known = files.find(name)) {
        before = *known;
    }
    auto verdict = before ? judge(*before, *now) : Sameness::changed;
    if (!hashing_) verdict = Sameness::changed;
    if (verdict == Sameness::unread) {
        read_now(*now, path);
        verdict = judge(*before, *now);
        if (verdict == Sameness::unread) verdict = Sameness::changed;
    }
    if (news_.erase(path) > 0) verdict = Sameness::changed;
    // Over the limit nothing was read, so there is nothing to keep but what stat says.
    files.set(name, *now);
    if (!before) return Saved::fresh;
    return verdict == Sameness::unchanged ? Saved::unchanged : Saved::changed;
}

void ContentWatch::learn(int wd, const std::string& name) {
    const auto node = tree_.nodes.find(wd);
    if (node == tree_.nodes.end()) return;
    if (auto* print = node->second.known.find(name)) {
        read_now(*print, path_of(wd, name));
    }
}

void ContentWatch::learn_young(int wd) {
    if (is_polled(wd)) return;
    const auto now = file_clock_ns();
    for (auto& file : tree_.nodes.at(wd).known.all())
        read_if_young(file.print, wd, file.name, now);
}

void ContentWatch::learn_young(int wd, const std::string& name) {
    auto* print = tree_.nodes.at(wd).known.find(name);
    if (print && !is_polled(wd)) read_if_young(*print, wd, name, file_clock_ns());
}

void ContentWatch::read_if_young(Fingerprint& print, int wd, const std::string& name,
                                 std::int64_t now) {
    if (!older_than(print, now)) read_now(print, path_of(wd, name));
}

bool ContentWatch::is_same(const Fingerprint& known, const Fingerprint& now, bool loosely) const {
    if (loosely) return known.size == now.size && known.modified_ns == now.modified_ns;
    return untouched(known, now) && (known.hash == 0 || older_than(now, started_ns_));
}

void ContentWatch::removed(int wd, const std::string& name) {
    auto& files = tree_.nodes.at(wd).known;
    if (const auto* known = files.find(name)) {
        departed_[path_of(wd, name)] = *known;
        files.erase(name);
    }
}

void ContentWatch::worker_starts() {
    // It reads nothing of what is not there. What is back already, it reads as it is, though the
    // event is yet to come.
    std::erase_if(departed_,
                  [](const auto& file) { return ::access(file.first.c_str(), F_OK) != 0; });
    started_ns_ = file_clock_ns();
    if (!hashing_) return;
    queue_.clear();
    queue_.reserve(tree_.nodes.size());
    for (const auto& [wd, node] : tree_.nodes) {
        // Not over a network; there a file is read when it has changed.
        if (!is_polled(wd)) queue_.push_back(wd);
    }
    at_ = 0;
    reader_.reset();
    go_on(after_start);
}

void ContentWatch::go_on(Duration pause) {
    timer_.expires_after(pause);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) slice();
    });
}

void ContentWatch::slice() {
    const auto end = Steady::now() + longest_slice;
    while (Steady::now() < end) {
        if (!reader_ && !next_file()) {
            queue_ = {};
            log::debug("the content of the watched files is known");
            return;
        }
        if (reader_ && reader_->read_on(piece)) finish_file();
    }
    go_on(between_slices);
}

// Goes to the next file without a hash and opens it; false when there is none.
bool ContentWatch::next_file() {
    while (!queue_.empty()) {
        const int wd = queue_.back();
        const auto node = tree_.nodes.find(wd);
        if (node == tree_.nodes.end() || at_ >= node->second.known.all().size()) {
            queue_.pop_back();
            at_ = 0;
            continue;
        }
        const auto& file = node->second.known.all()[at_++];
        const auto& print = file.print;
        if (print.hash != 0 || print.size == 0 || print.size > most_hashed) continue;
        if (!older_than(print, started_ns_)) continue;
        reader_ = ContentReader::open(path_of(wd, file.name).c_str());
        reading_ = file.name;
        return true;  // one at a time, so that the slice is looked at
    }
    return false;
}

// What was read is what the worker has only if nobody has touched the file since.
void ContentWatch::finish_file() {
    const auto read = std::exchange(reader_, std::nullopt)->result();
    if (queue_.empty()) return;
    const auto node = tree_.nodes.find(queue_.back());
    if (node == tree_.nodes.end()) return;
    auto* known = node->second.known.find(reading_);
    if (known && untouched(*known, read) && older_than(read, started_ns_)) known->hash = read.hash;
}

}  // namespace oneloop
