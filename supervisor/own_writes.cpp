#include "supervisor/own_writes.h"

#include <algorithm>

namespace oneloop {

void OwnWrites::started(SteadyTime now) {
    for (auto it = paths_.begin(); it != paths_.end();) {
        if (!is_over(it->second)) {
            ++it;
            continue;
        }
        suspects_changed_ = suspects_changed_ || is_suspect(it->second);
        it = paths_.erase(it);
    }
    ++generation_;
    since_ = now;
    alive_ = true;
}

void OwnWrites::gone(SteadyTime now) {
    alive_ = false;
    until_ = now;
}

std::optional<OwnWrites::Held> OwnWrites::changed(const std::string& path, bool could_be_own,
                                                  SteadyTime now) {
    if (!alive_ || !could_be_own) return std::nullopt;
    const Duration lag = now - since_;
    const bool early = lag <= options_.early;
    auto found = paths_.find(path);
    if (found == paths_.end()) {
        if (!early || paths_.size() >= options_.most_paths) return std::nullopt;
        found = paths_.try_emplace(path).first;
    }
    Path& known = found->second;
    const bool first_here = known.changed_in != generation_;
    if (first_here && early) hit(known, lag);
    if (!known.implicated) {
        known.changed_in = generation_;
        return std::nullopt;
    }
    if (first_here && !early) {  // this generation has lived without it: forgiven
        paths_.erase(found);
        suspects_changed_ = true;
        return std::nullopt;
    }
    const bool hold = early || now - known.last_change <= options_.early;
    known.changed_in = generation_;
    known.last_change = now;
    if (!hold) return std::nullopt;
    const bool first = known.held_in != generation_;
    known.held_in = generation_;
    return Held{path, lag, first};
}

void OwnWrites::hit(Path& path, Duration lag) {
    const bool suspect = is_suspect(path);
    if (path.hit_in + 1 != generation_) path.lags.clear();
    path.lags.push_back(lag);
    if (path.lags.size() > options_.generations) path.lags.erase(path.lags.begin());
    path.hit_in = generation_;
    if (path.lags.size() == options_.generations && agree(path.lags)) path.implicated = true;
    if (is_suspect(path) != suspect) suspects_changed_ = true;
}

bool OwnWrites::agree(const std::vector<Duration>& lags) const {
    const auto [shortest, longest] = std::minmax_element(lags.begin(), lags.end());
    const Duration jitter = options_.jitter + *shortest * options_.jitter_percent / 100;
    return *longest - *shortest <= std::min(jitter, options_.longest_jitter);
}

bool OwnWrites::is_suspect(const Path& path) const {
    return path.implicated || path.lags.size() + 1 >= options_.generations;
}

// At the end of a generation: there is nothing left to remember.
bool OwnWrites::is_over(const Path& path) const {
    if (!path.implicated) return path.hit_in != generation_;
    return path.changed_in != generation_ && until_ - since_ >= options_.early;
}

bool OwnWrites::suspects(const std::string& path) const {
    const auto found = paths_.find(path);
    return found != paths_.end() && is_suspect(found->second);
}

std::optional<std::vector<std::string>> OwnWrites::take_suspects() {
    if (!suspects_changed_) return std::nullopt;
    suspects_changed_ = false;
    std::vector<std::string> result;
    for (const auto& [name, path] : paths_) {
        if (is_suspect(path)) result.push_back(name);
    }
    std::sort(result.begin(), result.end());
    return result;
}

std::vector<std::string> OwnWrites::held() const {
    std::vector<std::string> result;
    for (const auto& [name, path] : paths_) {
        if (generation_ > 0 && path.held_in == generation_) result.push_back(name);
    }
    std::sort(result.begin(), result.end());
    return result;
}

}  // namespace oneloop
