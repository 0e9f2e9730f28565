// IntervalLog: when each worker ran, written by the workers themselves into shared memory.
//
// Counting processes has gaps between two looks; this has none: a worker writes the time of its
// first instruction once and the present time again and again until it is gone. Two intervals that
// overlap are two workers that ran user code at once. CLOCK_MONOTONIC, the same for all processes.
//
// For supervisor selftest and for the tests. Not for what a user's worker does: it knows nothing of
// it. Any process, any thread; no locks, so that a killed worker can't leave one behind.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oneloop {

class IntervalLog {
  public:
    struct Slot {
        std::atomic<std::int64_t> first;  // ns; 0: killed before it could write
        std::atomic<std::int64_t> last;   // ns
        std::atomic<std::int64_t> pid;
        std::atomic<std::int64_t> generation;
    };
    struct Overlap {
        std::int64_t pid_a;
        std::int64_t pid_b;
        std::int64_t generation_a;
        std::int64_t generation_b;
        std::int64_t begin;  // ns of CLOCK_MONOTONIC
        std::int64_t nanoseconds;
    };

    static constexpr std::size_t usual_slots = 4096;

    // Creates the file when it is missing, with room for `slots` workers; an existing one keeps its
    // size. Throws std::runtime_error.
    explicit IntervalLog(const std::string& path, std::size_t slots = usual_slots);
    ~IntervalLog();
    IntervalLog(const IntervalLog&) = delete;
    IntervalLog& operator=(const IntervalLog&) = delete;

    // The worker's side: a slot of its own, stamped. Null when all are taken. `pid` as whoever
    // reads it knows the process: in a PID namespace not that of getpid(2).
    Slot* enter(std::int64_t generation, pid_t pid = ::getpid());
    static void stamp(Slot& slot);

    // The observer's side.
    [[nodiscard]] bool full() const;
    [[nodiscard]] std::size_t entries() const;
    [[nodiscard]] const Slot& entry(std::size_t index) const;
    [[nodiscard]] std::vector<Overlap> overlaps() const;
    // Generations in order of entry grow strictly. The first entry whose does not, or none.
    [[nodiscard]] std::optional<std::size_t> not_grown() const;
    [[nodiscard]] bool generations_grow() const { return !not_grown(); }

  private:
    struct Page;
    Page* page_;
    std::size_t size_;  // bytes
    std::size_t slots_;
};

}  // namespace oneloop
