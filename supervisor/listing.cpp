#include "supervisor/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "common/exit_status.h"
#include "common/log.h"
#include "supervisor/link_rule.h"
#include "supervisor/watch_rules.h"
#include "supervisor/watch_tree.h"
#include "supervisor/wiring.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

class Listing {
  public:
    Listing(const Options& options, std::ostream& out)
        : rules_(PathRules(options.rules), options.vcs_ignore), out_(out) {
        for (const auto& path : options.watch_paths) {
            std::error_code error;
            if (fs::is_directory(path, error)) watched_.push_back(fs::canonical(path, error));
        }
    }

    bool root(const std::string& path) {
        std::error_code error;
        const auto status = fs::status(path, error);
        if (error || !fs::exists(status)) {
            log::error("cannot watch {}: {}", path, error ? error.message() : "not found");
            return false;
        }
        if (!fs::is_directory(status)) {
            out_ << "watch   " << path << "\n";
            return true;
        }
        rules_.add_root(path);
        directory(path, "");
        return true;
    }

  private:
    void directory(const std::string& root, const std::string& relative) {
        std::error_code error;
        std::vector<fs::directory_entry> entries;
        const std::string here = join_path(root, relative);
        for (fs::directory_iterator it(here.empty() ? "." : here, error), end; !error && it != end;
             it.increment(error)) {
            entries.push_back(*it);
        }
        if (error) log::warn("cannot read {}: {}", here, error.message());
        std::sort(entries.begin(), entries.end());
        for (const auto& entry : entries)
            one(root, join_path(relative, entry.path().filename().string()), entry);
    }

    void one(const std::string& root, const std::string& path, const fs::directory_entry& entry) {
        std::error_code error;
        const bool directory_here = entry.is_directory(error);  // behind a link, too
        auto rule = directory_here ? rules_.why_directory(root, path) : rules_.why_file(root, path);
        if (!rule && directory_here && entry.is_symlink(error)) {
            const std::string target = fs::canonical(entry.path(), error);
            rule = why_not_followed(target, watched_);
            watched_.push_back(target);
        }
        const std::string shown = join_path(root, path) + (directory_here ? "/" : "");
        if (rule) {
            out_ << fmt::format("ignore  {}  ({})\n", shown, *rule);
        } else if (directory_here) {
            directory(root, path);
        } else {
            out_ << "watch   " << shown << "\n";
        }
    }

    WatchRules rules_;
    std::vector<std::string> watched_;  // real paths: the roots, and what links lead to
    std::ostream& out_;
};

}  // namespace

int list_watched(const Options& options, std::ostream& out) {
    Listing listing(options, out);
    bool all = true;
    for (const auto& path : options.watch_paths)
        all = listing.root(path) && all;
    if (!options.command_given) return all ? exit_ok : exit_unavailable;
    for (const auto& program : programs_to_watch(options))
        out << "watch   " << program << "  (the command's own program)\n";
    return all ? exit_ok : exit_unavailable;
}

}  // namespace oneloop
