// Census: counts the living processes of a test, all the time.
//
// A process belongs to the test when its environment holds the test's mark; /proc gives zombies an
// empty one, so they don't count. A thread looks again and again, so that what was there for a
// moment in between is not missed by asking only at the end.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace oneloop::test {

inline constexpr const char* census_variable = "ONELOOP_TEST_MARK";

struct Seen {
    pid_t pid = 0;
    std::string command;     // arguments, joined by spaces
    std::string generation;  // ONELOOP_GENERATION of its environment; "" when there is none
};

// All living processes with the mark whose command satisfies `counts`, now.
std::vector<Seen> living(const std::string& mark,
                         const std::function<bool(const Seen&)>& counts = nullptr);

class Census {
  public:
    // Counts the marked processes for which `counts` is true. Those of one generation count as one:
    // a worker that forks is still one worker. Without a generation each process counts.
    Census(std::string mark, std::function<bool(const Seen&)> counts);
    ~Census();
    [[nodiscard]] std::size_t most() const { return most_; }  // generations ever seen at once
    [[nodiscard]] std::size_t looks() const { return looks_; }

  private:
    std::string mark_;
    std::function<bool(const Seen&)> counts_;
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> most_{0};
    std::atomic<std::size_t> looks_{0};
    std::thread thread_;
};

}  // namespace oneloop::test
