// same_saves: which saves without a change are worth a line, gathered into one.
//
// Pure. A formatter that rewrites three hundred files is one line; a program that rewrites its
// state every second has had three lines and is silent until the next start.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/clock.h"

namespace oneloop {

class SameSaves {
  public:
    struct Summary {
        std::string first_path;
        std::size_t count = 0;  // of paths, each counted once
        friend bool operator==(const Summary&, const Summary&) = default;
    };

    void saved(const std::string& path, SteadyTime now);
    // Something else changed: whoever reads of that needs no more.
    void drop();
    // A worker was started: lines are worth having again.
    void started();

    // Once per burst, at or after the deadline; then `saved` begins a new one.
    std::optional<Summary> due(SteadyTime now);
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

  private:
    std::vector<std::string> paths_;
    std::unordered_set<std::string> known_;
    std::unordered_map<std::string, int> lines_;  // by path, since the last start
    SteadyTime first_;
    SteadyTime last_;
};

}  // namespace oneloop
