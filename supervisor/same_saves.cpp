#include "supervisor/same_saves.h"

#include <algorithm>

namespace oneloop {
namespace {

constexpr Duration quiet = std::chrono::milliseconds(100);
constexpr Duration longest = std::chrono::seconds(1);
constexpr int most_lines = 3;
constexpr std::size_t most_paths = 1000;

}  // namespace

void SameSaves::saved(const std::string& path, SteadyTime now) {
    const auto lines = lines_.find(path);
    if (lines != lines_.end() && lines->second >= most_lines) return;
    if (lines == lines_.end() && lines_.size() >= most_paths) return;
    if (!known_.insert(path).second) return;
    if (paths_.empty()) first_ = now;
    last_ = now;
    paths_.push_back(path);
    lines_.try_emplace(path, 0);
}

void SameSaves::drop() {
    paths_.clear();
    known_.clear();
}

void SameSaves::started() {
    drop();
    lines_.clear();
}

std::optional<SteadyTime> SameSaves::deadline() const {
    if (paths_.empty()) return std::nullopt;
    return std::min(last_ + quiet, first_ + longest);
}

std::optional<SameSaves::Summary> SameSaves::due(SteadyTime now) {
    const auto at = deadline();
    if (!at || now < *at) return std::nullopt;
    Summary summary{paths_.front(), paths_.size()};
    for (const auto& path : paths_)
        ++lines_[path];
    drop();
    return summary;
}

}  // namespace oneloop
