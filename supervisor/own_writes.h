// own_writes: which changes the worker makes itself, start after start, so that they don't restart
// it without an end.
//
// Pure. It is told when a worker starts, when it is gone, and which path changed, and says which
// change is to be held back. Not for who wrote a file (writer_witness) and not for what a change
// leads to (brain).
//
// An edit that is held back by mistake is an edit that the worker has not seen, so the rule is
// narrow. A path is *implicated* when it changed within 5 s after the start of each of the last
// three generations, and the three lags agree. Its changes are held within 5 s after a start, and
// within 5 s after its last change; after 5 s of quiet a change of it is news again. A generation
// that lives for 5 s without it forgives it. What comes while no worker lives, and what somebody
// outside of the worker's tree is known to have written, is never held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.h"

namespace oneloop {

class OwnWrites {
  public:
    struct Options {
        std::size_t generations = 3;  // in a row
        Duration early = std::chrono::seconds(5);
        // Longest minus shortest lag, at most: so much, and a share of the shortest, up to a limit.
        Duration jitter = std::chrono::milliseconds(100);
        int jitter_percent = 30;
        Duration longest_jitter = std::chrono::milliseconds(400);
        std::size_t most_paths = 1000;  // beyond, nothing is remembered and so nothing held
    };
    struct Held {
        std::string path;
        Duration lag{};      // after this start
        bool first = false;  // of this path and generation: say it
        friend bool operator==(const Held&, const Held&) = default;
    };

    OwnWrites() = default;
    explicit OwnWrites(const Options& options) : options_(options) {}

    void started(SteadyTime now);  // from now on a worker may live
    void gone(SteadyTime now);     // nothing of it is left

    // A value: hold the change back. None: it is news.
    // `could_be_own`: false when a living process outside of the worker's tree wrote it.
    std::optional<Held> changed(const std::string& path, bool could_be_own, SteadyTime now);

    // One more generation like the last ones implicates it: worth a look at who writes it.
    [[nodiscard]] bool suspects(const std::string& path) const;
    // All of them, when that has changed since the last call.
    std::optional<std::vector<std::string>> take_suspects();

    // What was held back since the last start, in the order of the names.
    [[nodiscard]] std::vector<std::string> held() const;

  private:
    struct Path {
        std::vector<Duration> lags;  // of generations in a row, the newest last
        std::uint64_t hit_in = 0;    // the generation of the newest
        bool implicated = false;
        std::uint64_t changed_in = 0;
        SteadyTime last_change;
        std::uint64_t held_in = 0;
    };
    void hit(Path& path, Duration lag);
    [[nodiscard]] bool agree(const std::vector<Duration>& lags) const;
    [[nodiscard]] bool is_suspect(const Path& path) const;
    [[nodiscard]] bool is_over(const Path& path) const;

    Options options_;
    std::unordered_map<std::string, Path> paths_;
    std::uint64_t generation_ = 0;
    SteadyTime since_;
    SteadyTime until_;
    bool alive_ = false;
    bool suspects_changed_ = false;
};

}  // namespace oneloop
