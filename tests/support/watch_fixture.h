// Watch: a FileWatcher on a small tree, and what it has told.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/file_watcher.h"
#include "tests/support/process.h"

namespace oneloop::test {

namespace fs = std::filesystem;

class Watch : public testing::Test {
  protected:
    Watch() {
        fs::create_directories(root + "/app/views");
        write_file(root + "/app/views/a.py", "1");
        write_file(root + "/main.py", "1");
    }

    void arm(const std::vector<std::string>& paths, const std::vector<std::string>& programs = {},
             const std::vector<std::string>& ignore = {}) {
        watcher.emplace(io,
                        FileWatcher::Setup{paths, programs, PathRules(ignore), true, polling,
                                           content, links_settle},
                        FileWatcher::Events{
                            [this](const std::string& path, ChangeKind kind, bool) {
                                (kind == ChangeKind::written ? written : removed)
                                    .insert(fs::path(path).lexically_relative(root).string());
                            },
                            [this](const std::string& path) {
                                unchanged.insert(fs::path(path).lexically_relative(root).string());
                            },
                            [this](const FileWatcher::Compared& what) {
                                ++lost;
                                compared = what;
                            },
                            [this](const std::string& text) { warnings.push_back(text); }});
    }

    // Handles all that the kernel has queued by now: events are there when the call that caused
    // them returns.
    void look() {
        written.clear();
        removed.clear();
        unchanged.clear();
        io.restart();
        io.poll();
    }

    TempDir dir;
    std::string root = dir.file("root");
    boost::asio::io_context io;
    std::optional<FileWatcher> watcher;
    std::set<std::string> written;
    std::set<std::string> removed;
    std::set<std::string> unchanged;
    bool content = true;
    Duration links_settle{};  // look() waits for nothing
    PollOptions polling;
    int lost = 0;
    FileWatcher::Compared compared;
    std::vector<std::string> warnings;
};

using Paths = std::set<std::string>;

}  // namespace oneloop::test
