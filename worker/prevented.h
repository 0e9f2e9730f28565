// prevented: what did not happen a second time, by the reason.
//
// A former Flask user wants to see this number. Each reason is counted where it is prevented; what
// another process was refused, it leaves in the journal for who polls (store_reader.h). The words
// are the label of /metrics, so their number is fixed. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>

namespace oneloop::worker {

enum class Twice {
    start,     // a process that would have polled as well ended instead: exit 75
    instance,  // the worker of another supervisor waits instead
    loop,      // a process without flag or lock serves and does not poll
    tick,      // somebody else had claimed the tick: not polled
    write,     // ... meanwhile: what it saw was not stored
    event,     // it was in the state file already: not told
};
inline constexpr std::array<std::string_view, 6> twice_names = {"second_start",   "second_instance",
                                                                "not_the_worker", "tick_claimed",
                                                                "stale_write",    "repeated_event"};

constexpr std::string_view name_of(Twice reason) {
    return twice_names.at(static_cast<std::size_t>(reason));
}
constexpr std::optional<Twice> twice_named(std::string_view name) {
    for (std::size_t i = 0; i < twice_names.size(); ++i) {
        if (twice_names.at(i) == name) return static_cast<Twice>(i);
    }
    return std::nullopt;
}

class Prevented {
  public:
    void add(Twice reason, std::uint64_t times = 1) {
        counts_.at(static_cast<std::size_t>(reason)) += times;
    }
    void add(const Prevented& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_.at(i) += other.counts_.at(i);
    }
    [[nodiscard]] std::uint64_t of(Twice reason) const {
        return counts_.at(static_cast<std::size_t>(reason));
    }
    [[nodiscard]] std::uint64_t total() const {
        return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
    }

  private:
    std::array<std::uint64_t, twice_names.size()> counts_{};
};

}  // namespace oneloop::worker
