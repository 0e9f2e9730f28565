// vcs_ignore: what .gitignore says, by libgit2, the only place that names it.
//
// Every .gitignore of the work tree, nested and negated ones, .git/info/exclude and the user's own
// list. libgit2 looks again at files that changed. Outside of a work tree it is not even
// initialized, which takes milliseconds. On the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct git_repository;

namespace oneloop {

class VcsIgnore {
  public:
    // `directory`: a watched root. None when it lies in no work tree, or when the work tree ignores
    // the root itself: who names it wants it.
    static std::unique_ptr<VcsIgnore> open(const std::string& directory);
    ~VcsIgnore();
    VcsIgnore(const VcsIgnore&) = delete;
    VcsIgnore& operator=(const VcsIgnore&) = delete;

    // The .gitignore files that count for the root and lie above it, whether they are there or not,
    // and .git/info/exclude.
    [[nodiscard]] std::vector<std::string> above() const;

    // `path` is relative to the root. Some 25 microseconds.
    [[nodiscard]] bool ignores(const std::string& path, bool directory) const;

  private:
    explicit VcsIgnore(git_repository* repository) : repository_(repository) {}
    git_repository* repository_;
    std::string prefix_;  // of the root inside the work tree; "" or "a/b/"
};

}  // namespace oneloop
