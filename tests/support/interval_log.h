// IntervalLog: when each worker ran, written by the workers themselves into shared memory.
//
// Counting processes has gaps between two looks; this has none: a worker writes the time of its
// first instruction once and the present time again and again until it is gone. Two intervals that
// overlap are two workers that ran user code at once. CLOCK_MONOTONIC, the same for all processes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace oneloop::test {

class IntervalLog {
  public:
    struct Slot {
        std::atomic<std::int64_t> first;  // ns
        std::atomic<std::int64_t> last;   // ns
        std::atomic<std::int64_t> pid;
        std::atomic<std::int64_t> generation;
    };
    struct Overlap {
        std::int64_t pid_a;
        std::int64_t pid_b;
        std::int64_t nanoseconds;
    };

    // Creates the file when it is missing.
    explicit IntervalLog(const std::string& path);
    ~IntervalLog();
    IntervalLog(const IntervalLog&) = delete;
    IntervalLog& operator=(const IntervalLog&) = delete;

    // The worker's side: a slot of its own, stamped. Null when all are taken.
    Slot* enter(std::int64_t generation);
    static void stamp(Slot& slot);

    // The test's side.
    [[nodiscard]] std::size_t entries() const;
    [[nodiscard]] const Slot& entry(std::size_t index) const;
    [[nodiscard]] std::vector<Overlap> overlaps() const;
    // Generations in order of entry grow strictly.
    [[nodiscard]] bool generations_grow() const;

  private:
    struct Page;
    Page* page_;
};

}  // namespace oneloop::test
