// doubts: what may turn out to be no change at all, for as long as that may take.
//
// Pure. A file that is gone may be back in a moment with the same bytes: a checkout deletes and
// creates, vim renames the old file away first. A file that is new may be gone in a moment: a
// formatter writes beside the file and renames. While a worker runs undisturbed, neither is worth
// stopping it. Not for what follows when the time is over (brain).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.h"

namespace oneloop {

class Doubts {
  public:
    struct Options {
        Duration removal = std::chrono::milliseconds(50);
        Duration fresh = std::chrono::milliseconds(3);
        Duration longest_fresh = std::chrono::milliseconds(50);  // one that is written on and on
    };
    struct Doubt {
        std::string path;
        bool removed = false;  // false: it is new
        friend bool operator==(const Doubt&, const Doubt&) = default;
    };

    Doubts() = default;
    explicit Doubts(const Options& options) : options_(options) {}

    // Of a file that was new a moment ago: true, and there is nothing to tell of either.
    bool removed(const std::string& path, SteadyTime now);
    void fresh(const std::string& path, SteadyTime now);
    [[nodiscard]] bool is_fresh(const std::string& path) const;
    // It is there again. True when its absence was in doubt.
    bool back(const std::string& path);

    // What is in doubt no longer, in the order in which it began.
    std::vector<Doubt> due(SteadyTime now);
    std::vector<Doubt> all();  // as if it were due
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

  private:
    struct Entry {
        bool removed;
        SteadyTime since;
        SteadyTime until;
        std::size_t number;
    };
    template <class Condition>
    std::vector<Doubt> take(Condition condition);

    Options options_;
    std::unordered_map<std::string, Entry> entries_;
    std::size_t next_ = 0;
};

}  // namespace oneloop
