#include "supervisor/doubts.h"

#include <algorithm>

namespace oneloop {

bool Doubts::removed(const std::string& path, SteadyTime now) {
    const auto found = entries_.find(path);
    if (found != entries_.end() && !found->second.removed) {
        entries_.erase(found);
        return true;
    }
    entries_.try_emplace(path, Entry{true, now, now + options_.removal, next_++});
    return false;
}

void Doubts::fresh(const std::string& path, SteadyTime now) {
    auto& entry = entries_.try_emplace(path, Entry{false, now, now, next_++}).first->second;
    entry.until = std::min(now + options_.fresh, entry.since + options_.longest_fresh);
}

bool Doubts::is_fresh(const std::string& path) const {
    const auto found = entries_.find(path);
    return found != entries_.end() && !found->second.removed;
}

bool Doubts::back(const std::string& path) {
    const auto found = entries_.find(path);
    if (found == entries_.end() || !found->second.removed) return false;
    entries_.erase(found);
    return true;
}

template <class Condition>
std::vector<Doubts::Doubt> Doubts::take(Condition condition) {
    std::vector<std::pair<std::size_t, Doubt>> taken;
    for (auto it = entries_.begin(); it != entries_.end();) {
        if (!condition(it->second)) {
            ++it;
            continue;
        }
        taken.push_back({it->second.number, {it->first, it->second.removed}});
        it = entries_.erase(it);
    }
    std::sort(taken.begin(), taken.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Doubt> result;
    for (auto& [number, doubt] : taken)
        result.push_back(std::move(doubt));
    return result;
}

std::vector<Doubts::Doubt> Doubts::due(SteadyTime now) {
    return take([now](const Entry& entry) { return entry.until <= now; });
}

std::vector<Doubts::Doubt> Doubts::all() {
    return take([](const Entry&) { return true; });
}

std::optional<SteadyTime> Doubts::deadline() const {
    std::optional<SteadyTime> first;
    for (const auto& [path, entry] : entries_) {
        if (!first || entry.until < *first) first = entry.until;
    }
    return first;
}

}  // namespace oneloop
