#include "supervisor/build_writes.h"

namespace oneloop {

void BuildWrites::done() {
    std::erase_if(paths_, [this](const auto& entry) { return entry.second.changed_in != build_; });
}

std::optional<BuildWrites::Held> BuildWrites::changed(const std::string& path, bool during_build) {
    if (!during_build) {
        // The next build has a reason of its own.
        for (auto& [name, known] : paths_)
            known.in_a_row = 0;
        return std::nullopt;
    }
    auto found = paths_.find(path);
    if (found == paths_.end()) {
        if (paths_.size() >= options_.most_paths) return std::nullopt;
        found = paths_.try_emplace(path).first;
    }
    Path& known = found->second;
    if (known.changed_in != build_) {
        known.in_a_row = known.changed_in + 1 == build_ ? known.in_a_row + 1 : 1;
        known.changed_in = build_;
    }
    if (known.in_a_row >= options_.builds) known.own = true;
    if (!known.own) return std::nullopt;
    const bool first = known.held_in != build_;
    known.held_in = build_;
    return Held{path, first};
}

}  // namespace oneloop
