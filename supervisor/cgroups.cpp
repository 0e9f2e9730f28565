#include "supervisor/cgroups.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <utility>

#include "common/read_text.h"

namespace oneloop {
namespace {

// mountinfo writes a space as \040 (proc(5)).
std::string unescape(const std::string& text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 3 < text.size()) {
            result += static_cast<char>(std::strtol(text.substr(at + 1, 3).c_str(), nullptr, 8));
            at += 3;
        } else {
            result += text[at];
        }
    }
    return result;
}

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto one = list.substr(0, list.find(','));
        if (one == word) return true;
        list.remove_prefix(std::min(one.size() + 1, list.size()));
    }
    return false;
}

// A line reads "hierarchy:controllers:path"; version 2 names no controller.
std::optional<std::string> path_of(const std::string& proc, pid_t pid,
                                   std::string_view controller) {
    const std::string who = pid > 0 ? std::to_string(pid) : "self";
    std::istringstream lines(read_text(proc + "/" + who + "/cgroup"));
    for (std::string line; std::getline(lines, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (controller.empty() ? controllers.empty() : has_word(controllers, controller)) {
            return line.substr(second + 1);
        }
    }
    return std::nullopt;
}

}  // namespace

Cgroups::Cgroups(std::string proc) : proc_(std::move(proc)) {
    std::istringstream lines(read_text(proc_ + "/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        const auto dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::istringstream before(line.substr(0, dash));
        std::istringstream after(line.substr(dash + 3));
        std::string skipped;
        std::string type;
        Mount mount;
        std::string root;
        std::string point;
        before >> skipped >> skipped >> skipped >> root >> point;
        after >> type >> skipped >> mount.options;
        if (point.empty() || (type != "cgroup2" && type != "cgroup")) continue;
        mount.unified = type == "cgroup2";
        mount.point = unescape(point);
        mount.root = unescape(root);
        mounts_.push_back(std::move(mount));
    }
}

// The first mount of each is as good as any.
const Cgroups::Mount* Cgroups::mount(std::string_view controller) const {
    const auto found = std::find_if(mounts_.begin(), mounts_.end(), [&](const Mount& mount) {
        return controller.empty() ? mount.unified
                                  : !mount.unified && has_word(mount.options, controller);
    });
    return found == mounts_.end() ? nullptr : &*found;
}

std::string Cgroups::mount_point(std::string_view controller) const {
    const Mount* found = mount(controller);
    return found ? found->point : "";
}

std::string Cgroups::directory(pid_t pid, std::string_view controller) const {
    const Mount* found = mount(controller);
    auto path = found ? path_of(proc_, pid, controller) : std::nullopt;
    // "/../…": outside of what this namespace shows.
    if (!path || path->find("/..") != std::string::npos) return "";
    if (found->root != "/" && path->starts_with(found->root)) path->erase(0, found->root.size());
    if (*path == "/") path->clear();
    return found->point + *path;
}

std::string unified_path(const std::string& proc, pid_t pid) {
    return path_of(proc, pid, "").value_or("");
}

}  // namespace oneloop
